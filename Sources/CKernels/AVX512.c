#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include "KernelTable.h"
#define VECTOR_FLOATS 16
#define KERNEL_TABLE halcyon_kernels_avx512
#define KERNEL_ISA "avx512"
#define KERNEL_MASKED 1
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "Kernels.h"
#pragma clang attribute pop
#endif
