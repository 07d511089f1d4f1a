// Depthwise convolutions, channels-last, stride 1, zero padding that keeps the size. Rows of the source, padded at both ends and
// perhaps activated, are kept in a ring in `scratch`, one vector of channels after the other, for a slab of channels at a time:
// each source element is read and activated once, and every inner loop runs over whole aligned vectors.

enum { depthwiseSlab = 64, depthwiseColumns = 8 };

typedef struct {
    Size margin;  // columns of padding at each end = how far a tap reaches
    Size columns; // of a padded row
    Size rows;    // of the ring; one row of zeros follows
    V *memory;
} Ring;

INLINE Ring emptyRing(Size width, Size kernel, Size dilation, void *scratch) {
    Ring ring = {.margin = kernel / 2 * dilation, .memory = scratch};
    ring.columns = width + 2 * ring.margin;
    ring.rows = 2 * ring.margin + 1;
    const Size count = (ring.rows + 1) * ring.columns * (depthwiseSlab / W);
    for (Size j = 0; j < count; j++) ring.memory[j] = (V){0};
    return ring;
}

/// Where row `row` of the image lies, or the zeros for a row outside.
INLINE V *ringRow(const Ring *ring, Size row, Size height) {
    const Size slot = row < 0 || row >= height ? ring->rows : row % ring->rows;
    return ring->memory + slot * ring->columns * (depthwiseSlab / W);
}

static void fillRow(const Ring *ring, V *row, int kind, Size width, Size channels, const float *x, Size pitch) {
    WITH_ACTIVATION(kind, {
        LANES(channels, {
            V *to = row + i / W * ring->columns + ring->margin;
            for (Size w = 0; w < width; w++) to[w] = activated(activation, load(x + w * pitch + i, k));
        });
    })
}

/// y[w] = start + the sum over taps, for one vector of channels of one row.
INLINE void tapRow(int kernel, Size width, Size dilation, Size k, const V *const *rows, const float *weights, Size weightPitch,
                   V start, float *y, Size yPitch) {
    Size w = 0;
    for (; w + depthwiseColumns <= width; w += depthwiseColumns) {
        V sums[depthwiseColumns];
        for (int t = 0; t < depthwiseColumns; t++) sums[t] = start;
        for (int a = 0; a < kernel; a++)
            for (int b = 0; b < kernel; b++) {
                const V weight = *(const UnalignedV *)(weights + (a * kernel + b) * weightPitch);
                const V *source = rows[a] + w + b * dilation;
                for (int t = 0; t < depthwiseColumns; t++) sums[t] += source[t] * weight;
            }
        for (int t = 0; t < depthwiseColumns; t++) store(y + (w + t) * yPitch, sums[t], k);
    }
    for (; w < width; w++) {
        V sum = start;
        for (int a = 0; a < kernel; a++)
            for (int b = 0; b < kernel; b++)
                sum += rows[a][w + b * dilation] * *(const UnalignedV *)(weights + (a * kernel + b) * weightPitch);
        store(y + w * yPitch, sum, k);
    }
}

enum { largestDepthwiseKernel = 7 };

static void tapRows(int kernel, Size width, Size channels, Size dilation, const Ring *ring, V *const *rows,
                    const float *weights, Size weightPitch, const float *bias, float *y, Size yPitch) {
    LANES(channels, {
        const V *columns[largestDepthwiseKernel];
        for (int a = 0; a < kernel; a++) columns[a] = rows[a] + i / W * ring->columns;
        const V first = bias ? load(bias + i, k) : splat(0);
        if (kernel == 3) tapRow(3, width, dilation, k, columns, weights + i, weightPitch, first, y + i, yPitch);
        else if (kernel == 5) tapRow(5, width, dilation, k, columns, weights + i, weightPitch, first, y + i, yPitch);
        else tapRow(kernel, width, dilation, k, columns, weights + i, weightPitch, first, y + i, yPitch);
    });
}

static void depthwise(Size batch, Size height, Size width, Size channels, int kernel, Size dilation, int sourceKind,
                      const float *x, Size xPitch, const float *weights, const float *bias, int derivativeKind,
                      const float *argument, Size argumentPitch, float *y, Size yPitch, void *scratch) {
    const Ring ring = emptyRing(width, kernel, dilation, scratch);
    const Size weightPitch = (channels + 15) / 16 * 16;
    for (Size n = 0; n < batch; n++)
        for (Size first = 0; first < channels; first += depthwiseSlab) {
            const Size slab = minimum(channels - first, depthwiseSlab);
            for (Size row = 0; row < height + ring.margin; row++) {
                if (row < height)
                    fillRow(&ring, ringRow(&ring, row, height), sourceKind, width, slab,
                            x + (n * height + row) * width * xPitch + first, xPitch);
                const Size target = row - ring.margin;
                if (target < 0) continue;
                V *rows[largestDepthwiseKernel];
                for (int a = 0; a < kernel; a++) rows[a] = ringRow(&ring, target + (a - kernel / 2) * dilation, height);
                const Size place = (n * height + target) * width;
                float *to = y + place * yPitch + first;
                tapRows(kernel, width, slab, dilation, &ring, rows, weights + first, weightPitch, bias ? bias + first : NULL, to,
                        yPitch);
                if (argument)
                    smooth_activation_backward(width, slab, derivativeKind, argument + place * argumentPitch + first,
                                               argumentPitch, to, yPitch, to, yPitch);
            }
        }
}

