// Smooth activations and their derivatives, element by element.

INLINE V zeroToSix(V x) {
    x = choose((I)(x < 0), splat(0), x);
    return choose((I)(x > 6), splat(6), x);
}

/// `kind` is one of HALCYON_ACTIVATION_*, a constant where this is used.
INLINE V activated(int kind, V x) {
    switch (kind) {
    case HALCYON_ACTIVATION_GELU: {
        const V bell = exponential(x * x * splat(-0.5f));
        return x * splat(0.5f) * (splat(1) + errorFunction(x * splat(0.70710678118654752f), bell));
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
    case HALCYON_ACTIVATION_GELU: {
        const V bell = exponential(x * x * splat(-0.5f));
        const V cumulative = splat(0.5f) * (splat(1) + errorFunction(x * splat(0.70710678118654752f), bell));
        return cumulative + x * bell * splat(0.39894228040143268f);
    }
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

static void smooth_activation(Size pixels, Size channels, int kind, const float *x, Size xPitch, float *y, Size yPitch) {
    const int dense = xPitch == channels && yPitch == channels;
    WITH_ACTIVATION(kind, {
        ELEMENTWISE(dense, store(y + r * yPitch + i, activated(activation, load(x + r * xPitch + i, k)), k););
    })
}

static void smooth_activation_backward(Size pixels, Size channels, int kind, const float *x, Size xPitch, const float *dy,
                                       Size dyPitch, float *dx, Size dxPitch) {
    const int dense = xPitch == channels && dyPitch == channels && dxPitch == channels;
    WITH_ACTIVATION(kind, {
        ELEMENTWISE(dense, {
            const V slope = derivative(activation, load(x + r * xPitch + i, k));
            store(dx + r * dxPitch + i, load(dy + r * dyPitch + i, k) * slope, k);
        });
    })
}
