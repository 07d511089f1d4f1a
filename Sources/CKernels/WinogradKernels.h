// 3x3 convolutions by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016): 36 multiplications for 16 outputs of a
// pair of channels where the direct form has 144.
//
// With the points 0, ±a, ±b and infinity, a tile's 6x6 inputs become B' d B, a filter becomes G g G', and the sum of their
// products over the input channels, 36 small products of matrices, becomes 4x4 outputs by A' m A. The gradient of the filters is
// the adjoint of the same formula. Tiles are taken in blocks whose transforms stay in the cache.
//
// The points ±3/4 and ±3/2 lose half as much to rounding as the usual ±1 and ±2: about 1e-6 of the largest output, where the
// direct sum loses 3e-7. With bf16 products (Halves.h) only the transforms' results are rounded, not the sums.

enum { tileSide = 6, tileStep = 4, frequencies = 36 };
#define POINT_A 0.75f
#define POINT_B 1.5f
enum { mostTiles = 96 };

/// B' over a column or a row of six.
INLINE void inputTransform(const V d[6], V t[6]) {
    const float a = POINT_A, b = POINT_B, aa = a * a, bb = b * b;
    t[0] = d[4] - d[2] * (aa + bb) + d[0] * (aa * bb);
    t[5] = d[5] - d[3] * (aa + bb) + d[1] * (aa * bb);
    const V evenA = d[4] - d[2] * bb, oddA = d[3] - d[1] * bb, evenB = d[4] - d[2] * aa, oddB = d[3] - d[1] * aa;
    t[1] = evenA + oddA * a;
    t[2] = evenA - oddA * a;
    t[3] = evenB + oddB * b;
    t[4] = evenB - oddB * b;
}

/// A' over six.
INLINE void outputTransform(const V m[6], V y[4]) {
    const float a = POINT_A, b = POINT_B;
    const V sumA = m[1] + m[2], differenceA = m[1] - m[2], sumB = m[3] + m[4], differenceB = m[3] - m[4];
    y[0] = m[0] + sumA + sumB;
    y[1] = differenceA * a + differenceB * b;
    y[2] = sumA * (a * a) + sumB * (b * b);
    y[3] = differenceA * (a * a * a) + (differenceB * (b * b * b) + m[5]);
}

/// A over four: the adjoint of `outputTransform`.
INLINE void gradientTransform(const V y[4], V z[6]) {
    const float a = POINT_A, b = POINT_B;
    const V evenA = y[0] + y[2] * (a * a), oddA = y[1] + y[3] * (a * a), evenB = y[0] + y[2] * (b * b), oddB = y[1] + y[3] * (b * b);
    z[0] = y[0];
    z[1] = evenA + oddA * a;
    z[2] = evenA - oddA * a;
    z[3] = evenB + oddB * b;
    z[4] = evenB - oddB * b;
    z[5] = y[3];
}

/// G over three.
INLINE void filterTransform(const V g[3], V u[6]) {
    const float a = POINT_A, b = POINT_B, aa = a * a, bb = b * b;
    const float ofA = 1 / (2 * aa * (aa - bb)), ofB = 1 / (2 * bb * (bb - aa));
    const V evenA = (g[0] + g[2] * aa) * ofA, oddA = g[1] * (a * ofA), evenB = (g[0] + g[2] * bb) * ofB, oddB = g[1] * (b * ofB);
    u[0] = g[0] * (1 / (aa * bb));
    u[1] = evenA + oddA;
    u[2] = evenA - oddA;
    u[3] = evenB + oddB;
    u[4] = evenB - oddB;
    u[5] = g[2];
}

/// G' over six: the adjoint of `filterTransform`.
INLINE void filterGradientTransform(const V u[6], V g[3]) {
    const float a = POINT_A, b = POINT_B, aa = a * a, bb = b * b;
    const float ofA = 1 / (2 * aa * (aa - bb)), ofB = 1 / (2 * bb * (bb - aa));
    const V sumA = (u[1] + u[2]) * ofA, sumB = (u[3] + u[4]) * ofB;
    g[0] = u[0] * (1 / (aa * bb)) + sumA + sumB;
    g[1] = (u[1] - u[2]) * (a * ofA) + (u[3] - u[4]) * (b * ofB);
    g[2] = sumA * aa + sumB * bb + u[5];
}

