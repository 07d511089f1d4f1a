// OpenBLAS, loaded when it is first asked for and not with the program: its threads and its tables take longer to set up than a
// small network to compile, and its environment can be put right before.
#ifndef HALCYON_COPENBLAS_H
#define HALCYON_COPENBLAS_H

/// The core type whose kernels OpenBLAS chose when it was loaded, for example "SkylakeX"; "none" without OpenBLAS.
const char *halcyon_openblas_core(void);

/// Whether OpenBLAS has what the functions below need.
int halcyon_cholesky_is_there(void);

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor (LAPACK's dpotrf), on one thread.
///
/// @param matrix count x count, row after row; only its lower triangle is read and written.
/// @return 0; what dpotrf says when the matrix is not positive definite; -1 without OpenBLAS.
int halcyon_cholesky(double *matrix, int count);

/// Replaces a Cholesky factor as `halcyon_cholesky` leaves it by the lower triangle of the inverse of the matrix (dpotri).
int halcyon_cholesky_inverse(double *factor, int count);
#endif
