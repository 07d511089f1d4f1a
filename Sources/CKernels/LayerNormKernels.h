// Layer normalization (Ba, Kiros, Hinton 2016) over the channels of each pixel.

/// The sum of all lanes, by halves.
INLINE float laneSum(V v) {
    const Groups parts = {.vector = v};
    Four sum = parts.group[0];
    for (int g = 1; g < groups; g++) sum += parts.group[g];
    sum += __builtin_shufflevector(sum, sum, 2, 3, 0, 1);
    return sum[0] + sum[1];
}

typedef struct {
    float mean, inverseDeviation;
} PixelStatistics;

INLINE PixelStatistics statisticsOf(const float *x, Size channels, float epsilon) {
    V sum = {0}, squares = {0};
    LANES(channels, sum += load(x + i, k););
    const float mean = laneSum(sum) / (float)channels;
    Size i = 0;
    for (; i + W <= channels; i += W) {
        const V difference = load(x + i, W) - mean;
        squares += difference * difference;
    }
    float variance = laneSum(squares);
    for (; i < channels; i++) variance += (x[i] - mean) * (x[i] - mean);
    return (PixelStatistics){mean, 1 / __builtin_elementwise_sqrt(variance / (float)channels + epsilon)};
}

static void layer_norm(Size pixels, Size channels, const float *x, Size xPitch, const float *gamma, const float *beta,
                       float epsilon, float *y, Size yPitch) {
    for (Size p = 0; p < pixels; p++, x += xPitch, y += yPitch) {
        const PixelStatistics s = statisticsOf(x, channels, epsilon);
        LANES(channels, {
            const V normalized = (load(x + i, k) - s.mean) * s.inverseDeviation;
            store(y + i, normalized * load(gamma + i, k) + load(beta + i, k), k);
        });
    }
}

/// Pixels whose contributions to gamma's and beta's gradients are added in float before they are added in double.
enum { layerNormBlock = 128 };

/// The gradients of `count` pixels, a constant; those of gamma and beta are added.
INLINE void layerNormPixels(const int count, Size channels, const float *x, Size xPitch, const float *dy, Size dyPitch,
                            const float *gamma, float epsilon, float *dx, Size dxPitch, float *gammaGradient, float *betaGradient) {
    PixelStatistics s[4];
    V ofOne[4] = {0}, ofX[4] = {0};
    float meanOfOne[4], meanOfX[4];
    for (int p = 0; p < count; p++) s[p] = statisticsOf(x + p * xPitch, channels, epsilon);
    LANES(channels, {
        V gammaSum = load(gammaGradient + i, k), betaSum = load(betaGradient + i, k);
        for (int p = 0; p < count; p++) {
            const V normalized = (load(x + p * xPitch + i, k) - s[p].mean) * s[p].inverseDeviation;
            const V upstream = load(dy + p * dyPitch + i, k), scaled = upstream * load(gamma + i, k);
            ofOne[p] += scaled;
            ofX[p] += scaled * normalized;
            gammaSum += upstream * normalized;
            betaSum += upstream;
        }
        store(gammaGradient + i, gammaSum, k);
        store(betaGradient + i, betaSum, k);
    });
    for (int p = 0; p < count; p++) {
        meanOfOne[p] = laneSum(ofOne[p]) / (float)channels;
        meanOfX[p] = laneSum(ofX[p]) / (float)channels;
    }
    for (int p = 0; p < count; p++) LANES(channels, {
        const V normalized = (load(x + p * xPitch + i, k) - s[p].mean) * s[p].inverseDeviation;
        const V scaled = load(dy + p * dyPitch + i, k) * load(gamma + i, k);
        store(dx + p * dxPitch + i, (scaled - meanOfOne[p] - normalized * meanOfX[p]) * s[p].inverseDeviation, k);
    });
}

static void layer_norm_backward(Size pixels, Size channels, const float *x, Size xPitch, const float *dy, Size dyPitch,
                                const float *gamma, float epsilon, float *dx, Size dxPitch, float *gammaGradient,
                                float *betaGradient, double *scratch) {
    double *const gammaSum = scratch, *const betaSum = scratch + channels;
    for (Size c = 0; c < 2 * channels; c++) scratch[c] = 0;
    for (Size start = 0; start < pixels; start += layerNormBlock) {
        const Size end = minimum(pixels, start + layerNormBlock);
        LANES(channels, {
            store(gammaGradient + i, (V){0}, k);
            store(betaGradient + i, (V){0}, k);
        });
        Size p = start;
        for (; p + 4 <= end; p += 4)
            layerNormPixels(4, channels, x + p * xPitch, xPitch, dy + p * dyPitch, dyPitch, gamma, epsilon, dx + p * dxPitch,
                            dxPitch, gammaGradient, betaGradient);
        for (; p < end; p++)
            layerNormPixels(1, channels, x + p * xPitch, xPitch, dy + p * dyPitch, dyPitch, gamma, epsilon, dx + p * dxPitch,
                            dxPitch, gammaGradient, betaGradient);
        for (Size c = 0; c < channels; c++) {
            gammaSum[c] += gammaGradient[c];
            betaSum[c] += betaGradient[c];
        }
    }
    for (Size c = 0; c < channels; c++) {
        gammaGradient[c] = (float)gammaSum[c];
        betaGradient[c] = (float)betaSum[c];
    }
}
