// Self-attention inside windows (Swin, Liu et al. 2021), one window and head at a time, all of it in the cache.
//
// The lanes of a vector are the queries of a window: scores are kept as [key][query], so that the softmax over keys needs no
// sums across lanes, and q and the output are transposed while they are packed. Rows of queries have the pitch `queries`,
// rows of a head's channels the pitch `span`, both multiples of 16 in every version.

enum { packing = HALCYON_ATTENTION_PACKING };
INLINE Size padded(Size count) { return (count + packing - 1) / packing * packing; }

/// y[r][lane] = start[r][lane] + sum over t < terms of a[r * rowStride + t * termStride] * x[t][lane], for `rows` rows and
/// `vectors` vectors, both constants.
INLINE void productBlock(const int rows, const int vectors, Size terms, const float *a, Size rowStride, Size termStride,
                         const float *x, Size xPitch, const float *start, Size startPitch, float *y, Size yPitch) {
    V sums[12][4];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = start ? load(start + r * startPitch + v * W, W) : (V){0};
    for (Size t = 0; t < terms; t++) {
        V values[4];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) values[v] = load(x + t * xPitch + v * W, W);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const V factor = splat(a[r * rowStride + t * termStride]);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] += factor * values[v];
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) store(y + r * yPitch + v * W, sums[r][v], W);
}

/// `productBlock` over any number of rows, in blocks of `high` and less.
#define PRODUCT_ROWS(high, vectors)                                                                                       \
    do {                                                                                                                  \
        Size r = 0;                                                                                                       \
        PRODUCT_STEP(high, vectors)                                                                                       \
        PRODUCT_STEP(4, vectors)                                                                                          \
        PRODUCT_STEP(2, vectors)                                                                                          \
        PRODUCT_STEP(1, vectors)                                                                                          \
    } while (0)
#define PRODUCT_STEP(count, vectors)                                                                                      \
    for (; r + count <= rows; r += count)                                                                                 \
        productBlock(count, vectors, terms, a + r * rowStride, rowStride, termStride, x + lane, xPitch,                   \
                     start ? start + r * startPitch + lane : NULL, startPitch, y + r * yPitch + lane, yPitch);

/// A small product of matrices: y[r][lane] = start[r][lane] + sum over t of a[r, t] x[t][lane]; `start` may be NULL or y.
/// `lanes` is a multiple of W.
static void product(Size rows, Size terms, Size lanes, const float *a, Size rowStride, Size termStride, const float *x,
                    Size xPitch, const float *start, Size startPitch, float *y, Size yPitch) {
    Size lane = 0;
#if VECTOR_FLOATS == 16
    for (; lane + 4 * W <= lanes; lane += 4 * W) PRODUCT_ROWS(6, 4);
#endif
    for (; lane + 2 * W <= lanes; lane += 2 * W) PRODUCT_ROWS(6, 2);
    for (; lane < lanes; lane += W) PRODUCT_ROWS(12, 1);
}

/// The sizes of a window and its head, and memory of its own.
typedef struct {
    Size tokens, channels, queries, span, lanes, channelLanes;
    float *q, *qTransposed, *k, *v, *scores, *outTransposed, *dOut, *dOutTransposed, *dScores, *dKey;
    float *biasTransposed, *regions;
} Head;

/// Takes memory from `scratch` one piece after the other.
INLINE float *take(float **scratch, Size count) {
    float *const piece = *scratch;
    *scratch += padded(count);
    return piece;
}

/// Lays a head out in memory that was zeroed where padding is read.
INLINE Head layOut(Size tokens, Size heads, Size channels, int backward, float *scratch) {
    Head h = {.tokens = tokens, .channels = channels, .queries = padded(tokens), .span = padded(channels)};
    h.lanes = (tokens + W - 1) / W * W;
    h.channelLanes = (channels + W - 1) / W * W;
    float *const first = scratch;
    h.qTransposed = take(&scratch, channels * h.queries);
    h.k = take(&scratch, tokens * h.span);
    h.v = take(&scratch, tokens * h.span);
    h.regions = take(&scratch, h.queries);
    if (backward) {
        h.q = take(&scratch, tokens * h.span);
        h.dOut = take(&scratch, tokens * h.span);
        h.dOutTransposed = take(&scratch, channels * h.queries);
    }
    h.biasTransposed = take(&scratch, heads * tokens * h.queries);
    for (float *p = first; p < scratch; p++) *p = 0;
    h.outTransposed = take(&scratch, channels * h.queries);
    h.scores = take(&scratch, tokens * h.queries);
    if (backward) {
        h.dScores = take(&scratch, tokens * h.queries);
        h.dKey = take(&scratch, tokens * h.span);
    }
    return h;
}

