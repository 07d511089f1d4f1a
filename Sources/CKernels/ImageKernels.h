// Kernels that know height and width. Pixel (n, h, w) of an image of size height x width is at ((n * height + h) * width + w) * pitch.

static void max_pool2(Size batch, Size height, Size width, Size channels, const float *x, Size xPitch, float *y, Size yPitch) {
    const Size rows = height / 2, columns = width / 2;
    for (Size n = 0; n < batch; n++)
        for (Size h = 0; h < rows; h++)
            for (Size w = 0; w < columns; w++) {
                const float *a = x + ((n * height + 2 * h) * width + 2 * w) * xPitch, *b = a + xPitch;
                const float *c = a + width * xPitch, *d = c + xPitch;
                float *to = y + ((n * rows + h) * columns + w) * yPitch;
                LANES(channels, {
                    V best = load(a + i, k);
                    const V second = load(b + i, k), third = load(c + i, k), fourth = load(d + i, k);
                    best = choose((I)(second > best), second, best);
                    best = choose((I)(third > best), third, best);
                    best = choose((I)(fourth > best), fourth, best);
                    store(to + i, best, k);
                });
            }
}

INLINE V masked(I mask, V x) { return (V)(mask & (I)x); }

static void clearPixels(Size pixels, Size channels, float *x, Size pitch) {
    const V zero = {0};
    for (Size p = 0; p < pixels; p++) LANES(channels, store(x + p * pitch + i, zero, k););
}

static void max_pool2_backward(Size batch, Size height, Size width, Size channels, const float *x, Size xPitch, const float *dy,
                               Size dyPitch, float *dx, Size dxPitch) {
    const Size rows = height / 2, columns = width / 2;
    for (Size n = 0; n < batch; n++) {
        for (Size h = 0; h < rows; h++) {
            for (Size w = 0; w < columns; w++) {
                const Size pixel = (n * height + 2 * h) * width + 2 * w;
                const float *a = x + pixel * xPitch, *b = a + xPitch, *c = a + width * xPitch, *d = c + xPitch;
                const float *from = dy + ((n * rows + h) * columns + w) * dyPitch;
                float *to = dx + pixel * dxPitch, *below = to + width * dxPitch;
                LANES(channels, {
                    const V second = load(b + i, k), third = load(c + i, k), gradient = load(from + i, k);
                    V best = load(a + i, k);
                    const I isSecond = (I)(second > best);
                    best = choose(isSecond, second, best);
                    const I isThird = (I)(third > best);
                    best = choose(isThird, third, best);
                    const I isFourth = (I)(load(d + i, k) > best);
                    store(to + i, masked(~(isSecond | isThird | isFourth), gradient), k);
                    store(to + dxPitch + i, masked(isSecond & ~(isThird | isFourth), gradient), k);
                    store(below + i, masked(isThird & ~isFourth, gradient), k);
                    store(below + dxPitch + i, masked(isFourth, gradient), k);
                });
            }
            if (width % 2)
                for (Size r = 0; r < 2; r++)
                    clearPixels(1, channels, dx + ((n * height + 2 * h + r) * width + width - 1) * dxPitch, dxPitch);
        }
        if (height % 2) clearPixels(width, channels, dx + (n * height + height - 1) * width * dxPitch, dxPitch);
    }
}

static void upsample2(Size batch, Size height, Size width, Size channels, const float *x, Size xPitch, float *y, Size yPitch) {
    for (Size n = 0; n < batch; n++)
        for (Size row = 0; row < 2 * height; row++) {
            // The nearer source row weighs 3/4, the other 1/4.
            const Size near = row / 2, far = row % 2 ? minimum(near + 1, height - 1) : near > 0 ? near - 1 : 0;
            const float *a = x + (n * height + near) * width * xPitch, *b = x + (n * height + far) * width * xPitch;
            float *to = y + (n * 2 * height + row) * 2 * width * yPitch;
            for (Size w = 0; w < width; w++) {
                const Size left = (w > 0 ? w - 1 : 0) * xPitch, middle = w * xPitch, right = minimum(w + 1, width - 1) * xPitch;
                float *first = to + 2 * w * yPitch, *second = first + yPitch;
                LANES(channels, {
                    const V here = load(a + middle + i, k) * 0.75f + load(b + middle + i, k) * 0.25f;
                    const V before = load(a + left + i, k) * 0.75f + load(b + left + i, k) * 0.25f;
                    const V after = load(a + right + i, k) * 0.75f + load(b + right + i, k) * 0.25f;
                    store(first + i, here * 0.75f + before * 0.25f, k);
                    store(second + i, here * 0.75f + after * 0.25f, k);
                });
            }
        }
}

