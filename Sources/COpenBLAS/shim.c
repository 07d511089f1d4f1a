#include <dlfcn.h>
#include <stddef.h>
#include "COpenBLAS.h"

const char *halcyon_openblas_core(void) {
    void *const library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    char *(*const name)(void) = library ? (char *(*)(void))dlsym(library, "openblas_get_corename") : NULL;
    return name ? name() : "none";
}
