// Layer normalization (Ba, Kiros, Hinton 2016) over the channels of each pixel.

/// The sum of all lanes, by halves.
INLINE float laneSum(V v) {
    float lanes[W];
    store(lanes, v, W);
    for (int half = W / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) lanes[j] += lanes[j + half];
    return lanes[0];
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
        for (Size p = start; p < end; p++) {
            const float *const from = x + p * xPitch, *const up = dy + p * dyPitch;
            float *const to = dx + p * dxPitch;
            const PixelStatistics s = statisticsOf(from, channels, epsilon);
            V ofOne = {0}, ofX = {0};
            LANES(channels, {
                const V normalized = (load(from + i, k) - s.mean) * s.inverseDeviation;
                const V upstream = load(up + i, k), scaled = upstream * load(gamma + i, k);
                ofOne += scaled;
                ofX += scaled * normalized;
                store(gammaGradient + i, load(gammaGradient + i, k) + upstream * normalized, k);
                store(betaGradient + i, load(betaGradient + i, k) + upstream, k);
            });
            const float meanOfOne = laneSum(ofOne) / (float)channels, meanOfX = laneSum(ofX) / (float)channels;
            LANES(channels, {
                const V normalized = (load(from + i, k) - s.mean) * s.inverseDeviation;
                const V scaled = load(up + i, k) * load(gamma + i, k);
                store(to + i, (scaled - meanOfOne - normalized * meanOfX) * s.inverseDeviation, k);
            });
        }
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
