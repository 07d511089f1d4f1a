// The kernels of products that are rounded to bf16, with the processor's products of bf16 pairs.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include "KernelTable.h"
#define VECTOR_FLOATS 16
#define KERNEL_MASKED 1
#define KERNEL_BF16 1
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma,prfchw"))), apply_to = function)
#include "Vectors.h"
#include "SmoothActivations.h"
#include "Halves.h"
#include "NormalizedInput.h"
#include "PointwiseKernels.h"
#include "PointwiseGradientKernels.h"
#include "WinogradKernels.h"

#define KERNEL_ENTRY(name) .name = name,
const halcyon_half_table halcyon_halves_avx512 = {HALCYON_HALF_KERNELS(KERNEL_ENTRY)};
#pragma clang attribute pop
#endif