/// Where a block's tiles lie.
typedef struct {
    const halcyon_conv3_shape *s;
    Size rows, columns;  // of tiles in an image
} Tiling;

INLINE Tiling tilingOf(const halcyon_conv3_shape *s) {
    return (Tiling){s, (s->height + tileStep - 1) / tileStep, (s->width + tileStep - 1) / tileStep};
}

INLINE Size tileCount(const halcyon_conv3_shape *s) {
    const Tiling t = tilingOf(s);
    return s->batch * t.rows * t.columns;
}

/// Floats from one frequency to the next: an odd number of cache lines, or the 36 stores of a tile would share one cache set.
INLINE Size frequencyPitch(Size rows, Size channels) { return ((rows * channels + 15) / 16 | 1) * 16; }

/// Which neighbours a product pairs: channels, or a tile with the one before.
typedef enum { ofChannels, firstOfPair, secondOfPair } TransformKind;

/// Puts channels c ..< c + k of a transform into its row.
INLINE void put(float *row, Size c, V value, Size k, const TransformKind kind) {
#ifdef KERNEL_BF16
    switch (kind) {
    case ofChannels: storeRounded(row, c, value); break;
    case firstOfPair: store(row + c, paired(value, splat(0)), k); break;
    case secondOfPair: store(row + c, (V)((I)load(row + c, k) | (I)paired(splat(0), value)), k); break;
    }
#else
    (void)kind;
    store(row + c, value, k);
#endif
}

/// Rounds floats to bf16 where they stand for halves.
static void roundFloats(const halcyon_conv3_shape *s, float *x, Size count) {
#ifdef KERNEL_BF16
    (void)s, (void)x, (void)count;
#else
    if (s->isRounded)
        for (Size i = 0; i < count; i += W) storeRounded(x, i, load(x + i, W));
#endif
}

/// The transform of one tile's channels c ..< c + k, from rows of `rowPitch` and pixels of `pitch` floats, normalized where `norm` is
/// not NULL.
INLINE void transformChannels(const float *x, Size rowPitch, Size pitch, Size k, Size c, const ChannelNorm *norm, float *to, Size step,
                              const TransformKind kind) {
    V columns[6][6];
#pragma clang loop unroll(full)
    for (int w = 0; w < 6; w++) {
        V d[6], t[6];
#pragma clang loop unroll(full)
        for (int h = 0; h < 6; h++) {
            d[h] = load(x + h * rowPitch + w * pitch, k);
            if (norm) d[h] = normalized(d[h], norm);
        }
        inputTransform(d, t);
#pragma clang loop unroll(full)
        for (int h = 0; h < 6; h++) columns[h][w] = t[h];
    }
#pragma clang loop unroll(full)
    for (int h = 0; h < 6; h++) {
        V t[6];
        inputTransform(columns[h], t);
#pragma clang loop unroll(full)
        for (int w = 0; w < 6; w++) put(to + (h * 6 + w) * step, c, t[w], k, kind);
    }
}

/// Copies the part of a tile that lies in the image, normalized where the shape says so, zeros elsewhere.
static void gatherTile(const halcyon_conv3_shape *s, const float *image, Size row, Size column, float *to) {
    const Size channels = s->inputChannels;
    for (Size h = 0; h < tileSide; h++)
        for (Size w = 0; w < tileSide; w++, to += channels) {
            const int inside = row + h >= 0 && row + h < s->height && column + w >= 0 && column + w < s->width;
            const float *const from = image + ((row + h) * s->width + column + w) * s->xPitch;
            LANES(channels, store(to + i, inside ? loadNormalized(from, s->normalization, i, k) : splat(0), k););
        }
}

