#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>
#include "ThinConvolution.h"
#define VECTOR_FLOATS 16
#define KERNEL_MASKED 1
#define THIN_KERNELS halcyon_thin_avx512
#define THIN_NAME "halcyon:thin:avx512"
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "ThinKernels.h"
#pragma clang attribute pop
#endif
