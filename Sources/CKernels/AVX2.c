#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include "KernelTable.h"
#define VECTOR_FLOATS 8
#define KERNEL_TABLE halcyon_kernels_avx2
#define KERNEL_ISA "avx2"
#pragma clang attribute push(__attribute__((target("avx2,fma,prfchw"))), apply_to = function)
#include "Kernels.h"
#pragma clang attribute pop
#endif
