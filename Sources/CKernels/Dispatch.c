// The public kernels: each calls the chosen version's.
#include "KernelTable.h"
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const halcyon_kernel_table *_Atomic chosen;
// Tests run beside each other, so a version is forced on one thread only.
static _Thread_local const halcyon_kernel_table *forced;

#if defined(__x86_64__)
/// Whether tiles may be used: the system saves their 8 KB for a process only once it has asked.
static int hasTiles(void) {
    enum { requestPermission = 0x1023, tileData = 18 };
    return __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("avx512bf16") &&
           syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}
#endif

static const halcyon_kernel_table *supported(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
        if ((!name || !strcmp(name, "amx")) && hasTiles()) return &halcyon_kernels_amx;
        if (!name || !strcmp(name, "avx512")) return &halcyon_kernels_avx512;
    }
    if ((!name || !strcmp(name, "avx2")) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &halcyon_kernels_avx2;
#endif
    return !name || !strcmp(name, "portable") ? &halcyon_kernels_portable : NULL;
}

static const halcyon_kernel_table *kernels(void) {
    if (forced) return forced;
    const halcyon_kernel_table *table = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (table) return table;
    table = supported(NULL);
    atomic_store_explicit(&chosen, table, memory_order_relaxed);
    return table;
}

const char *halcyon_kernels_isa(void) { return kernels()->isa; }

int halcyon_kernels_force_isa(const char *name) {
    if (name && !supported(name)) return 0;
    forced = name ? supported(name) : NULL;
    return 1;
}

void halcyon_scale(ptrdiff_t count, const float *x, float factor, float *y) {
    kernels()->scale(count, x, factor, y);
}

void halcyon_add_scaled(ptrdiff_t count, const float *x, float factor, int adds, float *y) {
    kernels()->add_scaled(count, x, factor, adds, y);
}

int halcyon_all_finite(ptrdiff_t count, const float *x) {
    return kernels()->all_finite(count, x);
}

void halcyon_adam(ptrdiff_t count, float *parameters, const float *gradients, float *firstMoments, float *secondMoments,
        double learningRate, double beta1, double beta2, double epsilon, double weightDecay, ptrdiff_t step, float
        gradientScale) {
    kernels()->adam(count, parameters, gradients, firstMoments, secondMoments, learningRate, beta1, beta2, epsilon,
            weightDecay, step, gradientScale);
}

double halcyon_mean_squared_error(ptrdiff_t count, const float *x, const float *target) {
    return kernels()->mean_squared_error(count, x, target);
}

void halcyon_mean_squared_error_gradient(ptrdiff_t count, const float *x, const float *target, float scale, float *dx) {
    kernels()->mean_squared_error_gradient(count, x, target, scale, dx);
}

double halcyon_mean_absolute_error(ptrdiff_t count, const float *x, const float *target) {
    return kernels()->mean_absolute_error(count, x, target);
}

void halcyon_mean_absolute_error_gradient(ptrdiff_t count, const float *x, const float *target, float scale, float *dx)
        {
    kernels()->mean_absolute_error_gradient(count, x, target, scale, dx);
}

void halcyon_copy(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch) {
    kernels()->copy(pixels, channels, x, xPitch, y, yPitch);
}

void halcyon_add(ptrdiff_t pixels, ptrdiff_t channels, const float *a, ptrdiff_t aPitch, const float *b, ptrdiff_t
        bPitch, float *y, ptrdiff_t yPitch) {
    kernels()->add(pixels, channels, a, aPitch, b, bPitch, y, yPitch);
}

void halcyon_subtract(ptrdiff_t pixels, ptrdiff_t channels, const float *a, ptrdiff_t aPitch, const float *b, ptrdiff_t
        bPitch, float *y, ptrdiff_t yPitch) {
    kernels()->subtract(pixels, channels, a, aPitch, b, bPitch, y, yPitch);
}

void halcyon_leaky_relu(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, float slope, float *y,
        ptrdiff_t yPitch) {
    kernels()->leaky_relu(pixels, channels, x, xPitch, slope, y, yPitch);
}

void halcyon_leaky_relu_backward(ptrdiff_t pixels, ptrdiff_t channels, const float *y, ptrdiff_t yPitch, const float
        *dy, ptrdiff_t dyPitch, float slope, float *dx, ptrdiff_t dxPitch) {
    kernels()->leaky_relu_backward(pixels, channels, y, yPitch, dy, dyPitch, slope, dx, dxPitch);
}

