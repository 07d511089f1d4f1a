// What a convolution holds, for the files that run it.
#ifndef HALCYON_CONVOLUTION_STATE_H
#define HALCYON_CONVOLUTION_STATE_H
#include "CKernels.h"
#include "COneDNN.h"
#include "ThinConvolution.h"
#include <dnnl.h>

struct halcyon_conv {
    int direction, hasBias;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive, reorder;
    dnnl_memory_t source, weights, bias, destination, scratchpad;
    dnnl_memory_t canonical;  // OIHW, NULL if the prepared form is OIHW
    size_t weightBytes, scratchpadBytes;
    // oneDNN's fast implementations take dense tensors only: a slice is copied through scratch memory, at these offsets after
    // the primitive's own; 0 floats where none is needed.
    struct slice {
        size_t pixels, channels, pitch, offset;
        int copied;
    } sourceSlice, destinationSlice;
    // Own kernels instead of oneDNN, if not NULL.
    const halcyon_thin_kernels *thin;
    halcyon_thin_shape thinShape;
    int thinIsSource, kernelReversed, relu, inputChannels;
};

/// Takes the own kernels where they are faster than oneDNN; returns whether it did.
int halcyon_thin_build(halcyon_conv *conv, const halcyon_conv_shape *shape, int activation);
/// OIHW to the thin kernels' order.
void halcyon_thin_prepare(const halcyon_conv *conv, const float *oihw, float *prepared);
/// The gradients of weights (OIHW) and bias.
void halcyon_thin_correlate(const halcyon_conv *conv, const float *source, const float *destinationGradient, float *gradient,
                            float *biasGradient, void *scratchpad);
#endif
