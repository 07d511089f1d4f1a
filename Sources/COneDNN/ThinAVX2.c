#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>
#include "ThinConvolution.h"
#define VECTOR_FLOATS 8
#define THIN_KERNELS halcyon_thin_avx2
#define THIN_NAME "halcyon:thin:avx2"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "ThinKernels.h"
#pragma clang attribute pop
#endif