void halcyon_batch_norm_statistics(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, float epsilon,
                                   float momentum, float *mean, float *inverseDeviation, float *runningMean,
                                   float *runningVariance, double *scratch) {
    kernels()->batch_norm_statistics(pixels, channels, x, xPitch, epsilon, momentum, mean, inverseDeviation, runningMean,
                                     runningVariance, scratch);
}

void halcyon_batch_norm_apply(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *gamma,
                              const float *beta, const float *mean, const float *inverseDeviation, int relu, float *y, ptrdiff_t yPitch) {
    kernels()->batch_norm_apply(pixels, channels, x, xPitch, gamma, beta, mean, inverseDeviation, relu, y, yPitch);
}

void halcyon_batch_norm_inference(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float
        *gamma, const float *beta, const float *runningMean, const float *runningVariance, float epsilon, int relu,
        float *y, ptrdiff_t yPitch) {
    kernels()->batch_norm_inference(pixels, channels, x, xPitch, gamma, beta, runningMean, runningVariance, epsilon,
            relu, y, yPitch);
}

void halcyon_batch_norm_backward(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *dy, ptrdiff_t dyPitch, const float *gamma, const float *beta, const float *mean,
        const float *inverseDeviation, int relu, float *dx, ptrdiff_t dxPitch, float *gammaGradient, float
        *betaGradient, double *scratch) {
    kernels()->batch_norm_backward(pixels, channels, x, xPitch, dy, dyPitch, gamma, beta, mean,
            inverseDeviation, relu, dx, dxPitch, gammaGradient, betaGradient, scratch);
}

/// A kernel from images x (and dy) to images y, whose batch is shared among threads. Sizes are floats of one image.
typedef struct {
    void (*plain)(ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, float *, ptrdiff_t);
    void (*withGradient)(ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, const float *, ptrdiff_t, float *,
                         ptrdiff_t);
    ptrdiff_t height, width, channels, xPitch, dyPitch, yPitch, xSize, dySize, ySize;
    const float *x, *dy;
    float *y;
} ImageCall;

static void runImages(void *context, ptrdiff_t first, ptrdiff_t end, int share) {
    (void)share;
    const ImageCall *const c = context;
    const float *const x = c->x + first * c->xSize;
    float *const y = c->y + first * c->ySize;
    if (c->plain) c->plain(end - first, c->height, c->width, c->channels, x, c->xPitch, y, c->yPitch);
    else
        c->withGradient(end - first, c->height, c->width, c->channels, x, c->xPitch, c->dy + first * c->dySize, c->dyPitch, y,
                        c->yPitch);
}

void halcyon_max_pool2(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const float *x, ptrdiff_t
        xPitch, float *y, ptrdiff_t yPitch) {
    ImageCall call = {.plain = kernels()->max_pool2, .height = height, .width = width, .channels = channels, .x = x,
                      .xPitch = xPitch, .xSize = height * width * xPitch, .y = y, .yPitch = yPitch,
                      .ySize = height / 2 * (width / 2) * yPitch};
    halcyon_parallel(batch, 1, runImages, &call);
}

void halcyon_max_pool2_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const float *x,
        ptrdiff_t xPitch, const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch) {
    ImageCall call = {.withGradient = kernels()->max_pool2_backward, .height = height, .width = width, .channels = channels, .x = x,
                      .xPitch = xPitch, .xSize = height * width * xPitch, .dy = dy, .dyPitch = dyPitch,
                      .dySize = height / 2 * (width / 2) * dyPitch, .y = dx, .yPitch = dxPitch, .ySize = height * width * dxPitch};
    halcyon_parallel(batch, 1, runImages, &call);
}

void halcyon_upsample2(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const float *x, ptrdiff_t
        xPitch, float *y, ptrdiff_t yPitch) {
    ImageCall call = {.plain = kernels()->upsample2, .height = height, .width = width, .channels = channels, .x = x,
                      .xPitch = xPitch, .xSize = height * width * xPitch, .y = y, .yPitch = yPitch,
                      .ySize = 4 * height * width * yPitch};
    halcyon_parallel(batch, 1, runImages, &call);
}

