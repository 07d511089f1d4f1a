// OpenBLAS, loaded when it is first asked for and not with the program: its threads and its tables take longer to set up than a
// small network to compile, and its environment can be put right before.
#ifndef HALCYON_COPENBLAS_H
#define HALCYON_COPENBLAS_H

/// The core type whose kernels OpenBLAS chose when it was loaded, for example "SkylakeX"; "none" without OpenBLAS.
const char *halcyon_openblas_core(void);
#endif
