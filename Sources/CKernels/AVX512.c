#if defined(__x86_64__)
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include "KernelTable.h"
#define VECTOR_FLOATS 16
#define KERNEL_TABLE halcyon_kernels_avx512
#define KERNEL_ISA "avx512"
#define KERNEL_MASKED 1
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,prfchw"))), apply_to = function)
#include "Kernels.h"

/// On processors that multiply tiles too, which serve products of bf16 alone.
const halcyon_kernel_table halcyon_kernels_amx = {.isa = "amx", HALCYON_KERNELS(KERNEL_ENTRY)};
#pragma clang attribute pop
#endif
