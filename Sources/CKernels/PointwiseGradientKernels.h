// The gradient of a pointwise convolution's weights: for each chunk of pixels, products of x and dy in register blocks of some
// inputs and a few vectors of outputs, added to totals [input][output] that stay in the cache.

/// Most pixels whose products are summed in registers, and floats that are staged of a channel for them.
#ifdef KERNEL_TILES
enum { pointwiseGradientChunk = 256, pointwiseStagedFloats = pointwiseGradientChunk / 2 };
#else
enum { pointwiseGradientChunk = 128, pointwiseStagedFloats = pointwiseGradientChunk };
#endif

/// Pixels of a chunk: both sides of them fit in the level 1 cache, else 64 channels (lines 256 bytes apart) evict each other.
INLINE Size pointwiseGradientPixels(Size channels) {
#ifdef KERNEL_TILES
    (void)channels; // the cost of adding tiles to totals weighs more
    return pointwiseGradientChunk;
#endif
    const Size pixels = 6144 / channels / 4 * 4;
    return pixels < 32 ? 32 : minimum(pixels, pointwiseGradientChunk);
}

#ifdef KERNEL_TILES
/// totals[input][output] += the products over whole tiles of steps, for all inputs, a tile of 16 at a time, and a panel of outputs. The
/// inputs are [input][step].
INLINE void pointwiseGradientPanel(int vectors, Size inputs, Size steps, const float *x, Size xPitch, const float *dy, Size dyPitch,
                                   Size lanes, float *totals, Size totalPitch) {
    (void)lanes;
    const size_t fromPitch = (size_t)xPitch * sizeof *x, rowPitch = (size_t)dyPitch * sizeof *dy, toPitch = (size_t)totalPitch * sizeof *totals;
    for (Size i = 0; i < inputs; i += tileRows, x += tileRows * xPitch, totals += tileRows * totalPitch) {
        _tile_loadd(0, totals, toPitch);
        if (vectors > 1) _tile_loadd(1, totals + W, toPitch);
        if (vectors > 2) _tile_loadd(2, totals + 2 * W, toPitch);
        if (vectors > 3) _tile_loadd(3, totals + 3 * W, toPitch);
        for (Size s = 0; s < steps; s += tileRows) {
            const float *const from = dy + s * dyPitch;
            _tile_loadd(4, x + s, fromPitch);
            _tile_loadd(6, from, rowPitch), _tile_dpbf16ps(0, 4, 6);
            if (vectors > 1) _tile_loadd(6, from + W, rowPitch), _tile_dpbf16ps(1, 4, 6);
            if (vectors > 2) _tile_loadd(6, from + 2 * W, rowPitch), _tile_dpbf16ps(2, 4, 6);
            if (vectors > 3) _tile_loadd(6, from + 3 * W, rowPitch), _tile_dpbf16ps(3, 4, 6);
        }
        _tile_stored(0, totals, toPitch);
        if (vectors > 1) _tile_stored(1, totals + W, toPitch);
        if (vectors > 2) _tile_stored(2, totals + 2 * W, toPitch);
        if (vectors > 3) _tile_stored(3, totals + 3 * W, toPitch);
    }
}
#else
/// totals[input][output] += the products over the steps, for `inputs` inputs and a panel of outputs whose last vector has `lanes`.
INLINE void pointwiseGradientBlock(int inputs, int vectors, Size steps, const float *x, Size xPitch, const float *dy, Size dyPitch,
                                   Size lanes, float *totals, Size totalPitch) {
    V sums[12 * pointwiseVectors];
    for (int j = 0; j < inputs * vectors; j++) sums[j] = (V){0};
    for (Size s = 0; s < steps; s++) {
        V gradient[pointwiseVectors];
        for (int v = 0; v < vectors; v++) gradient[v] = load(dy + s * dyPitch + v * W, v == vectors - 1 ? lanes : W);
        for (int i = 0; i < inputs; i++) {
            const V value = broadcast(x + s * xPitch + i);
            for (int v = 0; v < vectors; v++) sums[i * vectors + v] = multiplyAdd(value, gradient[v], sums[i * vectors + v]);
        }
    }
    for (int i = 0; i < inputs; i++)
        for (int v = 0; v < vectors; v++) *(UnalignedV *)(totals + i * totalPitch + v * W) += sums[i * vectors + v];
}

