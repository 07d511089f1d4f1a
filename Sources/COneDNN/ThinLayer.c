// Convolutions through the own kernels for thin layers: when they are taken, and their weights' layout.
#include "ConvolutionState.h"
#include <string.h>

/// Takes the own kernels where they measured faster (16x48x48, one thread): oneDNN pads a thin side to a whole vector when it
/// has to produce it, or its weights' gradient; it is good at weights' gradients of thin sources with few outputs.
int halcyon_thin_build(halcyon_conv *conv, const halcyon_conv_shape *s, int activation) {
    enum { mostThin = 3, leastWide = 8 };
    const int destination = s->outputChannels <= mostThin && s->inputChannels >= leastWide;
    const int source = s->inputChannels <= mostThin && s->outputChannels >= leastWide;
    const int gradientOfSource = source && s->inputChannels <= 2 && s->outputChannels >= 32;
    const int wanted = conv->direction == HALCYON_CONV_FORWARD         ? destination
                       : conv->direction == HALCYON_CONV_BACKWARD_DATA ? source
                                                                       : destination || gradientOfSource;
    if (!wanted || s->stride != 1 || s->groups != 1) return 0;
    conv->thin = halcyon_thin_best();
    conv->thinIsSource = source;
    conv->relu = activation == HALCYON_CONV_RELU;
    conv->inputChannels = s->inputChannels;
    halcyon_thin_shape *thin = &conv->thinShape;
    thin->batch = s->batch;
    thin->kernelHeight = s->kernelHeight, thin->kernelWidth = s->kernelWidth, thin->dilation = s->dilation;
    if (source) {
        thin->thinHeight = s->inputHeight, thin->thinWidth = s->inputWidth, thin->thinChannels = s->inputChannels;
        thin->thinPitch = s->sourcePitch;
        thin->wideHeight = halcyon_conv_output_height(s), thin->wideWidth = halcyon_conv_output_width(s);
        thin->wideChannels = s->outputChannels, thin->widePitch = s->destinationPitch;
    } else {
        thin->thinHeight = halcyon_conv_output_height(s), thin->thinWidth = halcyon_conv_output_width(s);
        thin->thinChannels = s->outputChannels, thin->thinPitch = s->destinationPitch;
        thin->wideHeight = s->inputHeight, thin->wideWidth = s->inputWidth, thin->wideChannels = s->inputChannels;
        thin->widePitch = s->sourcePitch;
    }
    // Forward, and backward weights of a thin source, read the input at h - padding + k; the other two see the kernel reversed.
    const int reversed = conv->kernelReversed =
        conv->direction == HALCYON_CONV_BACKWARD_DATA || (conv->direction == HALCYON_CONV_BACKWARD_WEIGHTS && !source);
    thin->paddingHeight = reversed ? (s->kernelHeight - 1) * s->dilation - s->paddingHeight : s->paddingHeight;
    thin->paddingWidth = reversed ? (s->kernelWidth - 1) * s->dilation - s->paddingWidth : s->paddingWidth;
    const size_t weights = (size_t)s->inputChannels * s->outputChannels * s->kernelHeight * s->kernelWidth;
    conv->weightBytes = weights * sizeof(float);
    if (conv->direction == HALCYON_CONV_BACKWARD_WEIGHTS)
        conv->scratchpadBytes = halcyon_thin_share_bytes(thin) * (size_t)halcyon_shares(s->batch, 1);
    return 1;
}

/// Offset in OIHW of the weight between a thin and a wide channel at a kernel position of the thin kernels' order.
static size_t canonicalOffset(const halcyon_conv *conv, ptrdiff_t thin, ptrdiff_t position, ptrdiff_t wide) {
    const ptrdiff_t positions = conv->thinShape.kernelHeight * conv->thinShape.kernelWidth;
    const ptrdiff_t output = conv->thinIsSource ? wide : thin, input = conv->thinIsSource ? thin : wide;
    return (size_t)((output * conv->inputChannels + input) * positions + (conv->kernelReversed ? positions - 1 - position : position));
}

void halcyon_thin_prepare(const halcyon_conv *conv, const float *oihw, float *prepared) {
    const halcyon_thin_shape *s = &conv->thinShape;
    for (ptrdiff_t t = 0; t < s->thinChannels; t++)
        for (ptrdiff_t position = 0; position < s->kernelHeight * s->kernelWidth; position++)
            for (ptrdiff_t c = 0; c < s->wideChannels; c++) *prepared++ = oihw[canonicalOffset(conv, t, position, c)];
}

void halcyon_thin_correlate(const halcyon_conv *conv, const float *source, const float *destinationGradient, float *gradient,
                            float *biasGradient, void *scratchpad) {
    const halcyon_thin_shape *s = &conv->thinShape;
    const size_t weights = conv->weightBytes / sizeof(float), wideChannels = (size_t)s->wideChannels;
    double *sums = scratchpad, *wideSums = sums + weights;
    const float *wide = conv->thinIsSource ? destinationGradient : source;
    const float *thin = conv->thinIsSource ? source : destinationGradient;
    conv->thin->correlate(s, wide, thin, scratchpad, (ptrdiff_t)halcyon_thin_share_bytes(s), conv->hasBias && conv->thinIsSource);
    for (ptrdiff_t t = 0; t < s->thinChannels; t++)
        for (ptrdiff_t position = 0; position < s->kernelHeight * s->kernelWidth; position++)
            for (ptrdiff_t c = 0; c < s->wideChannels; c++) gradient[canonicalOffset(conv, t, position, c)] = (float)*sums++;
    if (!conv->hasBias) return;
    if (conv->thinIsSource) {
        for (size_t c = 0; c < wideChannels; c++) biasGradient[c] = (float)wideSums[c];
    } else {
        for (ptrdiff_t t = 0; t < s->thinChannels; t++) {
            double sum = 0;
            for (ptrdiff_t p = 0; p < s->batch * s->thinHeight * s->thinWidth; p++) sum += (double)thin[p * s->thinPitch + t];
            biasGradient[t] = (float)sum;
        }
    }
}
