// Kernels over pixels and channels with pitches.

/// Runs a statement for `rows` rows of `length` floats: the pixels, or all of memory as one row when every tensor is dense.
#define ELEMENTWISE(dense, ...)                                                \
    do {                                                                       \
        const Size rows = (dense) ? 1 : pixels;                                \
        const Size length = (dense) ? pixels * channels : channels;            \
        for (Size r = 0; r < rows; r++) LANES(length, __VA_ARGS__);            \
    } while (0)

/// Pixels worth a thread: a few thousand numbers.
INLINE Size pixelGrain(Size channels) { return 1 + 4096 / (channels + 1); }

/// One or two maps to another.
typedef struct {
    Size channels, aPitch, bPitch, yPitch;
    const float *a, *b;
    float *y;
} PixelWork;

static void copyShare(void *context, Size first, Size end, int share) {
    (void)share;
    const PixelWork *const w = context;
    const Size pixels = end - first, channels = w->channels;
    const float *const a = w->a + first * w->aPitch;
    float *const y = w->y + first * w->yPitch;
    if (w->aPitch == channels && w->yPitch == channels) memmove(y, a, (size_t)(pixels * channels) * sizeof *y);
    else ELEMENTWISE(0, store(y + r * w->yPitch + i, load(a + r * w->aPitch + i, k), k););
}

static void copy(Size pixels, Size channels, const float *x, Size xPitch, float *y, Size yPitch) {
    PixelWork work = {.channels = channels, .a = x, .aPitch = xPitch, .y = y, .yPitch = yPitch};
    halcyon_parallel(pixels, pixelGrain(channels), copyShare, &work);
}

static void accumulate(Size pixels, Size channels, const float *x, Size xPitch, float *y, Size yPitch) {
    ELEMENTWISE(xPitch == channels && yPitch == channels, {
        float *to = y + r * yPitch + i;
        store(to, load(to, k) + load(x + r * xPitch + i, k), k);
    });
}

#define BINARY(name, operator)                                                                                              \
    static void name##Share(void *context, Size first, Size end, int share) {                                               \
        (void)share;                                                                                                        \
        const PixelWork *const w = context;                                                                                 \
        const Size pixels = end - first, channels = w->channels, aPitch = w->aPitch, bPitch = w->bPitch, yPitch = w->yPitch; \
        const float *const a = w->a + first * aPitch, *const b = w->b + first * bPitch;                                     \
        float *const y = w->y + first * yPitch;                                                                             \
        ELEMENTWISE(aPitch == channels && bPitch == channels && yPitch == channels,                                         \
                    store(y + r * yPitch + i, load(a + r * aPitch + i, k) operator load(b + r * bPitch + i, k), k););       \
    }                                                                                                                       \
    static void name(Size pixels, Size channels, const float *a, Size aPitch, const float *b, Size bPitch, float *y,         \
                     Size yPitch) {                                                                                         \
        PixelWork work = {channels, aPitch, bPitch, yPitch, a, b, y};                                                       \
        halcyon_parallel(pixels, pixelGrain(channels), name##Share, &work);                                                 \
    }
BINARY(add, +)
BINARY(subtract, -)
BINARY(multiply, *)
#undef BINARY

static void leaky_relu(Size pixels, Size channels, const float *x, Size xPitch, float slope, float *y, Size yPitch) {
    const int dense = xPitch == channels && yPitch == channels;
    if (slope == 0) {
        ELEMENTWISE(dense, {
            const V value = load(x + r * xPitch + i, k);
            store(y + r * yPitch + i, whereActive(value, value), k);
        });
    } else {
        ELEMENTWISE(dense, {
            const V value = load(x + r * xPitch + i, k);
            store(y + r * yPitch + i, choose((I)(value <= 0), value * slope, value), k);
        });
    }
}

static void leaky_relu_backward(Size pixels, Size channels, const float *y, Size yPitch, const float *dy, Size dyPitch,
                                float slope, float *dx, Size dxPitch) {
    const int dense = yPitch == channels && dyPitch == channels && dxPitch == channels;
    if (slope == 0) {
        ELEMENTWISE(dense, store(dx + r * dxPitch + i, whereActive(load(y + r * yPitch + i, k), load(dy + r * dyPitch + i, k)), k););
    } else {
        ELEMENTWISE(dense, {
            const V gradient = load(dy + r * dyPitch + i, k);
            store(dx + r * dxPitch + i, choose((I)(load(y + r * yPitch + i, k) <= 0), gradient * slope, gradient), k);
        });
    }
}

static void affineRows(Size rows, Size length, const float *x, Size xPitch, const float *center, const float *factor,
                       const float *shift, int relu, float *y, Size yPitch) {
    if (relu) {
        for (Size r = 0; r < rows; r++) LANES(length, {
            const V value = (load(x + r * xPitch + i, k) - load(center + i, k)) * load(factor + i, k) + load(shift + i, k);
            store(y + r * yPitch + i, whereActive(value, value), k);
        });
    } else {
        for (Size r = 0; r < rows; r++) LANES(length, {
            const V value = (load(x + r * xPitch + i, k) - load(center + i, k)) * load(factor + i, k) + load(shift + i, k);
            store(y + r * yPitch + i, value, k);
        });
    }
}

/// y = act((x - center) * factor + shift), at most `longestRow` channels.
static void centeredAffine(Size pixels, Size channels, const float *x, Size xPitch, const float *center, const float *factor,
                           const float *shift, int relu, float *y, Size yPitch) {
    float buffers[3][longestRow];
    const Rows v = rowsOf(pixels, channels, xPitch == channels && yPitch == channels);
    center = repeated(center, channels, v.repeat, buffers[0]);
    factor = repeated(factor, channels, v.repeat, buffers[1]);
    shift = repeated(shift, channels, v.repeat, buffers[2]);
    affineRows(v.rows, v.length, x, xPitch * v.repeat, center, factor, shift, relu, y, yPitch * v.repeat);
    const Size done = v.rows * v.repeat;
    if (v.rest) affineRows(1, v.rest * channels, x + done * xPitch, 0, center, factor, shift, relu, y + done * yPitch, 0);
}

enum { blockRows = 256 };

/// Adds `count` vectors to doubles.
INLINE void flush(const V *sums, int count, Size k, double *totals) {
    for (int v = 0; v < count; v++)
        for (Size j = 0; j < k; j++) totals[v * W + j] += (double)sums[v][j];
}

/// Runs a statement over blocks of rows `start` ... (`block` of them, which stay in the cache) and groups of `count` vectors of
/// `k` lanes from column i.
#define ROW_BLOCKS(rows, length, ...)                                                         \
    for (Size start = 0; start < (rows); start += blockRows) {                                \
        const Size block = minimum((rows) - start, blockRows);                                \
        Size i = 0;                                                                           \
        for (; i + 4 * W <= (length); i += 4 * W) {                                           \
            enum { count = 4, k = W };                                                        \
            __VA_ARGS__                                                                       \
        }                                                                                     \
        for (; i + W <= (length); i += W) {                                                   \
            enum { count = 1, k = W };                                                        \
            __VA_ARGS__                                                                       \
        }                                                                                     \
        if (i < (length)) {                                                                   \
            enum { count = 1 };                                                               \
            const Size k = (length) - i;                                                      \
            __VA_ARGS__                                                                       \
        }                                                                                     \
    }

/// Totals of a row of repeated pixels to totals of channels.
INLINE void foldRepeats(double *totals, Size channels, Size repeat) {
    for (Size r = 1; r < repeat; r++)
        for (Size c = 0; c < channels; c++) totals[c] += totals[r * channels + c];
}