void halcyon_upsample2_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const float *dy,
        ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch) {
    ImageCall call = {.plain = kernels()->upsample2_backward, .height = height, .width = width, .channels = channels, .x = dy,
                      .xPitch = dyPitch, .xSize = 4 * height * width * dyPitch, .y = dx, .yPitch = dxPitch,
                      .ySize = height * width * dxPitch};
    halcyon_parallel(batch, 1, runImages, &call);
}

void halcyon_pad(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t bottom, ptrdiff_t
        right, int mode, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch) {
    kernels()->pad(batch, height, width, channels, bottom, right, mode, x, xPitch, y, yPitch);
}

void halcyon_pad_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t bottom,
        ptrdiff_t right, int mode, const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch) {
    kernels()->pad_backward(batch, height, width, channels, bottom, right, mode, dy, dyPitch, dx, dxPitch);
}

void halcyon_crop(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t bottom, ptrdiff_t
        right, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch) {
    kernels()->crop(batch, height, width, channels, bottom, right, x, xPitch, y, yPitch);
}

void halcyon_crop_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t bottom,
        ptrdiff_t right, const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch) {
    kernels()->crop_backward(batch, height, width, channels, bottom, right, dy, dyPitch, dx, dxPitch);
}

void halcyon_multiply(ptrdiff_t pixels, ptrdiff_t channels, const float *a, ptrdiff_t aPitch, const float *b, ptrdiff_t
        bPitch, float *y, ptrdiff_t yPitch) {
    kernels()->multiply(pixels, channels, a, aPitch, b, bPitch, y, yPitch);
}

void halcyon_smooth_activation(ptrdiff_t pixels, ptrdiff_t channels, int kind, const float *x, ptrdiff_t xPitch, float *y,
        ptrdiff_t yPitch) {
    kernels()->smooth_activation(pixels, channels, kind, x, xPitch, y, yPitch);
}

void halcyon_smooth_activation_backward(ptrdiff_t pixels, ptrdiff_t channels, int kind, const float *x, ptrdiff_t xPitch,
        const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch) {
    kernels()->smooth_activation_backward(pixels, channels, kind, x, xPitch, dy, dyPitch, dx, dxPitch);
}

void halcyon_average_pool(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, float *y,
        ptrdiff_t yPitch) {
    kernels()->average_pool(batch, pixels, channels, x, xPitch, y, yPitch);
}

void halcyon_average_pool_backward(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, const float *dy, ptrdiff_t
        dyPitch, float *dx, ptrdiff_t dxPitch) {
    kernels()->average_pool_backward(batch, pixels, channels, dy, dyPitch, dx, dxPitch);
}

void halcyon_activated_pool(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, int kind, const float *x, ptrdiff_t
        xPitch, float *y, ptrdiff_t yPitch, float *mean, ptrdiff_t meanPitch) {
    kernels()->activated_pool(batch, pixels, channels, kind, x, xPitch, y, yPitch, mean, meanPitch);
}

void halcyon_activated_pool_backward(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, int kind, const float *x,
        ptrdiff_t xPitch, const float *dy, ptrdiff_t dyPitch, const float *dmean, ptrdiff_t dmeanPitch, float *dx, ptrdiff_t
        dxPitch) {
    kernels()->activated_pool_backward(batch, pixels, channels, kind, x, xPitch, dy, dyPitch, dmean, dmeanPitch, dx,
            dxPitch);
}

void halcyon_channel_scale(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const
        float *scale, ptrdiff_t scalePitch, float *y, ptrdiff_t yPitch) {
    kernels()->channel_scale(batch, pixels, channels, x, xPitch, scale, scalePitch, y, yPitch);
}

void halcyon_channel_scale_backward(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch,
        const float *scale, ptrdiff_t scalePitch, const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch, float
        *dscale, ptrdiff_t dscalePitch) {
    kernels()->channel_scale_backward(batch, pixels, channels, x, xPitch, scale, scalePitch, dy, dyPitch, dx, dxPitch,
            dscale, dscalePitch);
}

