// Layer normalization (Ba, Kiros, Hinton 2016) over the channels of each pixel. Blocks of pixels stay in the level 1 cache while
// one pass after the other finds their means, their deviations and the results, a few pixels at a time.

/// Most pixels of a block. Their parts of gamma's and beta's gradients are added in float before they are added in double.
enum { layerNormBlock = 64 };

/// Pixels taken at once; a Quad holds one number of each.
enum { layerNormGroup = 4 };
typedef float Quad __attribute__((vector_size(layerNormGroup * 4)));
typedef float UnalignedQuad __attribute__((vector_size(layerNormGroup * 4), aligned(4), may_alias));

INLINE Quad quadFrom(V v, int first) { return (Quad){v[first], v[first + 1], v[first + 2], v[first + 3]}; }

/// The sum of a vector's groups of four lanes.
INLINE Quad folded(V v) {
    Quad sum = quadFrom(v, 0);
    for (int first = 4; first < W; first += 4) sum += quadFrom(v, first);
    return sum;
}

/// The sums of the lanes of four vectors.
INLINE Quad laneSums(const V *v) {
    const Quad a = folded(v[0]), b = folded(v[1]), c = folded(v[2]), d = folded(v[3]);
    const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/// The first k lanes of v, the rest 0.
INLINE V firstLanes(V v, Size k) {
    if (k >= W) return v;
    I lane;
    for (int j = 0; j < W; j++) lane[j] = j;
    return (V)((I)v & (I)(lane < (int)k));
}

/// Tensors and parameters of one pass.
typedef struct {
    Size channels, xPitch, dyPitch, yPitch;
    const float *x, *dy, *gamma, *beta;
    float *y; // dx of the gradient
    float epsilon;
    double *totals; // of a share, gamma's gradient, then beta's
} LayerNorm;

/// Numbers of the pixels of a block.
typedef struct {
    float mean[layerNormBlock], inverseDeviation[layerNormBlock];
    float slope[layerNormBlock], offset[layerNormBlock]; // dx = (x - mean) * slope + offset + dy * gamma * inverseDeviation
} BlockStatistics;

/// Pixels of a block: x and dy fit in the level 1 cache.
INLINE Size layerNormPixels(Size channels) {
    const Size pixels = 3072 / channels / layerNormGroup * layerNormGroup;
    return pixels < 8 ? 8 : minimum(pixels, layerNormBlock);
}

/// Runs the statements for groups of `group` pixels from p on, a constant: 4, then single ones.
#define PIXEL_GROUPS(pixels, ...)                                               \
    do {                                                                        \
        Size p = 0;                                                             \
        for (; p + layerNormGroup <= (pixels); p += layerNormGroup) {           \
            enum { group = layerNormGroup };                                    \
            __VA_ARGS__                                                         \
        }                                                                       \
        for (; p < (pixels); p++) {                                             \
            enum { group = 1 };                                                 \
            __VA_ARGS__                                                         \
        }                                                                       \
    } while (0)

INLINE void keep(Quad values, int group, float *to) {
    if (group == 1) *to = values[0];
    else *(UnalignedQuad *)to = values;
}

INLINE Quad quadRoot(Quad x) { return __builtin_elementwise_sqrt(x); }

static void meansOfBlock(const LayerNorm *w, Size first, Size pixels, BlockStatistics *s) {
    const float share = 1 / (float)w->channels;
    PIXEL_GROUPS(pixels, {
        const float *const x = w->x + (first + p) * w->xPitch;
        V sums[layerNormGroup] = {0};
        LANES(w->channels, for (int g = 0; g < group; g++) sums[g] += load(x + g * w->xPitch + i, k););
        keep(laneSums(sums) * share, group, s->mean + p);
    });
}

static void deviationsOfBlock(const LayerNorm *w, Size first, Size pixels, BlockStatistics *s) {
    const float share = 1 / (float)w->channels;
    PIXEL_GROUPS(pixels, {
        const float *const x = w->x + (first + p) * w->xPitch;
        V squares[layerNormGroup] = {0};
        LANES(w->channels, for (int g = 0; g < group; g++) {
            const V centered = firstLanes(load(x + g * w->xPitch + i, k) - s->mean[p + g], k);
            squares[g] += centered * centered;
        });
        keep(1 / quadRoot(laneSums(squares) * share + w->epsilon), group, s->inverseDeviation + p);
    });
}

static void layerNormShare(void *context, Size begin, Size end, int share) {
    (void)share;
    const LayerNorm work = *(const LayerNorm *)context, *const w = &work;
    BlockStatistics s;
    for (Size first = begin, taken; first < end; first += taken) {
        taken = minimum(end - first, layerNormPixels(w->channels));
        meansOfBlock(w, first, taken, &s);
        deviationsOfBlock(w, first, taken, &s);
        PIXEL_GROUPS(taken, {
            const float *const x = w->x + (first + p) * w->xPitch;
            float *const y = w->y + (first + p) * w->yPitch;
            V mean[layerNormGroup];
            V inverse[layerNormGroup];
            for (int g = 0; g < group; g++) {
                mean[g] = splat(s.mean[p + g]);
                inverse[g] = splat(s.inverseDeviation[p + g]);
            }
            LANES(w->channels, {
                const V gamma = load(w->gamma + i, k);
                const V beta = load(w->beta + i, k);
                for (int g = 0; g < group; g++) {
                    const V normalized = (load(x + g * w->xPitch + i, k) - mean[g]) * inverse[g];
                    store(y + g * w->yPitch + i, normalized * gamma + beta, k);
                }
            });
        });
    }
}

static void layer_norm(Size pixels, Size channels, const float *x, Size xPitch, const float *gamma, const float *beta,
                       float epsilon, float *y, Size yPitch) {
    LayerNorm work = {.channels = channels, .xPitch = xPitch, .yPitch = yPitch, .x = x, .gamma = gamma, .beta = beta, .y = y,
                      .epsilon = epsilon};
    halcyon_parallel(pixels, layerNormBlock, layerNormShare, &work);
}

/// The deviations, and what dx is made of: from the sums of dy gamma and of its product with x - mean.
static void gradientStatistics(const LayerNorm *w, Size first, Size pixels, BlockStatistics *s) {
    const float share = 1 / (float)w->channels;
    PIXEL_GROUPS(pixels, {
        const float *const x = w->x + (first + p) * w->xPitch;
        const float *const dy = w->dy + (first + p) * w->dyPitch;
        V squares[layerNormGroup] = {0};
        V ones[layerNormGroup] = {0};
        V products[layerNormGroup] = {0};
        LANES(w->channels, {
            const V gamma = load(w->gamma + i, k);
            for (int g = 0; g < group; g++) {
                const V centered = firstLanes(load(x + g * w->xPitch + i, k) - s->mean[p + g], k);
                const V scaled = load(dy + g * w->dyPitch + i, k) * gamma;
                squares[g] += centered * centered;
                ones[g] += scaled;
                products[g] += scaled * centered;
            }
        });
        const Quad inverse = 1 / quadRoot(laneSums(squares) * share + w->epsilon);
        keep(inverse, group, s->inverseDeviation + p);
        keep(-inverse * inverse * inverse * (laneSums(products) * share), group, s->slope + p);
        keep(-inverse * (laneSums(ones) * share), group, s->offset + p);
    });
}

/// dx of a block, and its contributions to gamma's and beta's gradients, for `count` vectors of channels from i on.
INLINE void layerNormColumns(const LayerNorm *w, int count, Size k, Size i, Size first, Size pixels, const BlockStatistics *s) {
    const float *x = w->x + first * w->xPitch + i, *dy = w->dy + first * w->dyPitch + i;
    float *dx = w->y + first * w->yPitch + i;
    V gamma[2], ofGamma[2] = {0}, ofBeta[2] = {0};
    for (int v = 0; v < count; v++) gamma[v] = load(w->gamma + i + v * W, k);
    for (Size p = 0; p < pixels; p++, x += w->xPitch, dy += w->dyPitch, dx += w->yPitch) {
        const V mean = splat(s->mean[p]), inverse = splat(s->inverseDeviation[p]);
        const V slope = splat(s->slope[p]), offset = splat(s->offset[p]);
        for (int v = 0; v < count; v++) {
            const V centered = load(x + v * W, k) - mean, gradient = load(dy + v * W, k), scaled = gradient * inverse;
            ofGamma[v] += scaled * centered;
            ofBeta[v] += gradient;
            store(dx + v * W, scaled * gamma[v] + (centered * slope + offset), k);
        }
    }
    flush(ofGamma, count, k, w->totals + i);
    flush(ofBeta, count, k, w->totals + w->channels + i);
}

static void layerNormGradientShare(void *context, Size begin, Size end, int share) {
    LayerNorm work = *(const LayerNorm *)context, *const w = &work;
    w->totals += share * 2 * w->channels;
    for (Size c = 0; c < 2 * w->channels; c++) w->totals[c] = 0;
    BlockStatistics s;
    for (Size first = begin, taken; first < end; first += taken) {
        taken = minimum(end - first, layerNormPixels(w->channels));
        meansOfBlock(w, first, taken, &s);
        gradientStatistics(w, first, taken, &s);
        Size i = 0;
        for (; i + 2 * W <= w->channels; i += 2 * W) layerNormColumns(w, 2, W, i, first, taken, &s);
        for (; i + W <= w->channels; i += W) layerNormColumns(w, 1, W, i, first, taken, &s);
        if (i < w->channels) layerNormColumns(w, 1, w->channels - i, i, first, taken, &s);
    }
}

static void layer_norm_backward(Size pixels, Size channels, const float *x, Size xPitch, const float *dy, Size dyPitch,
                                const float *gamma, float epsilon, float *dx, Size dxPitch, float *gammaGradient,
                                float *betaGradient, double *scratch) {
    LayerNorm work = {.channels = channels, .xPitch = xPitch, .dyPitch = dyPitch, .yPitch = dxPitch, .x = x, .dy = dy,
                      .gamma = gamma, .y = dx, .epsilon = epsilon, .totals = scratch};
    halcyon_parallel(pixels, layerNormBlock, layerNormGradientShare, &work);
    if (pixels) addShares(scratch, halcyon_shares(pixels, layerNormBlock), channels);
    for (Size c = 0; c < channels; c++) {
        gammaGradient[c] = pixels ? (float)scratch[c] : 0;
        betaGradient[c] = pixels ? (float)scratch[channels + c] : 0;
    }
}