/// One tile's transform, `to` its row at frequency 0.
INLINE void transformInput(const Tiling *t, const float *x, Size tile, float *edge, float *to, Size step, const TransformKind kind) {
    const halcyon_conv3_shape *const s = t->s;
    const Size n = tile / (t->rows * t->columns), place = tile % (t->rows * t->columns), channels = s->inputChannels;
    const Size row = place / t->columns * tileStep - 1, column = place % t->columns * tileStep - 1;
    const float *const image = x + n * s->height * s->width * s->xPitch;
    const int isInside = row >= 0 && column >= 0 && row + tileSide <= s->height && column + tileSide <= s->width;
    const float *corner = image + (row * s->width + column) * s->xPitch;
    // Of the tile after the next one.
    for (Size h = 0; h < tileSide; h++)
        fetchRows(corner + (h * s->width + tileSide + tileStep) * s->xPitch, tileStep, s->xPitch, channels);
    if (isInside && s->normalization) {
        LANES(channels, {
            const ChannelNorm norm = channelNorm(s->normalization, i, k);
            transformChannels(corner + i, s->width * s->xPitch, s->xPitch, k, i, &norm, to, step, kind);
        });
    } else if (isInside) {
        LANES(channels, transformChannels(corner + i, s->width * s->xPitch, s->xPitch, k, i, NULL, to, step, kind););
    } else {
        gatherTile(s, image, row, column, edge);
        LANES(channels, transformChannels(edge + i, tileSide * channels, channels, k, i, NULL, to, step, kind););
    }
}

/// Elements from one tile to the next in V: whole vectors of halves.
INLINE Size inputPitch(const halcyon_conv3_shape *s) {
#ifdef KERNEL_BF16
    return paddedChannels(s->inputChannels) / 2;
#else
    return s->inputChannels;
#endif
}

/// V[frequency][tile][channel] of the tiles first ..< first + count.
static void transformInputs(const Tiling *t, const float *x, Size first, Size count, float *edge, float *to, Size step) {
    const Size pitch = inputPitch(t->s);
    for (Size tile = 0; tile < count; tile++) transformInput(t, x, first + tile, edge, to + tile * pitch, step, ofChannels);
    roundFloats(t->s, to, frequencies * step);
}

/// V[frequency][tile][channel] for sums over tiles.
static void transformInputPairs(const Tiling *t, const float *x, Size first, Size count, float *edge, float *to, Size step) {
    const Size pitch = t->s->inputChannels;
    for (Size tile = 0; tile < count; tile++) {
#ifdef KERNEL_BF16
        float *const row = to + tile / 2 * pitch;
        if (tile % 2) transformInput(t, x, first + tile, edge, row, step, secondOfPair);
        else transformInput(t, x, first + tile, edge, row, step, firstOfPair);
#else
        transformInput(t, x, first + tile, edge, to + tile * pitch, step, ofChannels);
#endif
    }
    roundFloats(t->s, to, frequencies * step);
}

/// Block of a product: `rows` tiles by `vectors` vectors of output channels.
INLINE void tileProduct(const int rows, const int vectors, Size terms, const float *x, Size xPitch, const float *weights,
                        Size weightPitch, float *y, Size yPitch) {
    V sums[24][4];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = (V){0};
    for (Size t = 0; t < terms; t++) {
        V values[4];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) values[v] = load(weights + t * weightPitch + v * W, W);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const V factor = broadcast(x + r * xPitch + t);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = multiplyAdd(factor, values[v], sums[r][v]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) store(y + r * yPitch + v * W, sums[r][v], W);
}

#define TILE_ROWS(count, vectors)                                                                                      \
    for (; r + count <= rows; r += count)                                                                              \
        tileProduct(count, vectors, terms, x + r * xPitch, xPitch, weights + lane, weightPitch, y + r * yPitch + lane, yPitch);

