#include "COpenBLAS.h"

extern char *openblas_get_corename(void);

const char *halcyon_openblas_core(void) { return openblas_get_corename(); }