/// bias [heads][query][key] as [heads][key][query].
INLINE void transposeBias(const Head *h, Size heads, const float *bias) {
    for (Size head = 0; head < heads; head++)
        for (Size i = 0; i < h->tokens; i++)
            for (Size j = 0; j < h->tokens; j++)
                h->biasTransposed[(head * h->tokens + j) * h->queries + i] = bias[(head * h->tokens + i) * h->tokens + j];
}

/// The pixel of each of a window's places, and which part of the image it came from.
typedef struct {
    Size height, width, window, shift;
} Windows;

/// Fills `pixels` [window²] of the window in this row and column of windows; returns 1 where the image's end runs through it,
/// with `regions` telling the parts apart.
static int placesOf(const Windows *w, Size image, Size row, Size column, Size *pixels, float *regions) {
    int split = 0;
    Size n = 0;
    for (Size y = 0; y < w->window; y++)
        for (Size x = 0; x < w->window; x++, n++) {
            const Size h = row + y + w->shift, v = column + x + w->shift;
            pixels[n] = (image * w->height + h % w->height) * w->width + v % w->width;
            regions[n] = (float)((h >= w->height) + 2 * (v >= w->width));
            split |= h >= w->height || v >= w->width;
        }
    return split;
}

/// to[token][c] = x[pixel of token][c]
INLINE void gather(const Head *h, const Size *pixels, const float *x, Size pitch, float *to) {
    for (Size n = 0; n < h->tokens; n++) {
        const float *const from = x + pixels[n] * pitch;
        float *const row = to + n * h->span;
        LANES(h->channels, store(row + i, load(from + i, k), k););
    }
}

/// to[c][token] = factor * x[pixel of token][c]
INLINE void gatherTransposed(const Head *h, const Size *pixels, const float *x, Size pitch, float factor, float *to) {
    for (Size n = 0; n < h->tokens; n++) {
        const float *const from = x + pixels[n] * pitch;
        for (Size c = 0; c < h->channels; c++) to[c * h->queries + n] = from[c] * factor;
    }
}

/// y[pixel of token][c] = from[c][token]
INLINE void scatterTransposed(const Head *h, const Size *pixels, const float *from, float *y, Size pitch) {
    for (Size n = 0; n < h->tokens; n++) {
        float *const to = y + pixels[n] * pitch;
        for (Size c = 0; c < h->channels; c++) to[c] = from[c * h->queries + n];
    }
}

/// y[pixel of token][c] = from[token][c]
INLINE void scatter(const Head *h, const Size *pixels, const float *from, float *y, Size pitch) {
    for (Size n = 0; n < h->tokens; n++) {
        float *const to = y + pixels[n] * pitch;
        const float *const row = from + n * h->span;
        LANES(h->channels, store(to + i, load(row + i, k), k););
    }
}

/// Scores of the packed q and k become probabilities, [key][query]; those of other regions exactly 0.
INLINE void probabilities(const Head *h, const float *bias, int split) {
    const Size tokens = h->tokens, queries = h->queries;
    product(tokens, h->channels, h->lanes, h->k, h->span, 1, h->qTransposed, queries, bias, queries, h->scores, queries);
    for (Size i = 0; i < h->lanes; i += W) {
        float *const column = h->scores + i;
        if (split) {
            const V own = load(h->regions + i, W);
            for (Size j = 0; j < tokens; j++) {
                float *const at = column + j * queries;
                store(at, choose((I)(own == splat(h->regions[j])), load(at, W), splat(-1e30f)), W);
            }
        }
        V highest = load(column, W), sum = {0};
        for (Size j = 1; j < tokens; j++) highest = __builtin_elementwise_max(highest, load(column + j * queries, W));
        for (Size j = 0; j < tokens; j++) {
            const V e = exponential(load(column + j * queries, W) - highest);
            sum += e;
            store(column + j * queries, e, W);
        }
        const V inverse = splat(1) / sum;
        for (Size j = 0; j < tokens; j++) store(column + j * queries, load(column + j * queries, W) * inverse, W);
    }
}

static void window_attention(Size batch, Size height, Size width, Size heads, Size channels, Size window, Size shift, int mask,
                             const float *qkv, Size qkvPitch, const float *bias, float *y, Size yPitch, float *scratch) {
    const Size all = heads * channels;
    const float factor = (float)(1 / squareRoot((double)channels));
    const Windows windows = {height, width, window, shift};
    const Head h = layOut(window * window, heads, channels, 0, scratch);
    Size pixels[HALCYON_ATTENTION_LARGEST_WINDOW * HALCYON_ATTENTION_LARGEST_WINDOW];
    transposeBias(&h, heads, bias);
    for (Size n = 0; n < batch; n++)
        for (Size row = 0; row < height; row += window)
            for (Size column = 0; column < width; column += window) {
                const int split = placesOf(&windows, n, row, column, pixels, h.regions) && mask;
                for (Size head = 0; head < heads; head++) {
                    const float *const q = qkv + head * channels;
                    gatherTransposed(&h, pixels, q, qkvPitch, factor, h.qTransposed);
                    gather(&h, pixels, q + all, qkvPitch, h.k);
                    gather(&h, pixels, q + 2 * all, qkvPitch, h.v);
                    probabilities(&h, h.biasTransposed + head * h.tokens * h.queries, split);
                    product(channels, h.tokens, h.lanes, h.v, 1, h.span, h.scores, h.queries, NULL, 0, h.outTransposed, h.queries);
                    scatterTransposed(&h, pixels, h.outTransposed, y + head * channels, yPitch);
                }
            }
}