/// y[tile][o] = the sum over i of x[tile][i] weights[i][o]; the lanes of weights and y are whole vectors.
static void productOfTiles(Size rows, Size terms, Size lanes, const float *x, Size xPitch, const float *weights, Size weightPitch,
                           float *y, Size yPitch) {
    Size lane = 0;
#if VECTOR_FLOATS == 16
    for (; lane + 4 * W <= lanes; lane += 4 * W) {
        Size r = 0;
        TILE_ROWS(6, 4) TILE_ROWS(2, 4) TILE_ROWS(1, 4)
    }
    for (; lane + 3 * W <= lanes; lane += 3 * W) {
        Size r = 0;
        TILE_ROWS(8, 3) TILE_ROWS(2, 3) TILE_ROWS(1, 3)
    }
    for (; lane + 2 * W <= lanes; lane += 2 * W) {
        Size r = 0;
        TILE_ROWS(12, 2) TILE_ROWS(4, 2) TILE_ROWS(1, 2)
    }
    for (; lane < lanes; lane += W) {
        Size r = 0;
        TILE_ROWS(24, 1) TILE_ROWS(12, 1) TILE_ROWS(4, 1) TILE_ROWS(1, 1)
    }
#else
    for (; lane + 2 * W <= lanes; lane += 2 * W) {
        Size r = 0;
        TILE_ROWS(6, 2) TILE_ROWS(2, 2) TILE_ROWS(1, 2)
    }
    for (; lane < lanes; lane += W) {
        Size r = 0;
        TILE_ROWS(12, 1) TILE_ROWS(4, 1) TILE_ROWS(1, 1)
    }
#endif
}

/// The outputs of one tile's channels c ..< c + k from M[frequency][channel].
INLINE void outputChannels(const float *m, Size step, V out[4][4]) {
    V columns[4][6];
#pragma clang loop unroll(full)
    for (int w = 0; w < 6; w++) {
        V d[6], t[4];
#pragma clang loop unroll(full)
        for (int h = 0; h < 6; h++) d[h] = load(m + (h * 6 + w) * step, W);
        outputTransform(d, t);
#pragma clang loop unroll(full)
        for (int h = 0; h < 4; h++) columns[h][w] = t[h];
    }
#pragma clang loop unroll(full)
    for (int h = 0; h < 4; h++) outputTransform(columns[h], out[h]);
}

/// A tile's place in the output, and how much of it lies inside.
typedef struct {
    Size pixel, height, width;
} TilePlace;

INLINE TilePlace outputPlace(const Tiling *t, Size tile) {
    const Size n = tile / (t->rows * t->columns), place = tile % (t->rows * t->columns);
    const Size row = place / t->columns * tileStep, column = place % t->columns * tileStep;
    return (TilePlace){(n * t->s->height + row) * t->s->width + column, minimum(tileStep, t->s->height - row),
                       minimum(tileStep, t->s->width - column)};
}

/// Channels i ..< i + k of a tile's outputs: bias, residual, ReLU, and the store.
INLINE void writeOutputs(const halcyon_conv3_shape *s, TilePlace place, const float *m, Size step, const float *bias,
                         const float *residual, float *y, Size i, Size k) {
    V out[4][4];
    outputChannels(m + i, step, out);
    const V offset = bias ? load(bias + i, k) : splat(0);
#pragma clang loop unroll(full)
    for (Size h = 0; h < 4; h++)
#pragma clang loop unroll(full)
        for (Size w = 0; w < 4; w++) {
            if (h >= place.height || w >= place.width) continue;
            const Size at = place.pixel + h * s->width + w;
            V value = out[h][w] + offset;
            if (residual) value += load(residual + at * s->residualPitch + i, k);
            if (s->relu) value = choose((I)(value > 0), value, splat(0));
            store(y + at * s->yPitch + i, value, k);
        }
}

static void transformOutputs(const Tiling *t, const float *m, Size step, Size mPitch, Size first, Size count, const float *bias,
                             const float *residual, float *y) {
    for (Size tile = 0; tile < count; tile++) {
        const TilePlace place = outputPlace(t, first + tile);
        for (Size h = 0; h < tileStep; h++)
            fetchRowsToWrite(y + (place.pixel + h * t->s->width + 2 * tileStep) * t->s->yPitch, tileStep, t->s->yPitch, t->s->outputChannels);
        LANES(t->s->outputChannels, writeOutputs(t->s, place, m + tile * mPitch, step, bias, residual, y, i, k););
    }
}