/// A panel of outputs for all inputs.
INLINE void pointwiseGradientPanel(int vectors, Size inputs, Size steps, const float *x, Size xPitch, const float *dy, Size dyPitch,
                                   Size lanes, float *totals, Size totalPitch) {
    const int block = pointwiseRows(vectors);
    Size i = 0;
    // Of blocks of six the last eight as twice four: two alone would wait for their sums.
    for (; i + block <= inputs && (block != 6 || inputs - i != 8); i += block)
        pointwiseGradientBlock(block, vectors, steps, x + i, xPitch, dy, dyPitch, lanes, totals + i * totalPitch, totalPitch);
    for (; i + 4 <= inputs; i += 4)
        pointwiseGradientBlock(4, vectors, steps, x + i, xPitch, dy, dyPitch, lanes, totals + i * totalPitch, totalPitch);
    for (; i < inputs; i++)
        pointwiseGradientBlock(1, vectors, steps, x + i, xPitch, dy, dyPitch, lanes, totals + i * totalPitch, totalPitch);
}

#endif

/// One side of the products: the tensor and its channels.
typedef struct {
    const float *memory;
    Size pitch, channels;
    int isStaged;
} PointwiseSide;

#ifdef KERNEL_BF16
/// 16 channels of two pixels of one side as pairs.
INLINE V pointwisePixelPair(const PointwiseSide *side, Size count, const float *x, Size p, Size i, Size k) {
    const V one = p < count ? load(x + p * side->pitch + i, k) : (V){0};
    const V other = p + 1 < count ? load(x + (p + 1) * side->pitch + i, k) : (V){0};
    return paired(one, other);
}
#endif

/// The steps of `count` pixels.
INLINE Size pointwiseGradientSteps(Size count) {
#ifdef KERNEL_TILES
    return (elements(count) + tileRows - 1) / tileRows * tileRows;
#else
    return elements(count);
#endif
}

/// Copies `count` pixels to [step][channel], rounded if wanted; with pairs, a step holds two pixels.
static void pointwiseStageSteps(const PointwiseSide *side, Size count, const float *x, int isRounded, float *staged, Size pitch) {
#ifdef KERNEL_BF16
    (void)isRounded;
    for (Size p = 0; p < 2 * pointwiseGradientSteps(count); p += 2, staged += pitch)
        LANES(side->channels, store(staged + i, pointwisePixelPair(side, count, x, p, i, k), W););
#else
    for (Size p = 0; p < count; p++, staged += pitch) LANES(side->channels, {
        const V value = load(x + p * side->pitch + i, k);
        *(UnalignedV *)(staged + i) = isRounded ? rounded(value) : value;
    });
#endif
}

#ifdef KERNEL_TILES
/// Copies `count` pixels to [channel][step], zeros behind the last of either.
static void pointwiseStageColumns(const PointwiseSide *side, Size count, const float *x, float *staged, Size pitch) {
    for (Size p = 0; p < 2 * pointwiseGradientSteps(count); p += 2 * tileRows)
        LANES(side->channels, {
            __m512i v[16];
            UNROLLED for (int j = 0; j < 16; j++) v[j] = (__m512i)pointwisePixelPair(side, count, x, p + 2 * j, i, k);
            transpose16(v);
            UNROLLED for (int j = 0; j < 16; j++) _mm512_storeu_si512(staged + (i + j) * pitch + p / 2, v[j]);
        });
}
#endif

