// The pointwise kernels with the processor's products of bf16 pairs.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>
#include "KernelTable.h"
#define VECTOR_FLOATS 16
#define KERNEL_MASKED 1
#define KERNEL_BF16 1
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#include "Vectors.h"
#include "PixelKernels.h"
#include "PointwiseKernels.h"
#include "PointwiseGradientKernels.h"
const halcyon_pointwise_table halcyon_pointwise_bf16 = {pointwise_pack, pointwise_run, pointwise_gradient_run};
#pragma clang attribute pop
#endif