INLINE Size lanesOf(Size channels) { return (channels + W - 1) / W * W; }

/// Tiles of a block: as many as keep the transforms near `bytes`.
INLINE Size blockTiles(Size channels, Size bytes) {
    Size count = bytes / (frequencies * channels * (Size)sizeof(float)) / 24 * 24;
    return count < 24 ? 24 : count > mostTiles ? mostTiles : count;
}

enum { forwardBytes = 640 << 10, gradientBytes = 900 << 10 };

/// Floats of one share's scratch: V, M (or Z) and a tile on the edge.
INLINE Size shareFloats(const halcyon_conv3_shape *s, Size tiles) {
    return frequencies * (frequencyPitch(tiles, paddedChannels(s->inputChannels)) +
                          frequencyPitch(tiles, paddedChannels(s->outputChannels))) +
           frequencies * paddedChannels(s->inputChannels);
}

static Size conv3_weight_floats(Size inputs, Size outputs, int isRounded) {
    (void)isRounded;
    return frequencies * inputs * paddedChannels(outputs);
}

static Size conv3_scratch(const halcyon_conv3_shape *s, int weightGradient, int shares) {
    const Size lanes = paddedChannels(s->outputChannels), tiles = blockTiles(s->inputChannels + lanes, weightGradient ? gradientBytes : forwardBytes);
    return shares * (shareFloats(s, tiles) + (weightGradient ? frequencies * s->inputChannels * lanes : 0)) * (Size)sizeof(float);
}

/// The filters from one channel to W, transformed; `count` of the W exist, `stride` floats apart.
INLINE void transformFilters(const float *weights, Size stride, Size count, int reversed, V u[6][6]) {
    V g[3][3] = {0};
    for (Size tap = 0; tap < 9; tap++) {
        const float *const w = weights + (reversed ? 8 - tap : tap);
        V v = {0};
        if (count == W)
            for (Size j = 0; j < W; j++) v[j] = w[j * stride];
        else
            for (Size j = 0; j < count; j++) v[j] = w[j * stride];
        g[tap / 3][tap % 3] = v;
    }
    V rows[6][3];
    for (int w = 0; w < 3; w++) {
        const V column[3] = {g[0][w], g[1][w], g[2][w]};
        V t[6];
        filterTransform(column, t);
        for (int h = 0; h < 6; h++) rows[h][w] = t[h];
    }
    for (int h = 0; h < 6; h++) filterTransform(rows[h], u[h]);
}

/// Filters on their way to transformed ones: those of inputs `from` are rows, those of outputs `to` lanes.
typedef struct {
    Size to, from, toStride, fromStride;
    const float *weights;
    int reversed, isRounded;
    float *transformed;
} FilterWork;

static void transformFilterRows(void *context, Size begin, Size end, int share) {
    (void)share;
    const FilterWork *const f = context;
    const Size to = f->to, toStride = f->toStride, fromStride = f->fromStride;
    const Size rows = elements(f->from), lanes = paddedChannels(to);
    const float *const weights = f->weights;
    float *const transformed = f->transformed;
    const int reversed = f->reversed;
    for (Size row = begin; row < end; row++)
        for (Size o = 0; o < lanes; o += W) {
            const Size count = o < to ? minimum(W, to - o) : 0;
            V u[6][6];
#ifdef KERNEL_BF16
            const float *const first = weights + 2 * row * fromStride + o * toStride;
            V next[6][6];
            transformFilters(first, toStride, count, reversed, u);
            transformFilters(first + fromStride, toStride, 2 * row + 1 < f->from ? count : 0, reversed, next);
            for (int h = 0; h < 6; h++)
                for (int w = 0; w < 6; w++) store(transformed + ((h * 6 + w) * rows + row) * lanes + o, paired(u[h][w], next[h][w]), W);
#else
            transformFilters(weights + row * fromStride + o * toStride, toStride, count, reversed, u);
            for (int h = 0; h < 6; h++)
                for (int w = 0; w < 6; w++)
                    store(transformed + ((h * 6 + w) * rows + row) * lanes + o, f->isRounded ? rounded(u[h][w]) : u[h][w], W);
#endif
        }
}

