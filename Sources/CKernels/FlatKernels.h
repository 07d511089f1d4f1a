// Kernels over flat memory.

static void scale(Size count, const float *x, float factor, float *y) { LANES(count, store(y + i, load(x + i, k) * factor, k);); }

static void add_scaled(Size count, const float *x, float factor, int adds, float *y) {
    if (!adds) return scale(count, x, factor, y);
    LANES(count, store(y + i, load(y + i, k) + load(x + i, k) * factor, k););
}

INLINE double total(V a, V b, V c, V d) {
    double sum = 0;
    for (int j = 0; j < W; j++) sum += ((double)a[j] + b[j]) + ((double)c[j] + d[j]);
    return sum;
}

/// Sum of `term` (of lanes p, q = x, t at i, k) in blocks of 64 additions a lane and accumulator, added in double.
#define BLOCKED_SUM(count, term)                                     \
    do {                                                             \
        double sum = 0;                                              \
        Size start = 0;                                              \
        enum { k = W, block = 256 * W };                             \
        for (; start + block <= (count); start += block) {           \
            V a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0};                \
            for (Size j = start; j < start + block; j += 4 * W) {    \
                Size i = j;                                          \
                a0 += term;                                          \
                i += W;                                              \
                a1 += term;                                          \
                i += W;                                              \
                a2 += term;                                          \
                i += W;                                              \
                a3 += term;                                          \
            }                                                        \
            sum += total(a0, a1, a2, a3);                            \
        }                                                            \
        V last = {0};                                                \
        {                                                            \
            Size i = start;                                          \
            for (; i + W <= (count); i += W) last += term;           \
            if (i < (count)) {                                       \
                const Size k = (count) - i;                          \
                last += term;                                        \
            }                                                        \
        }                                                            \
        result = sum + total(last, (V){0}, (V){0}, (V){0});          \
    } while (0)

INLINE V squared(V x) { return x * x; }

static int all_finite(Size count, const float *x) {
    V wrong = {0};
    LANES(count, wrong += load(x + i, k) * 0.0f;);  // infinity and NaN times 0 are NaN
    for (int j = 0; j < W; j++)
        if (wrong[j] != 0) return 0;
    return 1;
}

/// Adam's numbers, and all that it updates.
typedef struct {
    float *parameters, *firstMoments, *secondMoments;
    const float *gradients;
    float keep, second, epsilon, rest1, rest2, stepSize, rootCorrection, gradientScale;
} AdamWork;

static void adamShare(void *context, Size begin, Size end, int share) {
    (void)share;
    const AdamWork o = *(const AdamWork *)context;
    float *const parameters = o.parameters + begin, *const firstMoments = o.firstMoments + begin;
    float *const secondMoments = o.secondMoments + begin;
    const float *const gradients = o.gradients + begin;
    LANES(end - begin, {
        const V g = load(gradients + i, k) * o.gradientScale;
        const V m = load(firstMoments + i, k), first = m + (g - m) * o.rest1;
        const V v = load(secondMoments + i, k) * o.second + g * g * o.rest2;
        const V denominator = __builtin_elementwise_sqrt(v) * o.rootCorrection + o.epsilon;
        store(firstMoments + i, first, k);
        store(secondMoments + i, v, k);
        store(parameters + i, load(parameters + i, k) * o.keep - first * o.stepSize / denominator, k);
    });
}

static void adam(Size count, float *parameters, const float *gradients, float *firstMoments, float *secondMoments,
                 double learningRate, double beta1, double beta2, double epsilon, double weightDecay, Size step,
                 float gradientScale) {
    AdamWork work = {.parameters = parameters, .firstMoments = firstMoments, .secondMoments = secondMoments, .gradients = gradients,
                     .keep = (float)(1 - learningRate * weightDecay), .second = (float)beta2, .epsilon = (float)epsilon,
                     .rest1 = (float)(1 - beta1), .rest2 = (float)(1 - beta2),
                     .stepSize = (float)(learningRate / (1 - power(beta1, step))),
                     .rootCorrection = (float)(1 / squareRoot(1 - power(beta2, step))), .gradientScale = gradientScale};
    halcyon_parallel(count, 4096, adamShare, &work);
}

static double mean_squared_error(Size count, const float *x, const float *target) {
    double result;
    BLOCKED_SUM(count, squared(load(x + i, k) - load(target + i, k)));
    return count ? result / (double)count : 0;
}

static void mean_squared_error_gradient(Size count, const float *x, const float *target, float scaling, float *dx) {
    const float factor = (float)(2.0 / (double)count * scaling);
    LANES(count, store(dx + i, (load(x + i, k) - load(target + i, k)) * factor, k););
}

static double mean_absolute_error(Size count, const float *x, const float *target) {
    double result;
    BLOCKED_SUM(count, absolute(load(x + i, k) - load(target + i, k)));
    return count ? result / (double)count : 0;
}

static void mean_absolute_error_gradient(Size count, const float *x, const float *target, float scaling, float *dx) {
    const V factor = splat((float)(1.0 / (double)count * scaling));
    LANES(count, {
        const V difference = load(x + i, k) - load(target + i, k);
        store(dx + i, (V)(((I)factor & (I)(difference > 0)) | ((I)-factor & (I)(difference < 0))), k);
    });
}