/// The weights with which source position `at` of `size` entered outputs 2 at - 1 ... 2 at + 2; clamped edges give theirs to the edge.
INLINE void upsampleWeights(Size at, Size size, float *weights) {
    weights[0] = at > 0 ? 0.25f : 0;
    weights[1] = at > 0 ? 0.75f : 1;
    weights[2] = at < size - 1 ? 0.75f : 1;
    weights[3] = at < size - 1 ? 0.25f : 0;
}

static void upsample2_backward(Size batch, Size height, Size width, Size channels, const float *dy, Size dyPitch, float *dx,
                               Size dxPitch) {
    for (Size n = 0; n < batch; n++)
        for (Size h = 0; h < height; h++) {
            float vertical[4];
            upsampleWeights(h, height, vertical);
            const float *rows[4];
            for (Size r = 0; r < 4; r++) {
                Size row = 2 * h - 1 + r;  // outside the image its weight is 0: read any row
                if (row < 0) row = 0;
                if (row > 2 * height - 1) row = 2 * height - 1;
                rows[r] = dy + (n * 2 * height + row) * 2 * width * dyPitch;
            }
            for (Size w = 0; w < width; w++) {
                float horizontal[4];
                upsampleWeights(w, width, horizontal);
                Size columns[4];
                for (Size s = 0; s < 4; s++) {
                    Size column = 2 * w - 1 + s;
                    if (column < 0) column = 0;
                    if (column > 2 * width - 1) column = 2 * width - 1;
                    columns[s] = column * dyPitch;
                }
                float *to = dx + ((n * height + h) * width + w) * dxPitch;
                LANES(channels, {
                    V total = {0};
                    for (int s = 0; s < 4; s++) {
                        V column = load(rows[0] + columns[s] + i, k) * vertical[0];
                        for (int r = 1; r < 4; r++) column += load(rows[r] + columns[s] + i, k) * vertical[r];
                        total += column * horizontal[s];
                    }
                    store(to + i, total, k);
                });
            }
        }
}

/// The source position of padded position `at`, or -1 for a zero.
INLINE Size paddedSource(Size at, Size size, int mode) {
    if (at < size) return at;
    return mode == HALCYON_PAD_ZERO ? -1 : mode == HALCYON_PAD_REPLICATE ? size - 1 : 2 * (size - 1) - at;
}

static void pad(Size batch, Size height, Size width, Size channels, Size bottom, Size right, int mode, const float *x,
                Size xPitch, float *y, Size yPitch) {
    for (Size n = 0; n < batch; n++)
        for (Size h = 0; h < height + bottom; h++) {
            const Size row = paddedSource(h, height, mode);
            float *to = y + (n * (height + bottom) + h) * (width + right) * yPitch;
            if (row < 0) {
                clearPixels(width + right, channels, to, yPitch);
                continue;
            }
            const float *from = x + (n * height + row) * width * xPitch;
            copy(width, channels, from, xPitch, to, yPitch);
            for (Size w = width; w < width + right; w++) {
                const Size column = paddedSource(w, width, mode);
                if (column < 0) clearPixels(1, channels, to + w * yPitch, yPitch);
                else copy(1, channels, from + column * xPitch, xPitch, to + w * yPitch, yPitch);
            }
        }
}

static void pad_backward(Size batch, Size height, Size width, Size channels, Size bottom, Size right, int mode, const float *dy,
                         Size dyPitch, float *dx, Size dxPitch) {
    for (Size n = 0; n < batch; n++)
        for (Size h = 0; h < height + bottom; h++) {
            const Size row = paddedSource(h, height, mode);
            if (row < 0) continue;
            const float *from = dy + (n * (height + bottom) + h) * (width + right) * dyPitch;
            float *to = dx + (n * height + row) * width * dxPitch;
            if (h < height) copy(width, channels, from, dyPitch, to, dxPitch);
            else accumulate(width, channels, from, dyPitch, to, dxPitch);
            for (Size w = width; w < width + right; w++) {
                const Size column = paddedSource(w, width, mode);
                if (column >= 0) accumulate(1, channels, from + w * dyPitch, dyPitch, to + column * dxPitch, dxPitch);
            }
        }
}

static void crop(Size batch, Size height, Size width, Size channels, Size bottom, Size right, const float *x, Size xPitch,
                 float *y, Size yPitch) {
    for (Size n = 0; n < batch; n++)
        for (Size h = 0; h < height; h++)
            copy(width, channels, x + (n * (height + bottom) + h) * (width + right) * xPitch, xPitch,
                 y + (n * height + h) * width * yPitch, yPitch);
}

static void crop_backward(Size batch, Size height, Size width, Size channels, Size bottom, Size right, const float *dy,
                          Size dyPitch, float *dx, Size dxPitch) {
    pad(batch, height, width, channels, bottom, right, HALCYON_PAD_ZERO, dy, dyPitch, dx, dxPitch);
}