void halcyon_depthwise_weight_gradient(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, int kernel,
        ptrdiff_t dilation, int sourceKind, const float *x, ptrdiff_t xPitch, const float *dy, ptrdiff_t dyPitch, float *dw,
        float *db, void *scratch) {
    kernels()->depthwise_weight_gradient(batch, height, width, channels, kernel, dilation, sourceKind, x, xPitch, dy,
            dyPitch, dw, db, scratch);
}

ptrdiff_t halcyon_depthwise_scratch_bytes(ptrdiff_t width, ptrdiff_t channels, int kernel, ptrdiff_t dilation, int expands,
                                          int threads) {
    const ptrdiff_t margin = kernel / 2 * dilation, slab = 64, lines = kernel * kernel + 1;
    const ptrdiff_t ring = (2 * margin + 2) * (width + 2 * margin) * slab * (ptrdiff_t)sizeof(float);
    const ptrdiff_t totals = lines * ((channels + 15) / 16 * 16) * (ptrdiff_t)sizeof(double);
    const ptrdiff_t expanded = expands ? width * slab * (ptrdiff_t)sizeof(float) : 0;
    return threads * (ring + totals + expanded + (lines * slab * (ptrdiff_t)sizeof(float) + 63) / 64 * 64);
}

void halcyon_layer_norm(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *gamma,
                        const float *beta, float epsilon, float *y, ptrdiff_t yPitch) {
    kernels()->layer_norm(pixels, channels, x, xPitch, gamma, beta, epsilon, y, yPitch);
}

void halcyon_layer_norm_backward(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *dy,
                                 ptrdiff_t dyPitch, const float *gamma, float epsilon, float *dx, ptrdiff_t dxPitch,
                                 float *gammaGradient, float *betaGradient, double *scratch) {
    kernels()->layer_norm_backward(pixels, channels, x, xPitch, dy, dyPitch, gamma, epsilon, dx, dxPitch, gammaGradient,
                                   betaGradient, scratch);
}

static ptrdiff_t paddedTo16(ptrdiff_t count) { return (count + 15) / 16 * 16; }

ptrdiff_t halcyon_window_attention_scratch(ptrdiff_t heads, ptrdiff_t channels, ptrdiff_t window, int backward, int threads) {
    const ptrdiff_t tokens = window * window, bias = heads * tokens * paddedTo16(tokens);
    return bias + threads * halcyon_window_attention_share(heads, channels, window, backward);
}

void halcyon_window_attention(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t heads, ptrdiff_t channels,
                              ptrdiff_t window, ptrdiff_t shift, int mask, const float *qkv, ptrdiff_t qkvPitch,
                              const float *bias, float *y, ptrdiff_t yPitch, float *scratch) {
    kernels()->window_attention(batch, height, width, heads, channels, window, shift, mask, qkv, qkvPitch, bias, y, yPitch,
                                scratch);
}

void halcyon_window_attention_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t heads,
                                       ptrdiff_t channels, ptrdiff_t window, ptrdiff_t shift, int mask, const float *qkv,
                                       ptrdiff_t qkvPitch, const float *bias, const float *dy, ptrdiff_t dyPitch, float *dqkv,
                                       ptrdiff_t dqkvPitch, float *dbias, float *scratch) {
    kernels()->window_attention_backward(batch, height, width, heads, channels, window, shift, mask, qkv, qkvPitch, bias, dy,
                                         dyPitch, dqkv, dqkvPitch, dbias, scratch);
}

void halcyon_pixel_unshuffle(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t factor, int
        columnMajor, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch) {
    kernels()->pixel_unshuffle(batch, height, width, channels, factor, columnMajor, x, xPitch, y, yPitch);
}

void halcyon_pixel_shuffle(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t factor, int
        columnMajor, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch) {
    kernels()->pixel_shuffle(batch, height, width, channels, factor, columnMajor, x, xPitch, y, yPitch);
}

/// The kernels of bf16 pairs, where they serve for these operands on this thread; NULL: the others round and multiply floats.
static const halcyon_half_table *halves(int isRounded) {
    (void)isRounded;
#if defined(__x86_64__)
    if (isRounded && kernels() == &halcyon_kernels_amx) return &halcyon_halves_amx;
    if (isRounded && kernels() == &halcyon_kernels_avx512 && __builtin_cpu_supports("avx512bf16")) return &halcyon_halves_avx512;
#endif
    return NULL;
}