/// Adds the products of `count` rows of taps with dy, for one vector of channels of one row.
INLINE void weightRow(int kernel, int count, Size width, Size dilation, Size k, V *const *rows, Size offset, const float *dy,
                      Size dyPitch, double *totals, Size totalPitch) {
    V sums[largestDepthwiseKernel * 2] = {0};
    for (Size w = 0; w < width; w++) {
        const V gradient = load(dy + w * dyPitch, k);
        for (int a = 0; a < count; a++)
            for (int b = 0; b < kernel; b++) sums[a * kernel + b] += rows[a][offset + w + b * dilation] * gradient;
    }
    for (int t = 0; t < count * kernel; t++)
        for (int j = 0; j < W; j++) totals[t * totalPitch + j] += (double)sums[t][j];
}

INLINE void biasRow(Size width, Size k, const float *dy, Size dyPitch, double *totals) {
    V sums[4] = {0};
    Size w = 0;
    for (; w + 4 <= width; w += 4)
        for (int t = 0; t < 4; t++) sums[t] += load(dy + (w + t) * dyPitch, k);
    for (; w < width; w++) sums[0] += load(dy + w * dyPitch, k);
    const V sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (int j = 0; j < W; j++) totals[j] += (double)sum[j];
}

static void weightRows(int kernel, Size width, Size channels, Size dilation, const Ring *ring, V *const *rows, const float *dy,
                       Size dyPitch, double *totals, Size totalPitch) {
    LANES(channels, {
        const Size offset = i / W * ring->columns;
        if (kernel == 3) {
            weightRow(3, 3, width, dilation, k, rows, offset, dy + i, dyPitch, totals + i, totalPitch);
        } else if (kernel == 5) {
            for (int a = 0; a < 4; a += 2)
                weightRow(5, 2, width, dilation, k, rows + a, offset, dy + i, dyPitch, totals + 5 * a * totalPitch + i, totalPitch);
            weightRow(5, 1, width, dilation, k, rows + 4, offset, dy + i, dyPitch, totals + 20 * totalPitch + i, totalPitch);
        } else {
            for (int a = 0; a < 7; a++)
                weightRow(7, 1, width, dilation, k, rows + a, offset, dy + i, dyPitch, totals + 7 * a * totalPitch + i, totalPitch);
        }
        biasRow(width, k, dy + i, dyPitch, totals + kernel * kernel * totalPitch + i);
    });
}

static void depthwise_weight_gradient(Size batch, Size height, Size width, Size channels, int kernel, Size dilation,
                                      int sourceKind, const float *x, Size xPitch, const float *dy, Size dyPitch, float *dw,
                                      float *db, void *scratch) {
    const Ring ring = emptyRing(width, kernel, dilation, scratch);
    const Size totalPitch = (channels + 15) / 16 * 16;
    const Size taps = (Size)kernel * kernel;
    double *totals = (double *)(ring.memory + (ring.rows + 1) * ring.columns * (depthwiseSlab / W));
    for (Size j = 0; j < (taps + 1) * totalPitch; j++) totals[j] = 0;
    for (Size n = 0; n < batch; n++)
        for (Size first = 0; first < channels; first += depthwiseSlab) {
            const Size slab = minimum(channels - first, depthwiseSlab);
            for (Size row = 0; row < height + ring.margin; row++) {
                if (row < height)
                    fillRow(&ring, ringRow(&ring, row, height), sourceKind, width, slab,
                            x + (n * height + row) * width * xPitch + first, xPitch);
                const Size target = row - ring.margin;
                if (target < 0) continue;
                V *rows[largestDepthwiseKernel];
                for (int a = 0; a < kernel; a++) rows[a] = ringRow(&ring, target + (a - kernel / 2) * dilation, height);
                weightRows(kernel, width, slab, dilation, &ring, rows, dy + (n * height + target) * width * dyPitch + first,
                           dyPitch, totals + first, totalPitch);
            }
        }
    for (Size c = 0; c < channels; c++) {
        for (Size t = 0; t < taps; t++) dw[c * taps + t] = (float)totals[t * totalPitch + c];
        if (db) db[c] = (float)totals[taps * totalPitch + c];
    }
}
