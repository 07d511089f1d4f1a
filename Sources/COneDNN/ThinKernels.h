// One version of the thin convolutions; the including file has chosen VECTOR_FLOATS, THIN_KERNELS, THIN_NAME and the
// instruction set.
#include "../CKernels/Vectors.h"
#include "CKernels.h"

/// The sum of the lanes, by halves.
INLINE float laneSum(V v) {
#if VECTOR_FLOATS == 16
    return _mm512_reduce_add_ps((__m512)v);
#else
    float lanes[W];
    memcpy(lanes, &v, sizeof v);
    for (int half = W / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) lanes[j] += lanes[j + half];
    return lanes[0];
#endif
}

/// `count` neighbouring thin pixels of one channel, of which the kernel's rows and columns in the given ranges lie inside.
INLINE void gatherPixels(const halcyon_thin_shape *s, int count, const float *wide, const float *weights, Size firstRow,
                         Size endRow, Size firstColumn, Size endColumn, float bias, int relu, float *thin) {
    V sums[8] = {0};
    for (Size kh = firstRow; kh < endRow; kh++)
        for (Size kw = firstColumn; kw < endColumn; kw++) {
            const float *x = wide + (kh * s->wideWidth + kw) * s->dilation * s->widePitch;
            const float *w = weights + (kh * s->kernelWidth + kw) * s->wideChannels;
            LANES(s->wideChannels, {
                const V weight = load(w + i, k);
                for (int p = 0; p < count; p++) sums[p] += load(x + p * s->widePitch + i, k) * weight;
            });
        }
    for (int p = 0; p < count; p++) {
        const float value = laneSum(sums[p]) + bias;
        thin[p * s->thinPitch] = relu && value <= 0 ? 0 : value;
    }
}

/// The kernel positions 0 ..< kernel for which start + position * dilation lies in 0 ..< size.
INLINE void insideRange(Size start, Size kernel, Size dilation, Size size, Size *first, Size *end) {
    *first = start < 0 ? minimum((-start + dilation - 1) / dilation, kernel) : 0;
    *end = start >= size ? *first : minimum((size - 1 - start) / dilation + 1, kernel);
    if (*end < *first) *end = *first;
}

typedef struct {
    const halcyon_thin_shape *s;
    const float *wide, *weights, *bias;
    float *thin;
    int relu;
} GatherWork;

/// The rows first ..< end of all images.
static void gatherRows(void *context, Size firstLine, Size endLine, int share) {
    (void)share;
    const GatherWork *const work = context;
    const halcyon_thin_shape *const s = work->s;
    const float *const wide = work->wide, *const weights = work->weights, *const bias = work->bias;
    float *const thin = work->thin;
    const int relu = work->relu;
    const Size filter = s->kernelHeight * s->kernelWidth * s->wideChannels;
    for (Size line = firstLine; line < endLine; line++) {
            const Size n = line / s->thinHeight, h = line % s->thinHeight;
            const Size row = h - s->paddingHeight;
            Size firstRow, endRow;
            insideRange(row, s->kernelHeight, s->dilation, s->wideHeight, &firstRow, &endRow);
            for (Size w = 0; w < s->thinWidth;) {
                const Size column = w - s->paddingWidth;
                Size first, end;
                insideRange(column, s->kernelWidth, s->dilation, s->wideWidth, &first, &end);
                // As many neighbours at once as see the whole width of the kernel; else one, with the part inside.
                const Size whole =
                    column < 0 ? 0 : minimum(s->wideWidth - column - (s->kernelWidth - 1) * s->dilation, s->thinWidth - w);
                const int count = whole >= 8 ? 8 : whole >= 4 ? 4 : whole >= 2 ? 2 : 1;
                // The address of kernel position (0, 0), which may lie outside; only positions inside are read.
                const float *x = wide + ((n * s->wideHeight + row) * s->wideWidth + column) * s->widePitch;
                float *to = thin + ((n * s->thinHeight + h) * s->thinWidth + w) * s->thinPitch;
                for (Size t = 0; t < s->thinChannels; t++) {
                    const float b = bias ? bias[t] : 0, *filters = weights + t * filter;
                    if (count == 8) gatherPixels(s, 8, x, filters, firstRow, endRow, first, end, b, relu, to + t);
                    else if (count == 4) gatherPixels(s, 4, x, filters, firstRow, endRow, first, end, b, relu, to + t);
                    else if (count == 2) gatherPixels(s, 2, x, filters, firstRow, endRow, first, end, b, relu, to + t);
                    else gatherPixels(s, 1, x, filters, firstRow, endRow, first, end, b, relu, to + t);
                }
                w += count;
            }
        }
}

static void gather(const halcyon_thin_shape *s, const float *wide, const float *weights, const float *bias, int relu,
                   float *thin) {
    GatherWork work = {s, wide, weights, bias, thin, relu};
    halcyon_parallel(s->batch * s->thinHeight, 1, gatherRows, &work);
}

enum { tapGroup = 9, vectorGroup = W == 16 ? 2 : 1 };