typedef struct {
    const halcyon_pointwise_gradient *k;
    PointwiseSide a, b; // factors and vectors: the product with less padding of the two ways, else with longer rows of vectors
    int isSwapped;      // whether x are the vectors
    Size shareFloats;
} PointwiseGradient;

INLINE float *pointwiseGradientSide(const PointwiseSide *side, const PointwiseGradient *g, Size pixel, Size count, float *staged,
                                    const float **memory, Size *pitch) {
    const float *const x = side->memory + pixel * side->pitch;
    float *const rest = staged + pointwiseStagedFloats * paddedChannels(side->channels);
    *memory = side->isStaged ? staged : x;
#ifdef KERNEL_TILES
    if (side == &g->a) {
        *pitch = pointwiseStagedFloats;
        pointwiseStageColumns(side, count, x, staged, *pitch);
        return rest;
    }
#endif
    *pitch = side->isStaged ? paddedChannels(side->channels) : side->pitch;
    if (side->isStaged)
        pointwiseStageSteps(side, count, x, g->k->isRounded, staged, *pitch);
    return rest;
}

static void pointwiseBiasSums(Size count, Size channels, const float *dy, Size pitch, float *sums) {
    LANES(channels, {
        V sum[4] = {0};
        Size p = 0;
        for (; p + 4 <= count; p += 4)
            for (int j = 0; j < 4; j++) sum[j] += load(dy + (p + j) * pitch + i, k);
        for (; p < count; p++) sum[0] += load(dy + p * pitch + i, k);
        *(UnalignedV *)(sums + i) += (sum[0] + sum[1]) + (sum[2] + sum[3]);
    });
}

/// Adds the products of pixels `begin` ..< `end` to the totals, and their dy to its sums.
static void pointwiseGradientPixelsOf(const PointwiseGradient *g, Size begin, Size end, float *totals, float *biasSums, float *staged) {
    const halcyon_pointwise_gradient *const k = g->k;
    const Size totalPitch = paddedChannels(g->b.channels), chunk = pointwiseGradientPixels(k->inputs + k->outputs);
    for (Size pixel = begin, taken; pixel < end; pixel += taken) {
        taken = minimum(chunk, end - pixel);
        const float *a, *b;
        Size aPitch, bPitch;
        fetchRows(g->a.memory + (pixel + taken) * g->a.pitch, taken, g->a.pitch, g->a.channels);
        fetchRows(g->b.memory + (pixel + taken) * g->b.pitch, taken, g->b.pitch, g->b.channels);
        float *const rest = pointwiseGradientSide(&g->a, g, pixel, taken, staged, &a, &aPitch);
        pointwiseGradientSide(&g->b, g, pixel, taken, rest, &b, &bPitch);
        const Size steps = pointwiseGradientSteps(taken), channels = g->b.isStaged ? totalPitch : g->b.channels;
        POINTWISE_PANELS((g->b.channels + W - 1) / W, {
            const Size lanes = channels - (first + vectors - 1) * W;
            const float *const source = b + first * W;
            float *const target = totals + first * W;
            if (lanes >= W) pointwiseGradientPanel(vectors, g->a.channels, steps, a, aPitch, source, bPitch, W, target, totalPitch);
            else pointwiseGradientPanel(vectors, g->a.channels, steps, a, aPitch, source, bPitch, lanes, target, totalPitch);
        })
        if (k->db) pointwiseBiasSums(taken, k->outputs, k->dy + pixel * k->dyPitch, k->dyPitch, biasSums);
    }
}

/// Floats of totals.
INLINE Size pointwiseTotals(const PointwiseGradient *g) {
#ifdef KERNEL_TILES
    return paddedChannels(g->a.channels) * paddedChannels(g->b.channels);
#else
    return g->a.channels * paddedChannels(g->b.channels);
#endif
}

/// The place of (input, output) in totals.
INLINE Size pointwiseTotal(const PointwiseGradient *g, Size i, Size o) {
    const Size pitch = paddedChannels(g->b.channels);
    return g->isSwapped ? o * pitch + i : i * pitch + o;
}

