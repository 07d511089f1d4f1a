// Vectors of VECTOR_FLOATS floats with clang's vector extensions, and loops over lanes with a partial last vector.

enum { W = VECTOR_FLOATS };
typedef float V __attribute__((vector_size(VECTOR_FLOATS * 4)));
typedef int I __attribute__((vector_size(VECTOR_FLOATS * 4)));
typedef float UnalignedV __attribute__((vector_size(VECTOR_FLOATS * 4), aligned(4), may_alias));
typedef ptrdiff_t Size;

#define INLINE static inline __attribute__((always_inline))

/// The first k floats of p, the rest 0.
INLINE V load(const float *p, Size k) {
    if (k >= W) return *(const UnalignedV *)p;
#ifdef KERNEL_MASKED
    return (V)_mm512_maskz_loadu_ps((__mmask16)((1u << k) - 1), p);
#else
    V v = {0};
    for (Size j = 0; j < k; j++) v[j] = p[j];
    return v;
#endif
}

INLINE void store(float *p, V v, Size k) {
    if (k >= W) {
        *(UnalignedV *)p = v;
        return;
    }
#ifdef KERNEL_MASKED
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << k) - 1), (__m512)v);
#else
    for (Size j = 0; j < k; j++) p[j] = v[j];
#endif
}

INLINE V splat(float x) { return (V){0} + x; }
/// mask ? a : b, lane by lane.
INLINE V choose(I mask, V a, V b) { return (V)((mask & (I)a) | (~mask & (I)b)); }
/// x where y is positive or NaN, else 0.
INLINE V whereActive(V y, V x) { return (V)((I)x & ~(I)(y <= 0)); }
INLINE V absolute(V x) { return (V)((I)x & 0x7fffffff); }
INLINE Size minimum(Size a, Size b) { return a < b ? a : b; }

// The compiler's square root and own integer powers: no mathematics library to link.
INLINE double squareRoot(double x) { return __builtin_elementwise_sqrt(x); }

INLINE double power(double base, Size exponent) {
    double result = 1;
    for (; exponent > 0; exponent /= 2, base *= base)
        if (exponent % 2) result *= base;
    return result;
}

/// Runs the statements for lanes i ..< i + k of n: full vectors (k = W, a constant), then one partial vector.
#define LANES(n, ...)                               \
    do {                                            \
        const Size lanes = (n);                     \
        Size i = 0;                                 \
        for (; i + W <= lanes; i += W) {            \
            enum { k = W };                         \
            __VA_ARGS__                             \
        }                                           \
        if (i < lanes) {                            \
            const Size k = lanes - i;               \
            __VA_ARGS__                             \
        }                                           \
    } while (0)

/// Longest row that parameters are repeated to, and most channels that a reduction takes at once.
enum { longestRow = 1024 };

/// How a tensor of few channels is seen as rows that fill vectors: `repeat` pixels a row, then `rest` pixels.
typedef struct {
    Size rows, length, repeat, rest;
} Rows;

/// `dense`: all tensors have pitch = channels.
INLINE Rows rowsOf(Size pixels, Size channels, int dense) {
    Size repeat = 1;
    if (dense && channels < 64)
        while (channels * repeat < 64 || channels * repeat % W) repeat++;
    return (Rows){pixels / repeat, channels * repeat, repeat, pixels % repeat};
}

/// `values` repeated to a row: itself, or `buffer` filled.
INLINE const float *repeated(const float *values, Size channels, Size repeat, float *buffer) {
    if (repeat == 1) return values;
    for (Size r = 0; r < repeat; r++)
        for (Size c = 0; c < channels; c++) buffer[r * channels + c] = values[c];
    return buffer;
}