/// Adds to gradient[tap * wideChannels + c] for `taps` kernel positions and `vectors` vectors of channels, over some rows.
INLINE void correlateGroup(const halcyon_thin_shape *s, int taps, int vectors, Size k, Size rows, const float *wide,
                           const float *plane, Size planeWidth, const Size *offsets, double *gradient) {
    V sums[tapGroup][vectorGroup] = {0};
    for (Size r = 0; r < rows; r++)
        for (Size w = 0; w < s->wideWidth; w++) {
            const float *x = wide + (r * s->wideWidth + w) * s->widePitch, *at = plane + r * planeWidth + w;
            V values[vectorGroup];
            for (int v = 0; v < vectors; v++) values[v] = load(x + v * W, k);
            for (int tap = 0; tap < taps; tap++) {
                const V weight = splat(at[offsets[tap]]);
                for (int v = 0; v < vectors; v++) sums[tap][v] += values[v] * weight;
            }
        }
    for (int tap = 0; tap < taps; tap++)
        for (int v = 0; v < vectors; v++)
            for (Size j = 0; j < k; j++) gradient[tap * s->wideChannels + v * W + j] += (double)sums[tap][v][j];
}

/// The images first ..< end.
static void correlateImages(const halcyon_thin_shape *s, const float *wide, const float *thin, float *plane, double *gradient,
                            double *wideSums, Size firstImage, Size endImage) {
    enum { rowBlock = 4 };
    const Size taps = s->kernelHeight * s->kernelWidth, channels = s->wideChannels;
    const Size planeWidth = s->wideWidth + (s->kernelWidth - 1) * s->dilation;
    const Size planeHeight = s->wideHeight + (s->kernelHeight - 1) * s->dilation;
    for (Size n = firstImage; n < endImage; n++)
        for (Size t = 0; t < s->thinChannels; t++) {
            for (Size h = 0; h < planeHeight; h++)
                for (Size w = 0; w < planeWidth; w++) {
                    const Size row = h - s->paddingHeight, column = w - s->paddingWidth;
                    const int inside = row >= 0 && row < s->thinHeight && column >= 0 && column < s->thinWidth;
                    plane[h * planeWidth + w] =
                        inside ? thin[((n * s->thinHeight + row) * s->thinWidth + column) * s->thinPitch + t] : 0;
                }
            for (Size h = 0; h < s->wideHeight; h += rowBlock) {
                const Size rows = minimum(rowBlock, s->wideHeight - h);
                const float *x = wide + (n * s->wideHeight + h) * s->wideWidth * s->widePitch, *at = plane + h * planeWidth;
                for (Size tap = 0; tap < taps;) {
                    Size offsets[tapGroup];
                    const int whole = taps - tap >= tapGroup;
                    for (Size j = 0; j < tapGroup && tap + j < taps; j++)
                        offsets[j] = ((tap + j) / s->kernelWidth * planeWidth + (tap + j) % s->kernelWidth) * s->dilation;
                    double *to = gradient + (t * taps + tap) * channels;
                    Size i = 0;
                    for (; i + vectorGroup * W <= channels; i += vectorGroup * W) {
                        if (whole) correlateGroup(s, tapGroup, vectorGroup, W, rows, x + i, at, planeWidth, offsets, to + i);
                        else correlateGroup(s, 1, vectorGroup, W, rows, x + i, at, planeWidth, offsets, to + i);
                    }
                    for (; i < channels; i += W) {
                        const Size k = minimum(W, channels - i);
                        if (whole) correlateGroup(s, tapGroup, 1, k, rows, x + i, at, planeWidth, offsets, to + i);
                        else correlateGroup(s, 1, 1, k, rows, x + i, at, planeWidth, offsets, to + i);
                    }
                    tap += whole ? tapGroup : 1;
                }
                if (wideSums && t == 0) {
                    for (Size r = 0; r < rows; r++) LANES(channels, {
                        V sum = {0};
                        for (Size w = 0; w < s->wideWidth; w++) sum += load(x + (r * s->wideWidth + w) * s->widePitch + i, k);
                        for (Size j = 0; j < k; j++) wideSums[i + j] += (double)sum[j];
                    });
                }
            }
        }
}

typedef struct {
    const halcyon_thin_shape *s;
    const float *wide, *thin;
    char *memory;
    Size sums, bytes;
    int hasWideSums;
} CorrelateWork;

static void correlateShare(void *context, Size first, Size end, int share) {
    const CorrelateWork *const w = context;
    double *const sums = (double *)(w->memory + share * w->bytes), *const wideSums = sums + w->sums;
    memset(sums, 0, (size_t)(w->sums + w->s->wideChannels) * sizeof *sums);
    correlateImages(w->s, w->wide, w->thin, (float *)(wideSums + w->s->wideChannels), sums, w->hasWideSums ? wideSums : NULL,
                    first, end);
}

static void correlate(const halcyon_thin_shape *s, const float *wide, const float *thin, void *memory, Size bytes,
                      int hasWideSums) {
    const Size sums = s->thinChannels * s->kernelHeight * s->kernelWidth * s->wideChannels;
    CorrelateWork work = {s, wide, thin, memory, sums, bytes, hasWideSums};
    halcyon_parallel(s->batch, 1, correlateShare, &work);
    double *const all = memory;
    for (int share = 1; share < halcyon_shares(s->batch, 1); share++) {
        const double *const more = (const double *)((char *)memory + share * bytes);
        for (Size i = 0; i < sums + s->wideChannels; i++) all[i] += more[i];
    }
}

const halcyon_thin_kernels THIN_KERNELS = {.name = THIN_NAME, .gather = gather, .correlate = correlate};