static void window_attention_backward(Size batch, Size height, Size width, Size heads, Size channels, Size window, Size shift,
                                      int mask, const float *qkv, Size qkvPitch, const float *bias, const float *dy,
                                      Size dyPitch, float *dqkv, Size dqkvPitch, float *dbias, float *scratch) {
    const Size all = heads * channels, tokens = window * window, queries = padded(tokens), square = tokens * queries;
    const float factor = (float)(1 / squareRoot((double)channels));
    const Windows windows = {height, width, window, shift};
    // The bias' gradient [heads][key][query]: the sum of one row of windows, added to the sum of all.
    float *const biasSum = take(&scratch, heads * square), *const rowSum = take(&scratch, heads * square);
    for (Size i = 0; i < heads * square; i++) biasSum[i] = 0;
    const Head h = layOut(tokens, heads, channels, 1, scratch);
    Size pixels[HALCYON_ATTENTION_LARGEST_WINDOW * HALCYON_ATTENTION_LARGEST_WINDOW];
    transposeBias(&h, heads, bias);
    for (Size n = 0; n < batch; n++)
        for (Size row = 0; row < height; row += window) {
            for (Size i = 0; i < heads * square; i++) rowSum[i] = 0;
            for (Size column = 0; column < width; column += window) {
                const int split = placesOf(&windows, n, row, column, pixels, h.regions) && mask;
                for (Size head = 0; head < heads; head++) {
                    const float *const q = qkv + head * channels;
                    float *const dq = dqkv + head * channels;
                    gatherTransposed(&h, pixels, q, qkvPitch, factor, h.qTransposed);
                    gather(&h, pixels, q, qkvPitch, h.q);
                    gather(&h, pixels, q + all, qkvPitch, h.k);
                    gather(&h, pixels, q + 2 * all, qkvPitch, h.v);
                    gather(&h, pixels, dy + head * channels, dyPitch, h.dOut);
                    gatherTransposed(&h, pixels, dy + head * channels, dyPitch, 1, h.dOutTransposed);
                    probabilities(&h, h.biasTransposed + head * square, split);
                    // dv = p dOut, dp = v dOut
                    product(tokens, tokens, h.channelLanes, h.scores, queries, 1, h.dOut, h.span, NULL, 0, h.dKey, h.span);
                    scatter(&h, pixels, h.dKey, dq + 2 * all, dqkvPitch);
                    product(tokens, channels, h.lanes, h.v, h.span, 1, h.dOutTransposed, queries, NULL, 0, h.dScores, queries);
                    // ds = p (dp - sum over keys of p dp)
                    float *const sums = rowSum + head * square;
                    for (Size i = 0; i < h.lanes; i += W) {
                        V sum = {0};
                        for (Size j = 0; j < tokens; j++)
                            sum += load(h.scores + j * queries + i, W) * load(h.dScores + j * queries + i, W);
                        for (Size j = 0; j < tokens; j++) {
                            const Size at = j * queries + i;
                            const V ds = load(h.scores + at, W) * (load(h.dScores + at, W) - sum);
                            store(h.dScores + at, ds, W);
                            store(sums + at, load(sums + at, W) + ds, W);
                        }
                    }
                    product(channels, tokens, h.lanes, h.k, 1, h.span, h.dScores, queries, NULL, 0, h.outTransposed, queries);
                    for (Size i = 0; i < channels * queries; i += W)
                        store(h.outTransposed + i, load(h.outTransposed + i, W) * factor, W);
                    scatterTransposed(&h, pixels, h.outTransposed, dq, dqkvPitch);
                    product(tokens, tokens, h.channelLanes, h.dScores, queries, 1, h.q, h.span, NULL, 0, h.dKey, h.span);
                    for (Size i = 0; i < tokens * h.span; i += W) store(h.dKey + i, load(h.dKey + i, W) * factor, W);
                    scatter(&h, pixels, h.dKey, dq + all, dqkvPitch);
                }
            }
            for (Size i = 0; i < heads * square; i += W) store(biasSum + i, load(biasSum + i, W) + load(rowSum + i, W), W);
        }
    for (Size head = 0; head < heads; head++)
        for (Size i = 0; i < tokens; i++)
            for (Size j = 0; j < tokens; j++)
                dbias[(head * tokens + i) * tokens + j] = biasSum[(head * tokens + j) * queries + i];
}
#undef PRODUCT_ROWS
#undef PRODUCT_STEP
