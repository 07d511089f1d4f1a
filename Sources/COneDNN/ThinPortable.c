#include <string.h>
#include "COneDNN.h"
#include "ThinConvolution.h"
#define VECTOR_FLOATS 4
#define THIN_KERNELS halcyon_thin_portable
#define THIN_NAME "halcyon:thin:portable"
#include "ThinKernels.h"

// Tests run beside each other, so a version is forced on one thread only.
static _Thread_local const halcyon_thin_kernels *forced;

static const halcyon_thin_kernels *supported(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if ((!name || !strcmp(name, "avx512") || !strcmp(name, "amx")) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return &halcyon_thin_avx512;
    if ((!name || !strcmp(name, "avx2")) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &halcyon_thin_avx2;
#endif
    return !name || !strcmp(name, "portable") ? &halcyon_thin_portable : NULL;
}

const halcyon_thin_kernels *halcyon_thin_best(void) { return forced ? forced : supported(NULL); }

int halcyon_conv_force_isa(const char *name) {
    if (name && !supported(name)) return 0;
    forced = name ? supported(name) : NULL;
    return 1;
}
