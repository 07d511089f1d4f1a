// Smooth activations and their gradients, element by element of a map.

/// An activation, or with dy its gradient (y is dx), of all pixels.
typedef struct {
    int kind;
    Size channels, xPitch, dyPitch, yPitch;
    const float *x, *dy;
    float *y;
} SmoothWork;

static void smoothShare(void *context, Size first, Size end, int share) {
    (void)share;
    const SmoothWork *const w = context;
    const Size pixels = end - first, channels = w->channels, xPitch = w->xPitch, yPitch = w->yPitch;
    const float *const x = w->x + first * xPitch;
    float *const y = w->y + first * yPitch;
    const int dense = xPitch == channels && yPitch == channels;
    WITH_ACTIVATION(w->kind, {
        ELEMENTWISE(dense, store(y + r * yPitch + i, activated(activation, load(x + r * xPitch + i, k)), k););
    })
}

static void smoothGradientShare(void *context, Size first, Size end, int share) {
    (void)share;
    const SmoothWork *const w = context;
    const Size pixels = end - first, channels = w->channels, xPitch = w->xPitch, dyPitch = w->dyPitch, dxPitch = w->yPitch;
    const float *const x = w->x + first * xPitch, *const dy = w->dy + first * dyPitch;
    float *const dx = w->y + first * dxPitch;
    const int dense = xPitch == channels && dyPitch == channels && dxPitch == channels;
    WITH_ACTIVATION(w->kind, {
        ELEMENTWISE(dense, {
            const V slope = derivative(activation, load(x + r * xPitch + i, k));
            store(dx + r * dxPitch + i, load(dy + r * dyPitch + i, k) * slope, k);
        });
    })
}

static void smooth_activation(Size pixels, Size channels, int kind, const float *x, Size xPitch, float *y, Size yPitch) {
    SmoothWork work = {.kind = kind, .channels = channels, .x = x, .xPitch = xPitch, .y = y, .yPitch = yPitch};
    halcyon_parallel(pixels, pixelGrain(channels), smoothShare, &work);
}

static void smooth_activation_backward(Size pixels, Size channels, int kind, const float *x, Size xPitch, const float *dy,
                                       Size dyPitch, float *dx, Size dxPitch) {
    SmoothWork work = {.kind = kind, .channels = channels, .x = x, .xPitch = xPitch, .dy = dy, .dyPitch = dyPitch, .y = dx,
                       .yPitch = dxPitch};
    halcyon_parallel(pixels, pixelGrain(channels), smoothGradientShare, &work);
}
