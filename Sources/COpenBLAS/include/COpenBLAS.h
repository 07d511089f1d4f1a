// OpenBLAS and its own controls: the only place that includes its headers.
#ifndef HALCYON_COPENBLAS_H
#define HALCYON_COPENBLAS_H
#include <cblas.h>

/// The core type whose kernels OpenBLAS chose at load time, for example "SkylakeX".
const char *halcyon_openblas_core(void);
#endif