/// Units of a work whose units have this many filters, so that a share is worth a thread.
INLINE Size filterGrain(Size filters) { return 1 + 512 / (filters + 1); }

/// `outputs` and `inputs` are those of `weights`; `reversed` exchanges their parts.
static void conv3_weights(Size outputs, Size inputs, const float *weights, int reversed, int isRounded, float *transformed) {
    FilterWork work = {outputs, inputs, inputs * 9, 9, weights, reversed, isRounded, transformed};
    if (reversed) work = (FilterWork){inputs, outputs, 9, inputs * 9, weights, reversed, isRounded, transformed};
    halcyon_parallel(elements(work.from), filterGrain(work.to), transformFilterRows, &work);
}

typedef struct {
    Tiling tiling;
    const float *x, *weights, *bias, *residual;
    float *y, *scratch;
    Size shareFloats, blockTiles;
} WinogradRun;

static void convolveTiles(void *context, Size first, Size end, int share) {
    const WinogradRun *const r = context;
    const halcyon_conv3_shape *const s = r->tiling.s;
    const Size lanes = paddedChannels(s->outputChannels), inputs = s->inputChannels;
    const Size vPitch = inputPitch(s), terms = elements(inputs);
    const Size vStep = frequencyPitch(r->blockTiles, vPitch), mStep = frequencyPitch(r->blockTiles, lanes);
    float *const v = r->scratch + share * r->shareFloats, *const m = v + frequencies * vStep, *const edge = m + frequencies * mStep;
    for (Size tile = first; tile < end; tile += r->blockTiles) {
        const Size count = minimum(r->blockTiles, end - tile);
        transformInputs(&r->tiling, r->x, tile, count, edge, v, vStep);
        for (Size f = 0; f < frequencies; f++)
            productOfTiles(count, terms, lanesOf(s->outputChannels), v + f * vStep, vPitch, r->weights + f * terms * lanes, lanes,
                           m + f * mStep, lanes);
        transformOutputs(&r->tiling, m, mStep, lanes, tile, count, r->bias, r->residual, r->y);
    }
}

static void conv3(const halcyon_conv3_shape *s, const float *x, const float *transformed, const float *bias,
                     const float *residual, float *y, float *scratch) {
    const Size tiles = blockTiles(s->inputChannels + paddedChannels(s->outputChannels), forwardBytes);
    WinogradRun run = {tilingOf(s), x, transformed, bias, residual, y, scratch, shareFloats(s, tiles), tiles};
    halcyon_parallel(tileCount(s), 24, convolveTiles, &run);
}

/// Channels i ..< i + k of a tile's transformed output gradient.
INLINE void transformGradient(const halcyon_conv3_shape *s, TilePlace place, const float *dy, Size i, Size k, float *to,
                              Size step, const TransformKind kind) {
    V columns[6][4];
#pragma clang loop unroll(full)
    for (Size w = 0; w < 4; w++) {
        V d[4], z[6];
#pragma clang loop unroll(full)
        for (Size h = 0; h < 4; h++) {
            const int inside = h < place.height && w < place.width;
            d[h] = inside ? load(dy + (place.pixel + h * s->width + w) * s->yPitch + i, k) : splat(0);
        }
        gradientTransform(d, z);
#pragma clang loop unroll(full)
        for (int h = 0; h < 6; h++) columns[h][w] = z[h];
    }
#pragma clang loop unroll(full)
    for (int h = 0; h < 6; h++) {
        V z[6];
        gradientTransform(columns[h], z);
#pragma clang loop unroll(full)
        for (int w = 0; w < 6; w++) put(to + (h * 6 + w) * step, i, z[w], W, kind);
    }
}

