// Batch normalization (Ioffe and Szegedy 2015) over [pixels, channels], at most `longestRow` channels at a time.

/// Sums of (x - pivot) and of its square; the pivot lies inside the data, so that the variance does not cancel.
INLINE void momentGroup(int count, Size k, Size rows, const float *x, Size pitch, const float *pivots, double *first,
                        double *second) {
    V pivot[4];
    for (int v = 0; v < count; v++) pivot[v] = load(pivots + v * W, k);
    V sums[4] = {0}, squares[4] = {0};
    for (Size r = 0; r < rows; r++)
        for (int v = 0; v < count; v++) {
            const V difference = load(x + r * pitch + v * W, k) - pivot[v];
            sums[v] += difference;
            squares[v] += difference * difference;
        }
    flush(sums, count, k, first);
    flush(squares, count, k, second);
}

static void momentRows(Size rows, Size length, const float *x, Size pitch, const float *pivots, double *first, double *second) {
    ROW_BLOCKS(rows, length, momentGroup(count, k, block, x + start * pitch + i, pitch, pivots + i, first + i, second + i);)
}

/// Totals of each share's rows, `[shares][2][length]` doubles, of which the first share's become those of all.
typedef struct {
    const float *x, *pivots;
    Size pitch, length;
    double *totals;
} MomentWork;

static void momentShare(void *context, Size first, Size end, int share) {
    const MomentWork *const w = context;
    double *const totals = w->totals + share * 2 * w->length;
    momentRows(end - first, w->length, w->x + first * w->pitch, w->pitch, w->pivots, totals, totals + w->length);
}

/// Zeroes the totals of `shares` shares.
INLINE void clearTotals(double *totals, int shares, Size length) {
    for (Size i = 0; i < shares * 2 * length; i++) totals[i] = 0;
}

INLINE void addShares(double *totals, int shares, Size length) {
    for (int share = 1; share < shares; share++)
        for (Size i = 0; i < 2 * length; i++) totals[i] += totals[share * 2 * length + i];
}

static void statisticsOfSlab(Size pixels, Size channels, const float *x, Size xPitch, float epsilon, float momentumFactor,
                             float *mean, float *inverseDeviation, float *runningMean, float *runningVariance, double *totals) {
    enum { samples = 16 };
    float pivots[longestRow], buffer[longestRow];
    for (Size c = 0; c < channels; c++) pivots[c] = 0;
    for (Size s = 0; s < samples; s++)
        for (Size c = 0; c < channels; c++) pivots[c] += x[pixels * s / samples * xPitch + c] * (1.0f / samples);
    const Rows v = rowsOf(pixels, channels, xPitch == channels);
    const float *row = repeated(pivots, channels, v.repeat, buffer);
    const int shares = halcyon_shares(v.rows, blockRows);
    double *const first = totals, *const second = totals + v.length;
    clearTotals(totals, shares, v.length);
    MomentWork work = {x, row, xPitch * v.repeat, v.length, totals};
    halcyon_parallel(v.rows, blockRows, momentShare, &work);
    addShares(totals, shares, v.length);
    if (v.rest) momentRows(1, v.rest * channels, x + v.rows * v.repeat * xPitch, 0, row, first, second);
    foldRepeats(first, channels, v.repeat);
    foldRepeats(second, channels, v.repeat);
    const double count = (double)pixels;
    for (Size c = 0; c < channels; c++) {
        const double offset = first[c] / count, mu = pivots[c] + offset;
        double variance = second[c] / count - offset * offset;
        if (variance < 0) variance = 0;
        mean[c] = (float)mu;
        inverseDeviation[c] = (float)(1 / squareRoot(variance + epsilon));
        if (runningMean) runningMean[c] += ((float)mu - runningMean[c]) * momentumFactor;
        if (runningVariance) {
            const double unbiased = pixels > 1 ? variance * count / (count - 1) : variance;
            runningVariance[c] += ((float)unbiased - runningVariance[c]) * momentumFactor;
        }
    }
}

static void batch_norm_statistics(Size pixels, Size channels, const float *x, Size xPitch, float epsilon, float momentumFactor,
                                  float *mean, float *inverseDeviation, float *runningMean, float *runningVariance, double *scratch) {
    if (!pixels) return;
    for (Size c = 0; c < channels; c += longestRow)
        statisticsOfSlab(pixels, minimum(channels - c, longestRow), x + c, xPitch, epsilon, momentumFactor, mean + c,
                         inverseDeviation + c, runningMean ? runningMean + c : NULL,
                         runningVariance ? runningVariance + c : NULL, scratch);
}

/// `centeredAffine` over a share of the pixels.
typedef struct {
    const float *x, *center, *factor, *shift;
    float *y;
    Size channels, xPitch, yPitch;
    int relu;
} AffineWork;

