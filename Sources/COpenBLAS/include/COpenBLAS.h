// OpenBLAS's cblas, and its own controls: the only place that includes its headers.
#ifndef HALCYON_COPENBLAS_H
#define HALCYON_COPENBLAS_H
#include <cblas.h>

/// The core type whose kernels OpenBLAS chose at load time, for example "SkylakeX".
const char *halcyon_openblas_core(void);
void halcyon_openblas_set_threads(int threads);
/// Row-major C = alpha * op(A) * op(B) + beta * C with op(A) [m, k], op(B) [k, n].
void halcyon_sgemm(int transposeA, int transposeB, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc);
#endif