/// Z[frequency][tile][channel] of the tiles' output gradients.
static void transformGradients(const Tiling *t, const float *dy, Size first, Size count, float *to, Size step, Size pitch) {
    for (Size tile = 0; tile < count; tile++) {
        const TilePlace place = outputPlace(t, first + tile);
        for (Size h = 0; h < tileStep; h++)
            fetchRows(dy + (place.pixel + h * t->s->width + 2 * tileStep) * t->s->yPitch, tileStep, t->s->yPitch, t->s->outputChannels);
#ifdef KERNEL_BF16
        float *const row = to + tile / 2 * pitch;
        if (tile % 2) LANES(t->s->outputChannels, transformGradient(t->s, place, dy, i, k, row, step, secondOfPair););
        else LANES(t->s->outputChannels, transformGradient(t->s, place, dy, i, k, row, step, firstOfPair););
#else
        LANES(t->s->outputChannels, transformGradient(t->s, place, dy, i, k, to + tile * pitch, step, ofChannels););
#endif
    }
    roundFloats(t->s, to, frequencies * step);
}

/// Block of the filters' gradient: `rows` input channels by `vectors` vectors of output channels, added to `sums`.
INLINE void gradientProduct(const int rows, const int vectors, Size tiles, const float *x, Size xPitch, const float *z, Size zPitch,
                            float *to, Size toPitch) {
    V sums[24][4];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = load(to + r * toPitch + v * W, W);
    for (Size t = 0; t < tiles; t++) {
        V values[4];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) values[v] = load(z + t * zPitch + v * W, W);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const V factor = broadcast(x + t * xPitch + r);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = multiplyAdd(factor, values[v], sums[r][v]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) store(to + r * toPitch + v * W, sums[r][v], W);
}

#define GRADIENT_ROWS(count, vectors)                                                                                     \
    for (; r + count <= rows; r += count)                                                                                 \
        gradientProduct(count, vectors, tiles, x + r, xPitch, z + lane, zPitch, to + r * toPitch + lane, toPitch);

static void addGradientProduct(Size rows, Size tiles, Size lanes, const float *x, Size xPitch, const float *z, Size zPitch,
                               float *to, Size toPitch) {
    Size lane = 0;
#if VECTOR_FLOATS == 16
    for (; lane + 4 * W <= lanes; lane += 4 * W) {
        Size r = 0;
        GRADIENT_ROWS(6, 4) GRADIENT_ROWS(2, 4) GRADIENT_ROWS(1, 4)
    }
    for (; lane + 3 * W <= lanes; lane += 3 * W) {
        Size r = 0;
        GRADIENT_ROWS(8, 3) GRADIENT_ROWS(2, 3) GRADIENT_ROWS(1, 3)
    }
    for (; lane + 2 * W <= lanes; lane += 2 * W) {
        Size r = 0;
        GRADIENT_ROWS(12, 2) GRADIENT_ROWS(4, 2) GRADIENT_ROWS(1, 2)
    }
    for (; lane < lanes; lane += W) {
        Size r = 0;
        GRADIENT_ROWS(16, 1) GRADIENT_ROWS(4, 1) GRADIENT_ROWS(1, 1)
    }
#else
    for (; lane + 2 * W <= lanes; lane += 2 * W) {
        Size r = 0;
        GRADIENT_ROWS(6, 2) GRADIENT_ROWS(2, 2) GRADIENT_ROWS(1, 2)
    }
    for (; lane < lanes; lane += W) {
        Size r = 0;
        GRADIENT_ROWS(12, 1) GRADIENT_ROWS(4, 1) GRADIENT_ROWS(1, 1)
    }
#endif
}

static void correlateTiles(void *context, Size first, Size end, int share) {
    const WinogradRun *const r = context;
    const halcyon_conv3_shape *const s = r->tiling.s;
    const Size lanes = paddedChannels(s->outputChannels), inputs = s->inputChannels;
    const Size vStep = frequencyPitch(r->blockTiles, inputs), zStep = frequencyPitch(r->blockTiles, lanes);
    float *const sums = r->scratch + share * r->shareFloats, *const v = sums + frequencies * inputs * lanes;
    float *const z = v + frequencies * vStep, *const edge = z + frequencies * zStep;
    memset(sums, 0, (size_t)(frequencies * inputs * lanes) * sizeof *sums);
    for (Size tile = first; tile < end; tile += r->blockTiles) {
        const Size count = minimum(r->blockTiles, end - tile);
        transformInputPairs(&r->tiling, r->x, tile, count, edge, v, vStep);
        transformGradients(&r->tiling, r->y, tile, count, z, zStep, lanes);
        for (Size f = 0; f < frequencies; f++)
            addGradientProduct(inputs, elements(count), lanesOf(s->outputChannels), v + f * vStep, inputs, z + f * zStep, lanes,
                               sums + f * inputs * lanes, lanes);
    }
}

