// The products and the softmax of one window and head. The lanes of a vector are queries: scores lie as [key][query], so that
// the softmax over keys needs no sums across lanes. A panel of at most `panelVectors` vectors of queries meets all keys while its
// scores stay in the level 1 cache.

enum { panelVectors = 2, panelPitch = panelVectors * W };

/// Rows of a block of sums that leaves registers for a row of vectors and a factor.
#define BLOCK_ROWS(vectors) (VECTOR_FLOATS == 16 || (vectors) == 1 ? 12 : 6)

/// Runs the statements for blocks of `rows` rows, a constant, from row `first` on.
#define FOR_BLOCKS(count, vectors, ...)                                                                           \
    do {                                                                                                          \
        Size first = 0;                                                                                           \
        for (; first + BLOCK_ROWS(vectors) <= (count) && (count) - first != 8; first += BLOCK_ROWS(vectors)) {    \
            const int rows = BLOCK_ROWS(vectors);                                                                 \
            __VA_ARGS__                                                                                           \
        }                                                                                                         \
        for (; first + 4 <= (count); first += 4) {                                                                \
            const int rows = 4;                                                                                   \
            __VA_ARGS__                                                                                           \
        }                                                                                                         \
        for (; first < (count); first++) {                                                                        \
            const int rows = 1;                                                                                   \
            __VA_ARGS__                                                                                           \
        }                                                                                                         \
    } while (0)

/// The left matrix of a product.
typedef struct {
    const float *memory;
    Size rowStride, termStride;
} Factors;

typedef V Sums[12][panelVectors];

/// sums[r][v] += a[first + r, term] * x[term][v], summed over the terms.
INLINE void addProducts(const int rows, const int vectors, Size first, Size terms, Factors a, const float *x, Size xPitch,
                        Sums sums) {
    const float *const memory = a.memory + first * a.rowStride;
    for (Size t = 0; t < terms; t++) {
        V values[panelVectors];
        UNROLLED for (int v = 0; v < vectors; v++) values[v] = load(x + t * xPitch + v * W, W);
        UNROLLED for (int r = 0; r < rows; r++) {
            const V factor = splat(memory[r * a.rowStride + t * a.termStride]);
            UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] += factor * values[v];
        }
    }
}

/// y[row][v] = factors[v] * the product.
INLINE void scaledProduct(const int vectors, Size count, Size terms, Factors a, const float *x, Size xPitch, const V *factors,
                          float *y, Size yPitch) {
    FOR_BLOCKS(count, vectors, {
        Sums sums = {0};
        addProducts(rows, vectors, first, terms, a, x, xPitch, sums);
        UNROLLED for (int r = 0; r < rows; r++)
            UNROLLED for (int v = 0; v < vectors; v++) store(y + (first + r) * yPitch + v * W, sums[r][v] * factors[v], W);
    });
}

/// A vector whose low half belongs to one row and whose high half to the next.
typedef float Half __attribute__((vector_size(W * 2)));
typedef float UnalignedHalf __attribute__((vector_size(W * 2), aligned(4), may_alias));
typedef union {
    V vector;
    Half half[2];
} Halves;
INLINE V halves(const float *low, const float *high) {
    return (Halves){.half = {*(const UnalignedHalf *)low, *(const UnalignedHalf *)high}}.vector;
}
/// The low half of a and the high half of b.
INLINE V joined(V a, V b) { return (Halves){.half = {((Halves){.vector = a}).half[0], ((Halves){.vector = b}).half[1]}}.vector; }

/// y[row][lane] = the product, or its sum with y, for lanes of some vectors and, if `half`, half a vector more: then rows are even.
INLINE void addedBlock(const int rows, const int vectors, const int half, Size terms, Factors a, const float *x, int isFirst,
                       float *y, Size pitch) {
    Sums sums = {0};
    V pairs[8] = {0};
    if (!isFirst)
        UNROLLED for (int r = 0; r < rows; r++) {
            UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = load(y + r * pitch + v * W, W);
            if (half && r % 2 == 0) pairs[r / 2] = halves(y + r * pitch + vectors * W, y + (r + 1) * pitch + vectors * W);
        }
    for (Size t = 0; t < terms; t++) {
        const float *const row = x + t * pitch;
        V values[panelVectors + 1], last = {0};
        UNROLLED for (int v = 0; v < vectors; v++) values[v] = load(row + v * W, W);
        if (half) values[vectors] = halves(row + vectors * W, row + vectors * W);
        UNROLLED for (int r = 0; r < rows; r++) {
            const V factor = splat(a.memory[r * a.rowStride + t * a.termStride]);
            UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] += factor * values[v];
            if (half && r % 2) pairs[r / 2] += joined(last, factor) * values[vectors];
            last = factor;
        }
    }
    UNROLLED for (int r = 0; r < rows; r++) {
        UNROLLED for (int v = 0; v < vectors; v++) store(y + r * pitch + v * W, sums[r][v], W);
        if (half) *(UnalignedHalf *)(y + r * pitch + vectors * W) = ((Halves){.vector = pairs[r / 2]}).half[r % 2];
    }
}

