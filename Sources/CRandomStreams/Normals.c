#include <string.h>
#include "CRandomStreams.h"

// An inner function cannot be shared between instruction sets: each version has its own names, which the kernel forgets at its end.
#define fromBits fromBitsPortable
#define toBits toBitsPortable
#define fromWord fromWordPortable
#define naturalLogarithm naturalLogarithmPortable
#define cosine cosinePortable
#define NORMALS normalsPortable
#include "NormalKernel.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define fromBits fromBits256
#define toBits toBits256
#define fromWord fromWord256
#define naturalLogarithm naturalLogarithm256
#define cosine cosine256
#define NORMALS normals256
#include "NormalKernel.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#define fromBits fromBits512
#define toBits toBits512
#define fromWord fromWord512
#define naturalLogarithm naturalLogarithm512
#define cosine cosine512
#define NORMALS normals512
#include "NormalKernel.h"
#pragma clang attribute pop
#endif

void halcyon_random_normals(uint64_t key, uint64_t block, ptrdiff_t count, double gain, double deviation, float *y) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
        normals512(key, block, count, gain, deviation, y);
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        normals256(key, block, count, gain, deviation, y);
        return;
    }
#endif
    normalsPortable(key, block, count, gain, deviation, y);
}