/// The sums of some shares, and where the filters' gradients go, [outputs][filterInputs].
typedef struct {
    const halcyon_conv3_shape *s;
    float *sums, *dw;
    Size filterInputs, shareFloats;
    int shares;
} FilterGradientWork;

/// The gradients of the filters of some input channels, from what the shares have summed.
static void finishFilterGradients(void *context, Size begin, Size end, int own) {
    (void)own;
    const FilterGradientWork *const g = context;
    const Size lanes = paddedChannels(g->s->outputChannels), inputs = g->s->inputChannels, outputs = g->s->outputChannels;
    for (Size i = begin; i < end; i++)
        for (Size o = 0; o < outputs; o += W) {
            V rows[3][6], filters[3][3];
            for (int w = 0; w < 6; w++) {
                V column[6], t[3];
                for (int h = 0; h < 6; h++) {
                    const float *const from = g->sums + ((h * 6 + w) * inputs + i) * lanes + o;
                    column[h] = load(from, W);
                    for (int share = 1; share < g->shares; share++) column[h] += load(from + share * g->shareFloats, W);
                }
                filterGradientTransform(column, t);
                for (int h = 0; h < 3; h++) rows[h][w] = t[h];
            }
            for (int h = 0; h < 3; h++) filterGradientTransform(rows[h], filters[h]);
            for (Size j = 0; j < minimum(W, outputs - o); j++)
                for (int tap = 0; tap < 9; tap++) g->dw[((o + j) * g->filterInputs + i) * 9 + tap] = filters[tap / 3][tap % 3][j];
        }
}

typedef struct {
    WinogradRun run;
    float *dw;
} FilterGradientRun;

/// All tiles for input channels first ..< end, whose sums are this share's alone.
static void correlateInputs(void *context, Size first, Size end, int share) {
    const FilterGradientRun *const g = context;
    WinogradRun r = g->run;
    halcyon_conv3_shape s = *r.tiling.s;
    halcyon_normalization norm;
    const Size inputs = s.inputChannels;
    s.inputChannels = end - first;
    if (s.normalization) {
        norm = *s.normalization;
        norm.mean += first, norm.inverseDeviation += first, norm.gamma += first, norm.beta += first;
        s.normalization = &norm;
    }
    r.tiling.s = &s;
    r.x += first, r.scratch += share * r.shareFloats;
    correlateTiles(&r, 0, tileCount(&s), 0);
    FilterGradientWork work = {&s, r.scratch, g->dw + first * 9, inputs, r.shareFloats, 1};
    finishFilterGradients(&work, 0, end - first, 0);
}

static void conv3_weight_gradient(const halcyon_conv3_shape *s, const float *x, const float *dy, float *dw, float *scratch) {
    const Size lanes = paddedChannels(s->outputChannels), inputs = s->inputChannels;
    const Size tiles = blockTiles(inputs + lanes, gradientBytes), all = frequencies * inputs * lanes;
    FilterGradientRun run = {{tilingOf(s), x, NULL, NULL, NULL, (float *)dy, scratch, all + shareFloats(s, tiles), tiles}, dw};
    // Where tiles are few, sums for each thread cost more than transforming all tiles of dy.
    if (tileCount(s) < 3 * inputs) {
        halcyon_parallel(inputs, 16, correlateInputs, &run);
        return;
    }
    halcyon_parallel(tileCount(s), 24, correlateTiles, &run.run);
    FilterGradientWork work = {s, scratch, dw, inputs, run.run.shareFloats, halcyon_shares(tileCount(s), 24)};
    halcyon_parallel(inputs, filterGrain(s->outputChannels), finishFilterGradients, &work);
}