/// `addedBlock` for all rows and these lanes.
INLINE void addedLanes(const int high, const int vectors, const int half, Size count, Size terms, Factors a, const float *x,
                       int isFirst, float *y, Size pitch) {
    Size first = 0;
#define ADDED_BLOCKS(rows, vectors, half)                                                                                         for (; first + rows <= count; first += rows)                                                                                      addedBlock(rows, vectors, half, terms, (Factors){a.memory + first * a.rowStride, a.rowStride, a.termStride}, x, isFirst,                    y + first * pitch, pitch);
    ADDED_BLOCKS(high, vectors, half)
    ADDED_BLOCKS(4, vectors, half)
    ADDED_BLOCKS(2, vectors, half)
    ADDED_BLOCKS(1, vectors + half, 0)
#undef ADDED_BLOCKS
}

/// y[row][channel] = the product, or its sum with y; rows are padded.
static void addedProduct(Size count, Size terms, Size channels, Factors a, const float *x, int isFirst, float *y, Size pitch) {
    for (Size c = 0; c < channels; c += 2 * W, x += 2 * W, y += 2 * W) {
        const Size rest = channels - c;
        if (rest > W + W / 2) addedLanes(BLOCK_ROWS(2), 2, 0, count, terms, a, x, isFirst, y, pitch);
        else if (rest > W) addedLanes(8, 1, 1, count, terms, a, x, isFirst, y, pitch);
        else if (rest > W / 2) addedLanes(12, 1, 0, count, terms, a, x, isFirst, y, pitch);
        else addedLanes(16, 0, 1, count, terms, a, x, isFirst, y, pitch);
    }
}

/// max(a, b) as the processor has it: b where one is NaN.
INLINE V larger(V a, V b) { return choose((I)(a > b), a, b); }

/// Scores of a panel: the products of the keys and the queries from `queries` on, plus bias; `highest` becomes those of each query.
INLINE void scoresOf(const int vectors, const Windows *w, const float *k, const float *queries, const float *bias, V *highest,
                     float *scores) {
    UNROLLED for (int v = 0; v < vectors; v++) highest[v] = splat(-__builtin_inff());
    FOR_BLOCKS(w->tokens, vectors, {
        Sums sums;
        UNROLLED for (int r = 0; r < rows; r++)
            UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = load(bias + ((first + r) * vectors + v) * W, W);
        addProducts(rows, vectors, first, w->channels, (Factors){k, w->span, 1}, queries, w->queries, sums);
        UNROLLED for (int r = 0; r < rows; r++)
            UNROLLED for (int v = 0; v < vectors; v++) {
                store(scores + (first + r) * panelPitch + v * W, sums[r][v], W);
                highest[v] = larger(sums[r][v], highest[v]);
            }
    });
}

/// Takes the scores between different parts of the image down, and finds the highest of the rest.
INLINE void separateParts(const int vectors, const Windows *w, const float *keys, const float *queries, V *highest, float *scores) {
    UNROLLED for (int v = 0; v < vectors; v++) {
        const V own = load(queries + v * W, W);
        highest[v] = splat(-__builtin_inff());
        for (Size j = 0; j < w->tokens; j++) {
            float *const at = scores + j * panelPitch + v * W;
            const V score = choose((I)(own == splat(keys[j])), load(at, W), splat(-1e30f));
            store(at, score, W);
            highest[v] = larger(score, highest[v]);
        }
    }
}

/// Scores, in units of log 2, become powers of two that are at most about 1; `sum` their sum over keys.
INLINE void exponentiate(const int vectors, Size keys, const V *highest, V *sum, float *scores) {
    V top[panelVectors];
    UNROLLED for (int v = 0; v < vectors; v++) {
        top[v] = (highest[v] + roundingShifter) - roundingShifter;
        sum[v] = (V){0};
    }
    for (Size j = 0; j < keys; j++)
        UNROLLED for (int v = 0; v < vectors; v++) {
            float *const at = scores + j * panelPitch + v * W;
            const V e = powerOfTwo(load(at, W), top[v]);
            sum[v] += e;
            store(at, e, W);
        }
}
