// Each version of the kernels is one table of function pointers, filled from one source compiled for one instruction set.
#ifndef HALCYON_KERNEL_TABLE_H
#define HALCYON_KERNEL_TABLE_H
#include "CKernels.h"

#define HALCYON_KERNELS(X)                                                                                                   \
    X(scale) X(all_finite) X(adam) X(mean_squared_error) X(mean_squared_error_gradient) X(mean_absolute_error)               \
    X(mean_absolute_error_gradient) X(copy) X(add) X(subtract) X(leaky_relu) X(leaky_relu_backward)                          \
    X(batch_norm_forward) X(batch_norm_inference) X(batch_norm_backward) X(max_pool2) X(max_pool2_backward)                  \
    X(upsample2) X(upsample2_backward) X(pad) X(pad_backward) X(crop) X(crop_backward)                \
    X(pixel_unshuffle) X(pixel_shuffle)

#define HALCYON_KERNEL_MEMBER(name) __typeof__(halcyon_##name) *name;
typedef struct halcyon_kernel_table {
    const char *isa;
    HALCYON_KERNELS(HALCYON_KERNEL_MEMBER)
} halcyon_kernel_table;

extern const halcyon_kernel_table halcyon_kernels_portable;
#if defined(__x86_64__)
extern const halcyon_kernel_table halcyon_kernels_avx2, halcyon_kernels_avx512;
#endif
#endif