/// Calls a kernel of the chosen version or, for rounded operands, of the one for these where there is one.
#define CALL_ROUNDED(isRounded, name, ...) \
    (halves(isRounded) ? halves(isRounded)->name : kernels()->name)(__VA_ARGS__)

ptrdiff_t halcyon_conv3_weight_floats(ptrdiff_t inputs, ptrdiff_t outputs, int isRounded) {
    return CALL_ROUNDED(isRounded, conv3_weight_floats, inputs, outputs, isRounded);
}

ptrdiff_t halcyon_conv3_scratch(const halcyon_conv3_shape *shape, int weightGradient, int shares) {
    return CALL_ROUNDED(shape->isRounded, conv3_scratch, shape, weightGradient, shares);
}

void halcyon_conv3_weights(ptrdiff_t outputs, ptrdiff_t inputs, const float *weights, int reversed, int isRounded, float *prepared) {
    CALL_ROUNDED(isRounded, conv3_weights, outputs, inputs, weights, reversed, isRounded, prepared);
}

void halcyon_conv3(const halcyon_conv3_shape *shape, const float *x, const float *prepared, const float *bias,
                   const float *residual, float *y, float *scratch) {
    CALL_ROUNDED(shape->isRounded, conv3, shape, x, prepared, bias, residual, y, scratch);
}

void halcyon_conv3_weight_gradient(const halcyon_conv3_shape *shape, const float *x, const float *dy, float *dw, float *scratch) {
    CALL_ROUNDED(shape->isRounded, conv3_weight_gradient, shape, x, dy, dw, scratch);
}

ptrdiff_t halcyon_pointwise_packed_floats(ptrdiff_t inputs, ptrdiff_t outputs) { return paddedTo16(outputs) * inputs; }

void halcyon_pointwise_pack(ptrdiff_t inputs, ptrdiff_t outputs, const float *weights, int isTransposed, int isRounded,
                            float *packed) {
    CALL_ROUNDED(isRounded, pointwise_pack, inputs, outputs, weights, isTransposed, isRounded, packed);
}

ptrdiff_t halcyon_pointwise_scratch(const halcyon_pointwise *operands, int isGated, int threads) {
    const ptrdiff_t inputs = operands->inputs;
    if (operands->isRounded) return threads * pointwiseChunk * paddedTo16(inputs);
    return isGated ? threads * halcyon_pointwise_packed_floats(inputs, operands->outputs) : 0;
}

/// Of the version that serves for the operands on this thread.
static __typeof__(halcyon_pointwise_share) *pointwiseShare(const halcyon_pointwise *operands) {
    return halves(operands->isRounded) ? halves(operands->isRounded)->pointwise_share : kernels()->pointwise_share;
}

void halcyon_pointwise_share(void *operands, ptrdiff_t first, ptrdiff_t end, int share) {
    pointwiseShare(operands)(operands, first, end, share);
}

void halcyon_pointwise_run(const halcyon_pointwise *operands) {
    halcyon_parallel(operands->batch * operands->pixels, pointwiseChunk, pointwiseShare(operands), (void *)(size_t)operands);
}

void halcyon_depthwise(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, int kernel, ptrdiff_t
        dilation, int sourceKind, const halcyon_pointwise *expand, const float *x, ptrdiff_t xPitch, const float *weights,
        const float *bias, int derivativeKind, const float *argument, ptrdiff_t argumentPitch, float *y, ptrdiff_t yPitch, void *scratch) {
    halcyon_pointwise rows;
    if (expand) rows = *expand, rows.share = pointwiseShare(expand);
    kernels()->depthwise(batch, height, width, channels, kernel, dilation, sourceKind, expand ? &rows : NULL, x, xPitch, weights, bias,
            derivativeKind, argument, argumentPitch, y, yPitch, scratch);
}

ptrdiff_t halcyon_pointwise_gradient_scratch(ptrdiff_t inputs, ptrdiff_t outputs, int threads) {
    const ptrdiff_t totals = 2 * paddedTo16(inputs) * paddedTo16(outputs) + paddedTo16(outputs);
    return threads * (totals + 128 * (paddedTo16(inputs) + paddedTo16(outputs)));
}

void halcyon_pointwise_gradient_run(const halcyon_pointwise_gradient *operands) {
    CALL_ROUNDED(operands->isRounded, pointwise_gradient_run, operands);
}