static void affineShare(void *context, Size first, Size end, int share) {
    (void)share;
    const AffineWork *const w = context;
    centeredAffine(end - first, w->channels, w->x + first * w->xPitch, w->xPitch, w->center, w->factor, w->shift, w->relu,
                   w->y + first * w->yPitch, w->yPitch);
}

/// Pixels whose rows of repeated channels are whole for any number of channels.
enum { affineGrain = 1024 };

static void sharedAffine(Size pixels, Size channels, const float *x, Size xPitch, const float *center, const float *factor,
                         const float *shift, int relu, float *y, Size yPitch) {
    AffineWork work = {x, center, factor, shift, y, channels, xPitch, yPitch, relu};
    halcyon_parallel(pixels, affineGrain, affineShare, &work);
}

static void batch_norm_apply(Size pixels, Size channels, const float *x, Size xPitch, const float *gamma, const float *beta,
                             const float *mean, const float *inverseDeviation, int relu, float *y, Size yPitch) {
    for (Size first = 0; first < channels; first += longestRow) {
        const Size n = minimum(channels - first, longestRow);
        float factor[longestRow];
        for (Size c = 0; c < n; c++) factor[c] = gamma[first + c] * inverseDeviation[first + c];
        sharedAffine(pixels, n, x + first, xPitch, mean + first, factor, beta + first, relu, y + first, yPitch);
    }
}

static void batch_norm_inference(Size pixels, Size channels, const float *x, Size xPitch, const float *gamma, const float *beta,
                                 const float *runningMean, const float *runningVariance, float epsilon, int relu, float *y,
                                 Size yPitch) {
    for (Size first = 0; first < channels; first += longestRow) {
        const Size n = minimum(channels - first, longestRow);
        float factor[longestRow];
        for (Size c = 0; c < n; c++)
            factor[c] = gamma[first + c] * (float)(1 / squareRoot((double)runningVariance[first + c] + epsilon));
        sharedAffine(pixels, n, x + first, xPitch, runningMean + first, factor, beta + first, relu, y + first, yPitch);
    }
}

/// Row views of one backward pass: parameters are a row long.
typedef struct {
    const float *x, *dy;
    float *dx;
    Size xPitch, dyPitch, dxPitch;
    const float *mean, *factor, *beta;       // factor = gamma * inverse deviation, as in the forward pass
    const float *slope, *offset;             // dx = dy * factor + ((x - mean) * slope + offset)
} Backward;

/// dy of row r at column i, masked where the ReLU of the forward pass, recomputed from x - mean, was closed.
INLINE V maskedGradient(const Backward *b, int mask, Size r, Size i, Size k, V centered, V factor, V beta) {
    const V gradient = load(b->dy + r * b->dyPitch + i, k);
    return mask ? whereActive(centered * factor + beta, gradient) : gradient;
}

/// Sums of the masked dy and of its product with x - mean.
INLINE void gradientGroup(const Backward *b, int mask, int count, Size k, Size start, Size rows, Size i, double *ofOne,
                          double *ofX) {
    V mean[4], factor[4] = {0}, beta[4] = {0};
    for (int v = 0; v < count; v++) {
        mean[v] = load(b->mean + i + v * W, k);
        if (mask) {
            factor[v] = load(b->factor + i + v * W, k);
            beta[v] = load(b->beta + i + v * W, k);
        }
    }
    V ones[4] = {0}, products[4] = {0};
    for (Size r = start; r < start + rows; r++)
        for (int v = 0; v < count; v++) {
            const V centered = load(b->x + r * b->xPitch + i + v * W, k) - mean[v];
            const V gradient = maskedGradient(b, mask, r, i + v * W, k, centered, factor[v], beta[v]);
            ones[v] += gradient;
            products[v] += gradient * centered;
        }
    flush(ones, count, k, ofOne + i);
    flush(products, count, k, ofX + i);
}

INLINE void gradientRows(const Backward *b, int mask, Size rows, Size length, double *ofOne, double *ofX) {
    ROW_BLOCKS(rows, length, gradientGroup(b, mask, count, k, start, block, i, ofOne, ofX);)
}

INLINE void inputGradientRows(const Backward *b, int mask, Size rows, Size length) {
    for (Size r = 0; r < rows; r++) LANES(length, {
        const V centered = load(b->x + r * b->xPitch + i, k) - load(b->mean + i, k), factor = load(b->factor + i, k);
        const V beta = mask ? load(b->beta + i, k) : factor;
        const V gradient = maskedGradient(b, mask, r, i, k, centered, factor, beta);
        store(b->dx + r * b->dxPitch + i, gradient * factor + (centered * load(b->slope + i, k) + load(b->offset + i, k)), k);
    });
}

