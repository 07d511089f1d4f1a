// Between maps, channels-last, and the matrices of one window and head: rows of tokens [token][channel] with the pitch `span`, and
// transposed ones [channel][token] with the pitch `queries`, both multiples of 16 in every version.

enum { packing = HALCYON_ATTENTION_PACKING };
INLINE Size padded(Size count) { return (count + packing - 1) / packing * packing; }

/// How windows lie on a map, and the sizes of their matrices.
typedef struct {
    Size height, width, window, shift, heads, channels, tokens, queries, span;
} Windows;

INLINE Windows windowsOf(Size height, Size width, Size heads, Size channels, Size window, Size shift) {
    const Size tokens = window * window;
    return (Windows){height, width, window, shift, heads, channels, tokens, padded(tokens), padded(channels)};
}

/// The pixels of a window's places, the last repeated up to whole vectors, and which part of the image each came from; whether
/// they are several, as the image's end runs through the window.
typedef struct {
    int isSplit;
    Size pixels[HALCYON_ATTENTION_LARGEST_WINDOW * HALCYON_ATTENTION_LARGEST_WINDOW];
    float parts[HALCYON_ATTENTION_LARGEST_WINDOW * HALCYON_ATTENTION_LARGEST_WINDOW];
} Places;

/// Fills the places of window number `index`.
static void placesOf(const Windows *w, Size index, Places *places) {
    const Size columns = w->width / w->window, inImage = w->height / w->window * columns, image = index / inImage;
    const Size row = index % inImage / columns * w->window, column = index % columns * w->window;
    Size n = 0;
    places->isSplit = 0;
    for (Size y = 0; y < w->window; y++)
        for (Size x = 0; x < w->window; x++, n++) {
            const Size h = row + y + w->shift, v = column + x + w->shift;
            places->pixels[n] = (image * w->height + h % w->height) * w->width + v % w->width;
            places->parts[n] = (float)((h >= w->height) + 2 * (v >= w->width));
            places->isSplit |= h >= w->height || v >= w->width;
        }
    for (; n < w->queries; n++) places->pixels[n] = places->pixels[n - 1], places->parts[n] = places->parts[n - 1];
}

/// Asks for one head's part of a window's pixels, a cache line at a time, to come to the level 2 cache.
INLINE void prefetch(const Windows *w, const Places *places, Size head, const float *x, Size pitch, Size channels) {
    for (Size n = w->tokens * head / w->heads; n < w->tokens * (head + 1) / w->heads; n++)
        for (Size c = 0; c < channels; c += 16) __builtin_prefetch(x + places->pixels[n] * pitch + c, 0, 2);
}

/// Four channels: what is moved at once.
typedef float Four __attribute__((vector_size(16)));
typedef float UnalignedFour __attribute__((vector_size(16), aligned(4), may_alias));

/// A vector as groups of four lanes.
enum { groups = W / 4 };
typedef union {
    V vector;
    Four group[groups];
} Groups;

// Shuffles inside each group of four lanes; lanes of b count from W.
#define GROUP(g, i, j, k, l) (i) + 4 * g, (j) + 4 * g, (k) + 4 * g, (l) + 4 * g
#if VECTOR_FLOATS == 4
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, GROUP(0, __VA_ARGS__))
#elif VECTOR_FLOATS == 8
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, GROUP(0, __VA_ARGS__), GROUP(1, __VA_ARGS__))
#else
#define SHUFFLE(a, b, ...)                                                                                           \
    __builtin_shufflevector(a, b, GROUP(0, __VA_ARGS__), GROUP(1, __VA_ARGS__), GROUP(2, __VA_ARGS__), GROUP(3, __VA_ARGS__))
#endif

/// In each group, row r lane c becomes row c lane r.
INLINE void transposeGroups(V rows[4]) {
    const V lowA = SHUFFLE(rows[0], rows[1], 0, W, 1, W + 1), highA = SHUFFLE(rows[0], rows[1], 2, W + 2, 3, W + 3);
    const V lowB = SHUFFLE(rows[2], rows[3], 0, W, 1, W + 1), highB = SHUFFLE(rows[2], rows[3], 2, W + 2, 3, W + 3);
    rows[0] = SHUFFLE(lowA, lowB, 0, 1, W, W + 1), rows[1] = SHUFFLE(lowA, lowB, 2, 3, W + 2, W + 3);
    rows[2] = SHUFFLE(highA, highB, 0, 1, W, W + 1), rows[3] = SHUFFLE(highA, highB, 2, 3, W + 2, W + 3);
}
#undef SHUFFLE
#undef GROUP

/// to[token][c] = factor * x[pixel of token][c]
INLINE void gather(const Windows *w, const Size *pixels, const float *x, Size pitch, float factor, float *to) {
    for (Size n = 0; n < w->tokens; n++, to += w->span) {
        const float *const from = x + pixels[n] * pitch;
        Size c = 0;
        for (; c + 4 <= w->channels; c += 4) *(Four *)(to + c) = *(const UnalignedFour *)(from + c) * factor;
        for (; c < w->channels; c++) to[c] = from[c] * factor;
    }
}

/// y[pixel of token][c] = from[token][c]
INLINE void scatter(const Windows *w, const Size *pixels, const float *from, float *y, Size pitch) {
    for (Size n = 0; n < w->tokens; n++, from += w->span) {
        float *const to = y + pixels[n] * pitch;
        Size c = 0;
        for (; c + 4 <= w->channels; c += 4) *(UnalignedFour *)(to + c) = *(const Four *)(from + c);
        for (; c < w->channels; c++) to[c] = from[c];
    }
}

/// to[c][token] = factor * x[pixel of token][c], also for the repeated places behind the last token.
INLINE void gatherTransposed(const Windows *w, const Size *pixels, const float *x, Size pitch, float factor, float *to) {
    for (Size n = 0; n < w->tokens; n += W) {
        Size c = 0;
        for (; c + 4 <= w->channels; c += 4) {
            V rows[4];
            for (int r = 0; r < 4; r++) {
                Groups row;
                for (int g = 0; g < groups; g++) row.group[g] = *(const UnalignedFour *)(x + pixels[n + 4 * g + r] * pitch + c);
                rows[r] = row.vector * factor;
            }
            transposeGroups(rows);
            for (int r = 0; r < 4; r++) store(to + (c + r) * w->queries + n, rows[r], W);
        }
        for (; c < w->channels; c++)
            for (int j = 0; j < W; j++) to[c * w->queries + n + j] = x[pixels[n + j] * pitch + c] * factor;
    }
}

/// y[pixel of token][c] = from[c][token]
INLINE void scatterTransposed(const Windows *w, const Size *pixels, const float *from, float *y, Size pitch) {
    for (Size n = 0; n < w->tokens; n += W) {
        const Size count = minimum(W, w->tokens - n);
        Size c = 0;
        for (; c + 4 <= w->channels; c += 4) {
            V rows[4];
            for (int r = 0; r < 4; r++) rows[r] = load(from + (c + r) * w->queries + n, W);
            transposeGroups(rows);
            for (int r = 0; r < 4; r++) {
                const Groups row = {.vector = rows[r]};
                for (int g = 0; g < groups; g++)
                    if (4 * g + r < count) *(UnalignedFour *)(y + pixels[n + 4 * g + r] * pitch + c) = row.group[g];
            }
        }
        for (; c < w->channels; c++)
            for (Size j = 0; j < count; j++) y[pixels[n + j] * pitch + c] = from[c * w->queries + n + j];
    }
}
