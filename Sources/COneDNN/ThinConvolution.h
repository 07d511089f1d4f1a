// Own kernels for convolutions, stride 1, with 1 to 3 channels on one side: oneDNN pads those to a whole vector.
// "Wide" is the side with many channels, "thin" the other.
#ifndef HALCYON_THIN_CONVOLUTION_H
#define HALCYON_THIN_CONVOLUTION_H
#include <stddef.h>

/// Thin position h sees wide positions h - paddingHeight + kh * dilation (gather), or wide position h sees thin
/// positions of that form (correlate); positions outside are zero. Paddings may be negative.
typedef struct halcyon_thin_shape {
    ptrdiff_t batch, wideHeight, wideWidth, wideChannels, widePitch, thinHeight, thinWidth, thinChannels, thinPitch;
    ptrdiff_t kernelHeight, kernelWidth, dilation, paddingHeight, paddingWidth;
} halcyon_thin_shape;

typedef struct halcyon_thin_kernels {
    const char *name;
    /// thin[h, w, t] = act(bias[t] + sum over kh, kw, c of wide[...][c] * weights[t, kh, kw, c]); `bias` may be NULL.
    void (*gather)(const halcyon_thin_shape *shape, const float *wide, const float *weights, const float *bias, int relu,
                   float *thin);
    /// At the start of `memory`: gradient[t, kh, kw, c] = the sum over h, w of wide[h, w, c] * thin[...][t], then the sums of
    /// wide[c], where wanted, as doubles. `memory` holds `halcyon_thin_share_bytes` a share of the images.
    void (*correlate)(const halcyon_thin_shape *shape, const float *wide, const float *thin, void *memory, ptrdiff_t shareBytes,
                      int hasWideSums);
} halcyon_thin_kernels;

static inline size_t halcyon_thin_plane_floats(const halcyon_thin_shape *s) {
    return (size_t)((s->wideHeight + (s->kernelHeight - 1) * s->dilation) * (s->wideWidth + (s->kernelWidth - 1) * s->dilation));
}

/// The sums and, as floats, one thin channel with its border.
static inline size_t halcyon_thin_share_bytes(const halcyon_thin_shape *s) {
    const size_t sums = (size_t)((s->thinChannels * s->kernelHeight * s->kernelWidth + 1) * s->wideChannels);
    return (sums * sizeof(double) + halcyon_thin_plane_floats(s) * sizeof(float) + 63) / 64 * 64;
}

extern const halcyon_thin_kernels halcyon_thin_portable;
#if defined(__x86_64__)
extern const halcyon_thin_kernels halcyon_thin_avx2, halcyon_thin_avx512;
#endif
/// The best version for this processor, or the one that was forced.
const halcyon_thin_kernels *halcyon_thin_best(void);
#endif
