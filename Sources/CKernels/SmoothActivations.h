// Smooth activations and their derivatives, of vectors.

INLINE V zeroToSix(V x) {
    x = choose((I)(x < 0), splat(0), x);
    return choose((I)(x > 6), splat(6), x);
}

/// x lifted to at least -end; NaN stays NaN.
INLINE V notBelow(V x, float end) { return choose((I)(x < -end), splat(-end), x); }
INLINE V notAbove(V x, float end) { return choose((I)(x > end), splat(end), x); }

/// x p(x²) / q(x²) with polynomials of degree 5, highest powers first.
INLINE V oddRational(V x, const float *numerator, const float *denominator) {
    const V square = x * x;
    V p = splat(numerator[0]), q = splat(denominator[0]);
    for (int i = 1; i <= 5; i++) {
        p = p * square + splat(numerator[i]);
        q = q * square + splat(denominator[i]);
    }
    return x * p / q;
}

/// x Φ(x). Φ - 1/2 is a minimax rational function up to 5.4, where Φ ends for a float; absolute error below 3e-7 max(1, |x|).
INLINE V gelu(V x) {
    static const float numerator[] = {2.27768365e-8f, 6.49040843e-6f, 1.76267618e-4f, 4.72240782e-3f, 3.44922072e-2f,
                                      3.98942054e-1f};
    static const float denominator[] = {1.20866098e-6f, 7.65107905e-5f, 1.92549907e-3f, 2.90279746e-2f, 2.53123425e-1f, 1};
    const V lifted = notBelow(x, 5.4f);
    return lifted * (oddRational(notAbove(lifted, 5.4f), numerator, denominator) + splat(0.5f));
}

/// Φ(x) + x φ(x). Less 1/2, it is a minimax rational function up to 5.6, where it ends for a float; absolute error below 4e-7.
INLINE V geluDerivative(V x) {
    static const float numerator[] = {1.92169967e-7f, 3.58994862e-5f, 1.97492975e-5f, 1.42260838e-2f, -3.09754399e-2f,
                                      7.97885345e-1f};
    static const float denominator[] = {8.92825638e-6f, 1.92051694e-4f, 3.52263852e-3f, 4.09837254e-2f, 2.94519477e-1f, 1};
    return oddRational(notAbove(notBelow(x, 5.6f), 5.6f), numerator, denominator) + splat(0.5f);
}

/// `kind` is one of HALCYON_ACTIVATION_*, a constant where this is used.
INLINE V activated(int kind, V x) {
    switch (kind) {
    case HALCYON_ACTIVATION_GELU: return gelu(x);
    case HALCYON_ACTIVATION_HARD_SWISH: return x * zeroToSix(x + 3) * splat(1.0f / 6);
    case HALCYON_ACTIVATION_HARD_SIGMOID: return zeroToSix(x + 3) * splat(1.0f / 6);
    case HALCYON_ACTIVATION_SIGMOID: return splat(1) / (splat(1) + exponential(-x));
    default: return x;
    }
}

/// At the kinks of the hard kinds, the slope of the flat side for hard-sigmoid and of the outer line for hard-swish, as PyTorch.
INLINE V derivative(int kind, V x) {
    switch (kind) {
    case HALCYON_ACTIVATION_GELU: return geluDerivative(x);
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