/// Of an image's products, what they add to those of all images and to the gate's gradient.
static void pointwiseGateGradient(const PointwiseGradient *g, Size image, const float *products, float *totals) {
    const halcyon_pointwise_gradient *const k = g->k;
    const float *const gate = k->gate + image * k->gatePitch;
    float *const dGate = k->dGate + image * k->dGatePitch;
    for (Size i = 0; i < k->inputs; i++) dGate[i] = 0;
    for (Size o = 0; o < k->outputs; o++)
        for (Size i = 0; i < k->inputs; i++) {
            const Size at = pointwiseTotal(g, i, o);
            totals[at] += products[at] * gate[i];
            dGate[i] += products[at] * k->weights[o * k->inputs + i];
        }
}

/// Of pixels or, with a gate, of images. A share's memory: totals, sums of dy, an image's totals, staged pixels of both sides.
static void pointwiseGradientShare(void *context, ptrdiff_t begin, ptrdiff_t end, int share) {
    const PointwiseGradient *const g = context;
    const halcyon_pointwise_gradient *const k = g->k;
    const Size count = pointwiseTotals(g);
    float *const totals = (float *)k->scratch + share * g->shareFloats, *const biasSums = totals + count;
    float *const products = biasSums + paddedChannels(k->outputs), *const staged = products + count;
    for (float *t = totals; t < products; t++) *t = 0;
#ifdef KERNEL_TILES
    useTiles(tileRows);
#endif
    if (!k->gate) pointwiseGradientPixelsOf(g, begin, end, totals, biasSums, staged);
    for (Size image = begin; k->gate && image < end; image++) {
        for (Size i = 0; i < count; i++) products[i] = 0;
        pointwiseGradientPixelsOf(g, image * k->pixels, (image + 1) * k->pixels, products, biasSums, staged);
        pointwiseGateGradient(g, image, products, totals);
    }
#ifdef KERNEL_TILES
    _tile_release();
#endif
}

static void pointwise_gradient_run(const halcyon_pointwise_gradient *k) {
    const PointwiseSide x = {k->x, k->xPitch, k->inputs, k->isRounded}, dy = {k->dy, k->dyPitch, k->outputs, k->isRounded};
    const Size padded = (k->outputs + W - 1) / W * W * k->inputs, paddedOther = (k->inputs + W - 1) / W * W * k->outputs;
    const int isSwapped = paddedOther < padded || (paddedOther == padded && k->outputs < minimum(k->inputs, pointwiseVectors * W));
    PointwiseGradient g = {k, isSwapped ? dy : x, isSwapped ? x : dy, isSwapped, 0};
#ifndef KERNEL_MASKED
    if (g.b.channels % W) g.b.isStaged = 1; // partial vectors are slow to read there
#endif
    const Size count = pointwiseTotals(&g);
    g.shareFloats = 2 * count + paddedChannels(k->outputs) +
                    pointwiseStagedFloats * (paddedChannels(k->inputs) + paddedChannels(k->outputs));
    const Size pixels = k->batch * k->pixels, units = k->gate ? k->batch : pixels, least = k->gate ? 1 : pointwiseGradientChunk;
    const int shares = halcyon_shares(units, least);
    halcyon_parallel(units, least, pointwiseGradientShare, &g);
    float *const totals = k->scratch;
    const Size sums = count + paddedChannels(k->outputs);
    for (int share = 1; share < shares; share++) {
        const float *const more = totals + share * g.shareFloats;
        LANES(sums, store(totals + i, load(totals + i, k) + load(more + i, k), k););
    }
    for (Size o = 0; o < k->outputs; o++)
        for (Size i = 0; i < k->inputs; i++)
            k->dw[o * k->inputs + i] = pixels ? totals[pointwiseTotal(&g, i, o)] : 0;
    for (Size o = 0; k->db && o < k->outputs; o++) k->db[o] = pixels ? totals[count + o] : 0;
}
