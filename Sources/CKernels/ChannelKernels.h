// Kernels with one number for each image and channel: global average pooling and the scale by a gate.

/// Sums of `count` vectors of act(x), which is also written to y unless that is NULL.
INLINE void poolGroup(int kind, int count, Size k, Size rows, const float *x, Size xPitch, float *y, Size yPitch,
                      double *totals) {
    V sums[4] = {0};
    for (Size r = 0; r < rows; r++)
        for (int v = 0; v < count; v++) {
            const V value = activated(kind, load(x + r * xPitch + v * W, k));
            if (y) store(y + r * yPitch + v * W, value, k);
            sums[v] += value;
        }
    flush(sums, count, k, totals);
}

static void average_pool(Size batch, Size pixels, Size channels, const float *x, Size xPitch, float *y, Size yPitch) {
    for (Size n = 0; n < batch; n++, x += pixels * xPitch, y += yPitch)
        for (Size first = 0; first < channels; first += longestRow) {
            const Size slab = minimum(channels - first, longestRow);
            double totals[longestRow] = {0};
            ROW_BLOCKS(pixels, slab, poolGroup(HALCYON_ACTIVATION_NONE, count, k, block, x + start * xPitch + first + i, xPitch,
                                               NULL, 0, totals + i);)
            for (Size c = 0; c < slab; c++) y[first + c] = (float)(totals[c] / (double)pixels);
        }
}

static void average_pool_backward(Size batch, Size pixels, Size channels, const float *dy, Size dyPitch, float *dx,
                                  Size dxPitch) {
    const float share = (float)(1 / (double)pixels);
    for (Size n = 0; n < batch; n++, dy += dyPitch)
        for (Size p = 0; p < pixels; p++, dx += dxPitch) LANES(channels, store(dx + i, load(dy + i, k) * share, k););
}

static void activated_pool(Size batch, Size pixels, Size channels, int kind, const float *x, Size xPitch, float *y, Size yPitch,
                           float *mean, Size meanPitch) {
    for (Size n = 0; n < batch; n++, x += pixels * xPitch, y += pixels * yPitch, mean += meanPitch)
        for (Size first = 0; first < channels; first += longestRow) {
            const Size slab = minimum(channels - first, longestRow);
            double totals[longestRow] = {0};
            WITH_ACTIVATION(kind, {
                ROW_BLOCKS(pixels, slab, poolGroup(activation, count, k, block, x + start * xPitch + first + i, xPitch,
                                                   y + start * yPitch + first + i, yPitch, totals + i);)
            })
            for (Size c = 0; c < slab; c++) mean[first + c] = (float)(totals[c] / (double)pixels);
        }
}

static void activated_pool_backward(Size batch, Size pixels, Size channels, int kind, const float *x, Size xPitch,
                                    const float *dy, Size dyPitch, const float *dmean, Size dmeanPitch, float *dx,
                                    Size dxPitch) {
    const float share = (float)(1 / (double)pixels);
    for (Size n = 0; n < batch; n++, dmean += dmeanPitch)
        WITH_ACTIVATION(kind, {
            for (Size p = 0; p < pixels; p++, x += xPitch, dy += dyPitch, dx += dxPitch) LANES(channels, {
                const V gradient = load(dy + i, k) + load(dmean + i, k) * share;
                store(dx + i, gradient * derivative(activation, load(x + i, k)), k);
            });
        })
}

static void channel_scale(Size batch, Size pixels, Size channels, const float *x, Size xPitch, const float *scale,
                          Size scalePitch, float *y, Size yPitch) {
    for (Size n = 0; n < batch; n++, scale += scalePitch)
        for (Size p = 0; p < pixels; p++, x += xPitch, y += yPitch)
            LANES(channels, store(y + i, load(x + i, k) * load(scale + i, k), k););
}

INLINE void scaleGradientGroup(int count, Size k, Size rows, const float *x, Size xPitch, const float *scale, const float *dy,
                               Size dyPitch, float *dx, Size dxPitch, double *totals) {
    V sums[4] = {0}, factor[4];
    for (int v = 0; v < count; v++) factor[v] = load(scale + v * W, k);
    for (Size r = 0; r < rows; r++)
        for (int v = 0; v < count; v++) {
            const V gradient = load(dy + r * dyPitch + v * W, k);
            sums[v] += gradient * load(x + r * xPitch + v * W, k);
            store(dx + r * dxPitch + v * W, gradient * factor[v], k);
        }
    flush(sums, count, k, totals);
}

static void channel_scale_backward(Size batch, Size pixels, Size channels, const float *x, Size xPitch, const float *scale,
                                   Size scalePitch, const float *dy, Size dyPitch, float *dx, Size dxPitch, float *dscale,
                                   Size dscalePitch) {
    for (Size n = 0; n < batch; n++) {
        for (Size first = 0; first < channels; first += longestRow) {
            const Size slab = minimum(channels - first, longestRow);
            double totals[longestRow] = {0};
            ROW_BLOCKS(pixels, slab, {
                const Size c = first + i;
                scaleGradientGroup(count, k, block, x + start * xPitch + c, xPitch, scale + c, dy + start * dyPitch + c,
                                   dyPitch, dx + start * dxPitch + c, dxPitch, totals + i);
            })
            for (Size c = 0; c < slab; c++) dscale[first + c] = (float)totals[c];
        }
        x += pixels * xPitch, dy += pixels * dyPitch, dx += pixels * dxPitch, scale += scalePitch, dscale += dscalePitch;
    }
}
