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

/// Asks for the cache lines of `rows` rows of `floats` floats, to be read soon. Where a kernel reads many rows side by side, the
/// processor's own prefetching does not follow. Any address will do, of memory that ends or was never there.
INLINE void fetchRows(const float *p, Size rows, Size pitch, Size floats) {
    if (pitch == floats) floats *= rows, rows = 1;
    for (; rows > 0; rows--, p += pitch)
        for (Size i = 0; i < floats; i += 16) __builtin_prefetch(p + i, 0, 3);
}
/// The same, to be written.
INLINE void fetchRowsToWrite(const float *p, Size rows, Size pitch, Size floats) {
    if (pitch == floats) floats *= rows, rows = 1;
    for (; rows > 0; rows--, p += pitch)
        for (Size i = 0; i < floats; i += 16) __builtin_prefetch(p + i, 1, 3);
}

/// Every lane x. x - 0 is x for every x, so that the compiler leaves a broadcast; 0 + -0 is 0.
INLINE V splat(float x) { return x - (V){0}; }
/// mask ? a : b, lane by lane.
INLINE V choose(I mask, V a, V b) { return (V)((mask & (I)a) | (~mask & (I)b)); }
/// x where y is positive or NaN, else 0.
INLINE V whereActive(V y, V x) { return (V)((I)x & ~(I)(y <= 0)); }
INLINE V absolute(V x) { return (V)((I)x & 0x7fffffff); }
INLINE Size minimum(Size a, Size b) { return a < b ? a : b; }
/// Channels in whole groups of 16.
INLINE Size paddedChannels(Size channels) { return (channels + 15) / 16 * 16; }

// The compiler's square root and own integer powers: no mathematics library to link.
INLINE double squareRoot(double x) { return __builtin_elementwise_sqrt(x); }

/// e^x to about 2 units in the last place; 0 below -87, infinity above 88.3. Cody and Waite's reduction with Cephes' polynomial.
INLINE V exponential(V x) {
    const V limit = splat(88.3f), low = splat(-87.3f);
    const I under = (I)(x < low), over = (I)(x > limit);
    x = choose(under, low, choose(over, limit, x));
    const V shifter = splat(12582912.0f); // 1.5 * 2^23: rounds to the nearest integer
    const V n = (x * splat(1.44269504088896341f) + shifter) - shifter;
    V r = x - n * splat(0.693359375f);
    r = r - n * splat(-2.12194440e-4f);
    V p = splat(1.9875691500e-4f);
    p = p * r + splat(1.3981999507e-3f);
    p = p * r + splat(8.3334519073e-3f);
    p = p * r + splat(4.1665795894e-2f);
    p = p * r + splat(1.6666665459e-1f);
    p = p * r + splat(5.0000001201e-1f);
    p = p * (r * r) + r + splat(1);
    const I exponent = (__builtin_convertvector(n, I) + 127) << 23;
    const V result = p * (V)exponent;
    return choose(under, splat(0), choose(over, splat(__builtin_inff()), result));
}

/// 1.5 * 2^23: added to a number, it rounds it to the nearest integer, which then lies in the lowest bits.
static const float roundingShifter = 12582912;

/// 2^(x - top) for an integer `top` with x - top below 127, to about 2 units in the last place; 0 from -127 down. The polynomial is
/// the minimax one of degree 5 with p(0) = 1.
INLINE V powerOfTwo(V x, V top) {
    const V low = top - splat(127), shifter = splat(roundingShifter) - top;
    x = choose((I)(low > x), low, x);
    const V shifted = x + shifter, r = x - (shifted - shifter);
    V p = splat(1.326472731e-3f);
    p = p * r + splat(9.671512991e-3f);
    p = p * r + splat(5.550733581e-2f);
    p = p * r + splat(2.402224243e-1f);
    p = p * r + splat(6.931470037e-1f);
    p = p * r + splat(1);
    return (V)((I)p + ((I)shifted << 23));
}

INLINE double power(double base, Size exponent) {
    double result = 1;
    for (; exponent > 0; exponent /= 2, base *= base)
        if (exponent % 2) result *= base;
    return result;
}

/// Ahead of a loop of constant length, so that what it indexes can stay in registers.
#define UNROLLED _Pragma("clang loop unroll(full)")

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
