// Smooth activations and their derivatives, element by element.

INLINE V zeroToSix(V x) {
    x = choose((I)(x < 0), splat(0), x);
    return choose((I)(x > 6), splat(6), x);
}

/// 0.5 + x times a polynomial of 2 x² / range² - 1 up to `range`, constant from there, and 0 below: the forms of the normal
/// distribution's cumulative function and of GELU's derivative. For `count` vectors at once, as one waits for its own results.
INLINE void sigmoidal(const int count, const int degree, const float *terms, float range, V *x) {
    V low[4], t[4], p[4];
    const V limit = splat(range);
    for (int i = 0; i < count; i++) {
        low[i] = (V)(x[i] < -limit);
        x[i] = choose((I)low[i], -limit, choose((I)(x[i] > limit), limit, x[i]));
        t[i] = x[i] * x[i] * splat(2 / (range * range)) - splat(1);
        p[i] = splat(terms[degree]);
    }
#pragma clang loop unroll(full)
    for (int d = degree - 1; d >= 0; d--)
        for (int i = 0; i < count; i++) p[i] = p[i] * t[i] + splat(terms[d]);
    for (int i = 0; i < count; i++) x[i] = (V)((I)(p[i] * x[i] + splat(0.5f)) & ~(I)low[i]);
}

/// Minimax fits: the cumulative function to 3e-8, GELU's derivative to 2.4e-8.
static const float cumulativeTerms[14] = {
    0.14136381447f, -0.07029678673f, 0.05151844025f, -0.04042706266f, 0.03146995977f, -0.02340416238f, 0.01626872644f,
    -0.01066148095f, 0.00669658929f, -0.00358744338f, 0.00144298247f, -0.00084074715f, 0.00071050791f, -0.00025339880f};
static const float derivativeTerms[18] = {
    0.12307182699f, -0.06228140742f, 0.04936722294f, -0.04729423672f, 0.05170648545f, -0.05952444300f, 0.06675459445f,
    -0.07057823986f, 0.06938505173f, -0.05935919657f, 0.04316301644f, -0.03492853045f, 0.03169306368f, -0.01622019149f,
    0.00106215663f, -0.00283232844f, 0.00621705689f, -0.00244535692f};

/// The normal distribution's cumulative function, or GELU's derivative, of `count` vectors.
INLINE void cumulative(const int count, V *x) { sigmoidal(count, 13, cumulativeTerms, 5, x); }
INLINE void geluDerivative(const int count, V *x) { sigmoidal(count, 17, derivativeTerms, 5.75f, x); }

/// `kind` is one of HALCYON_ACTIVATION_*, a constant where this is used.
INLINE V activated(int kind, V x) {
    switch (kind) {
    case HALCYON_ACTIVATION_GELU: {
        V factor = x;
        cumulative(1, &factor);
        return x * factor;
    }
    case HALCYON_ACTIVATION_HARD_SWISH: return x * zeroToSix(x + 3) * splat(1.0f / 6);
    case HALCYON_ACTIVATION_HARD_SIGMOID: return zeroToSix(x + 3) * splat(1.0f / 6);
    case HALCYON_ACTIVATION_SIGMOID: return splat(1) / (splat(1) + exponential(-x));
    default: return x;
    }
}

/// At the kinks of the hard kinds, the slope of the flat side for hard-sigmoid and of the outer line for hard-swish, as PyTorch.
INLINE V derivative(int kind, V x) {
    switch (kind) {
    case HALCYON_ACTIVATION_GELU: geluDerivative(1, &x); return x;
    case HALCYON_ACTIVATION_HARD_SWISH: {
        const V inner = (x * splat(2) + splat(3)) * splat(1.0f / 6);
        return choose((I)(x <= -3), splat(0), choose((I)(x >= 3), splat(1), inner));
    }
    case HALCYON_ACTIVATION_HARD_SIGMOID: return choose((I)(absolute(x) < 3), splat(1.0f / 6), splat(0));
    case HALCYON_ACTIVATION_SIGMOID: {
        const V y = splat(1) / (splat(1) + exponential(-x));
        return y * (splat(1) - y);
    }
    default: return splat(1);
    }
}

/// Runs the statements with `activation` a constant equal to `kind`.
#define WITH_ACTIVATION(kind, ...)                                                                        \
    switch (kind) {                                                                                       \
    case HALCYON_ACTIVATION_GELU: { enum { activation = HALCYON_ACTIVATION_GELU }; __VA_ARGS__ } break;   \
    case HALCYON_ACTIVATION_HARD_SWISH: { enum { activation = HALCYON_ACTIVATION_HARD_SWISH }; __VA_ARGS__ } break;     \
    case HALCYON_ACTIVATION_HARD_SIGMOID: { enum { activation = HALCYON_ACTIVATION_HARD_SIGMOID }; __VA_ARGS__ } break; \
    case HALCYON_ACTIVATION_SIGMOID: { enum { activation = HALCYON_ACTIVATION_SIGMOID }; __VA_ARGS__ } break;           \
    default: { enum { activation = HALCYON_ACTIVATION_NONE }; __VA_ARGS__ } break;                        \
    }

/// y = x Φ(x), or with `dy`, dy times its derivative; four vectors at once.
static void geluRows(Size rows, Size length, const float *x, Size xPitch, const float *dy, Size dyPitch, float *y, Size yPitch) {
    for (Size r = 0; r < rows; r++, x += xPitch, y += yPitch, dy = dy ? dy + dyPitch : NULL) {
        const float *const factors = dy ? dy : x;
        Size start = 0;
        for (; start + 4 * W <= length; start += 4 * W) {
            V values[4];
            for (int v = 0; v < 4; v++) values[v] = load(x + start + v * W, W);
            if (dy) geluDerivative(4, values);
            else cumulative(4, values);
            for (int v = 0; v < 4; v++) store(y + start + v * W, values[v] * load(factors + start + v * W, W), W);
        }
        LANES(length - start, {
            V value = load(x + start + i, k);
            if (dy) geluDerivative(1, &value);
            else cumulative(1, &value);
            store(y + start + i, value * load(factors + start + i, k), k);
        });
    }
}

static void smooth_activation(Size pixels, Size channels, int kind, const float *x, Size xPitch, float *y, Size yPitch) {
    const int dense = xPitch == channels && yPitch == channels;
    if (kind == HALCYON_ACTIVATION_GELU) {
        geluRows(dense ? 1 : pixels, dense ? pixels * channels : channels, x, xPitch, NULL, 0, y, yPitch);
        return;
    }
    WITH_ACTIVATION(kind, {
        ELEMENTWISE(dense, store(y + r * yPitch + i, activated(activation, load(x + r * xPitch + i, k)), k););
    })
}

static void smooth_activation_backward(Size pixels, Size channels, int kind, const float *x, Size xPitch, const float *dy,
                                       Size dyPitch, float *dx, Size dxPitch) {
    const int dense = xPitch == channels && dyPitch == channels && dxPitch == channels;
    if (kind == HALCYON_ACTIVATION_GELU) {
        geluRows(dense ? 1 : pixels, dense ? pixels * channels : channels, x, xPitch, dy, dyPitch, dx, dxPitch);
        return;
    }
    WITH_ACTIVATION(kind, {
        ELEMENTWISE(dense, {
            const V slope = derivative(activation, load(x + r * xPitch + i, k));
            store(dx + r * dxPitch + i, load(dy + r * dyPitch + i, k) * slope, k);
        });
    })
}
