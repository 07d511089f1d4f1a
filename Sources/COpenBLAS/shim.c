#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include "COpenBLAS.h"

// Debian's OpenBLAS has LAPACK's Fortran symbols and no LAPACKE: a hidden length follows the text argument.
typedef void (*Factorization)(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t length);

static struct {
    const char *core;
    Factorization dpotrf, dpotri;
} blas = {.core = "none"};

static void load(void) {
    void *const library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    char *(*const name)(void) = (char *(*)(void))dlsym(library, "openblas_get_corename");
    void (*const threads)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
    if (name) blas.core = name();
    // One thread: sums in one order, and the matrices are small.
    if (threads) threads(1);
    blas.dpotrf = (Factorization)dlsym(library, "dpotrf_");
    blas.dpotri = (Factorization)dlsym(library, "dpotri_");
}

static void load_once(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
}

const char *halcyon_openblas_core(void) {
    load_once();
    return blas.core;
}

// What is a lower triangle row after row is an upper one column after column.
static int call(Factorization function, double *matrix, int count) {
    int info = -1;
    if (function) function("U", &count, matrix, &count, &info, 1);
    return info;
}

int halcyon_cholesky_is_there(void) {
    load_once();
    return blas.dpotrf && blas.dpotri;
}

int halcyon_cholesky(double *matrix, int count) {
    load_once();
    return call(blas.dpotrf, matrix, count);
}

int halcyon_cholesky_inverse(double *factor, int count) {
    load_once();
    return call(blas.dpotri, factor, count);
}
