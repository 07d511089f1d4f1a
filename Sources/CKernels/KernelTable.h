// Each version of the kernels is one table of function pointers, filled from one source compiled for one instruction set.
#ifndef HALCYON_KERNEL_TABLE_H
#define HALCYON_KERNEL_TABLE_H
#include "CKernels.h"

/// Pixels that pointwise products stage together, a share's grain: a multiple of every block's rows.
enum { pointwiseChunk = 48 };

#define HALCYON_KERNELS(X)                                                                                                   \
    X(scale) X(add_scaled) X(all_finite) X(adam) X(mean_squared_error) X(mean_squared_error_gradient)                        \
    X(mean_absolute_error) X(mean_absolute_error_gradient) X(copy) X(add) X(subtract) X(leaky_relu) X(leaky_relu_backward)                          \
    X(batch_norm_statistics) X(batch_norm_apply) X(batch_norm_inference) X(batch_norm_backward)                               \
    X(max_pool2) X(max_pool2_backward)                                                                                        \
    X(upsample2) X(upsample2_backward) X(pad) X(pad_backward) X(crop) X(crop_backward)                                        \
    X(multiply) X(smooth_activation) X(smooth_activation_backward) X(average_pool) X(average_pool_backward)                  \
    X(activated_pool) X(activated_pool_backward) X(channel_scale) X(channel_scale_backward)                                  \
    X(depthwise) X(depthwise_weight_gradient)                                                                                \
    X(layer_norm) X(layer_norm_backward) X(window_attention) X(window_attention_backward)                                    \
    X(pixel_unshuffle) X(pixel_shuffle)                                                                                      \
    X(conv3_weight_floats) X(conv3_scratch) X(conv3_weights) X(conv3) X(conv3_weight_gradient)                                \
    X(pointwise_pack) X(pointwise_share) X(pointwise_gradient_run)

#define HALCYON_KERNEL_MEMBER(name) __typeof__(halcyon_##name) *name;
typedef struct halcyon_kernel_table {
    const char *isa;
    HALCYON_KERNELS(HALCYON_KERNEL_MEMBER)
} halcyon_kernel_table;

extern const halcyon_kernel_table halcyon_kernels_portable;
#if defined(__x86_64__)
extern const halcyon_kernel_table halcyon_kernels_avx2, halcyon_kernels_avx512, halcyon_kernels_amx;

/// The kernels of products whose operands are rounded to bf16, where the processor multiplies those.
#define HALCYON_HALF_KERNELS(X)                                                                                              \
    X(conv3_weight_floats) X(conv3_scratch) X(conv3_weights) X(conv3) X(conv3_weight_gradient)                                \
    X(pointwise_pack) X(pointwise_share) X(pointwise_gradient_run)
typedef struct {
    HALCYON_HALF_KERNELS(HALCYON_KERNEL_MEMBER)
} halcyon_half_table;
extern const halcyon_half_table halcyon_halves_avx512, halcyon_halves_amx;
#endif
#endif
