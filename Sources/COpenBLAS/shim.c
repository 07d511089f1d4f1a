#include "COpenBLAS.h"

extern char *openblas_get_corename(void);
extern void openblas_set_num_threads(int);

const char *halcyon_openblas_core(void) { return openblas_get_corename(); }
void halcyon_openblas_set_threads(int threads) { openblas_set_num_threads(threads); }
void halcyon_sgemm(int transposeA, int transposeB, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc) {
    cblas_sgemm(CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, m, n, k,
                alpha, a, lda, b, ldb, beta, c, ldc);
}
