#include <string.h>
#include "ThinConvolution.h"
#define VECTOR_FLOATS 4
#define THIN_KERNELS halcyon_thin_portable
#define THIN_NAME "halcyon:thin:portable"
#include "ThinKernels.h"

const halcyon_thin_kernels *halcyon_thin_best(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return &halcyon_thin_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &halcyon_thin_avx2;
#endif
    return &halcyon_thin_portable;
}
