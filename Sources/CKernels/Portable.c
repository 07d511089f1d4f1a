#include <stdlib.h>
#include <string.h>
#include "KernelTable.h"
#define VECTOR_FLOATS 4
#define KERNEL_TABLE halcyon_kernels_portable
#define KERNEL_ISA "portable"
#include "Kernels.h"