static void gradientSums(const Backward *b, int mask, Size rows, Size length, double *ofOne, double *ofX) {
    if (mask) gradientRows(b, 1, rows, length, ofOne, ofX);
    else gradientRows(b, 0, rows, length, ofOne, ofX);
}

static void inputGradients(const Backward *b, int mask, Size rows, Size length) {
    if (mask) inputGradientRows(b, 1, rows, length);
    else inputGradientRows(b, 0, rows, length);
}

typedef struct {
    Backward b;
    int mask;
    Size length;
    double *totals;
} BackwardWork;

/// The rows first ... of a pass.
INLINE Backward rowsFrom(Backward b, Size first) {
    b.x += first * b.xPitch, b.dy += first * b.dyPitch, b.dx += first * b.dxPitch;
    return b;
}

static void gradientSumsShare(void *context, Size first, Size end, int share) {
    const BackwardWork *const w = context;
    const Backward b = rowsFrom(w->b, first);
    double *const totals = w->totals + share * 2 * w->length;
    gradientSums(&b, w->mask, end - first, w->length, totals, totals + w->length);
}

static void inputGradientsShare(void *context, Size first, Size end, int share) {
    (void)share;
    const BackwardWork *const w = context;
    const Backward b = rowsFrom(w->b, first);
    inputGradients(&b, w->mask, end - first, w->length);
}

static void backwardOfSlab(Size pixels, Size channels, Backward b, const float *gamma, const float *inverseDeviation, int mask,
                           float *gammaGradient, float *betaGradient, double *totals) {
    float factor[longestRow], slope[longestRow], offset[longestRow], buffers[5][longestRow];
    for (Size c = 0; c < channels; c++) factor[c] = gamma[c] * inverseDeviation[c];
    const int dense = b.xPitch == channels && b.dyPitch == channels && b.dxPitch == channels;
    const Rows v = rowsOf(pixels, channels, dense);
    const Size done = v.rows * v.repeat, length = v.rest * channels;
    b.mean = repeated(b.mean, channels, v.repeat, buffers[0]);
    b.factor = repeated(factor, channels, v.repeat, buffers[1]);
    if (mask) b.beta = repeated(b.beta, channels, v.repeat, buffers[2]);
    Backward rest = b;
    rest.x += done * b.xPitch, rest.dy += done * b.dyPitch, rest.dx += done * b.dxPitch;
    b.xPitch *= v.repeat, b.dyPitch *= v.repeat, b.dxPitch *= v.repeat;

    const int shares = halcyon_shares(v.rows, blockRows);
    double *const ofOne = totals, *const ofX = totals + v.length;
    clearTotals(totals, shares, v.length);
    BackwardWork work = {b, mask, v.length, totals};
    halcyon_parallel(v.rows, blockRows, gradientSumsShare, &work);
    addShares(totals, shares, v.length);
    if (v.rest) gradientSums(&rest, mask, 1, length, ofOne, ofX);
    foldRepeats(ofOne, channels, v.repeat);
    foldRepeats(ofX, channels, v.repeat);
    for (Size c = 0; c < channels; c++) {
        const double deviation = inverseDeviation[c], scaled = ofX[c] * deviation / (double)pixels;
        slope[c] = (float)(-(double)factor[c] * deviation * scaled);
        offset[c] = (float)(-(double)factor[c] * ofOne[c] / (double)pixels);
        gammaGradient[c] = (float)(ofX[c] * deviation);
        betaGradient[c] = (float)ofOne[c];
    }
    b.slope = rest.slope = repeated(slope, channels, v.repeat, buffers[3]);
    b.offset = rest.offset = repeated(offset, channels, v.repeat, buffers[4]);
    work.b = b;
    halcyon_parallel(v.rows, blockRows, inputGradientsShare, &work);
    if (v.rest) inputGradients(&rest, mask, 1, length);
}

static void batch_norm_backward(Size pixels, Size channels, const float *x, Size xPitch, const float *dy, Size dyPitch,
                                const float *gamma, const float *beta, const float *mean, const float *inverseDeviation,
                                int relu, float *dx, Size dxPitch, float *gammaGradient, float *betaGradient, double *scratch) {
    for (Size c = 0; c < channels; c += longestRow) {
        const Backward b = {.x = x + c, .dy = dy + c, .dx = dx + c, .xPitch = xPitch, .dyPitch = dyPitch, .dxPitch = dxPitch,
                            .mean = mean + c, .beta = beta + c};
        backwardOfSlab(pixels, minimum(channels - c, longestRow), b, gamma + c, inverseDeviation + c, relu, gammaGradient + c,
                       betaGradient + c, scratch);
    }
}
