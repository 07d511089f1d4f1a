// Stateless Float32 kernels on raw pointers, one thread each. Every kernel exists as a portable, an AVX2 and an AVX-512
// version of one source, chosen at run time, and those of bf16 also one for AMX; results of different versions may differ in the
// last bits, those of one version never do.
//
// Tensors are channels-last. `pixels` is N * H * W; a *pitch* is the distance in floats from one pixel to the next, at
// least `channels`, larger where the tensor is a slice of channels of a wider buffer. Destinations are overwritten unless
// the name says `accumulate`. Unless noted, a destination may be the same memory as a source of the same pitch, but may
// not overlap it otherwise. Any count, also 0, and any alignment is allowed; 64-byte alignment is fastest.
#ifndef HALCYON_CKERNELS_H
#define HALCYON_CKERNELS_H
#include <stddef.h>

/// The instruction set in use: "amx" (AVX-512 and, for bf16, tiles), "avx512", "avx2" or "portable".
const char *halcyon_kernels_isa(void);
/// Chooses the version that the calling thread uses by name, for tests; NULL returns to the best one. Returns 1, or 0 if
/// unknown or not supported here.
int halcyon_kernels_force_isa(const char *name);

// MARK: Threads

/// The threads that kernels called from this thread may use; 1 at first.
void halcyon_set_threads(int threads);
int halcyon_threads(void);
/// How many shares `halcyon_parallel` makes of `count` items: the threads, or fewer when there are fewer units of `grain` items.
int halcyon_shares(ptrdiff_t count, ptrdiff_t grain);
/// Runs `body(context, first, end, share)` over 0 ..< count in contiguous shares, each on a thread of its own; boundaries are
/// multiples of `grain`, and the same for the same numbers. Returns when all are done.
void halcyon_parallel(ptrdiff_t count, ptrdiff_t grain, void (*body)(void *context, ptrdiff_t first, ptrdiff_t end, int share),
                      void *context);

// MARK: The machine's limits, for profiles. Each takes a fraction of a second.

/// The most GFLOP/s of `threads` threads: independent fused multiply-adds of the instruction set in use, in Float32, or with `bf16`
/// and where the processor has them, products of bf16 pairs.
double halcyon_measure_peak_gflops(int threads, int bf16);
/// The GB/s of `threads` threads that add two long arrays into a third, its bytes counted once (STREAM, McCalpin 1995).
double halcyon_measure_bandwidth(int threads);

// MARK: Flat memory

/// y = x * factor
void halcyon_scale(ptrdiff_t count, const float *x, float factor, float *y);
/// y = factor x, or y += factor x where `adds`.
void halcyon_add_scaled(ptrdiff_t count, const float *x, float factor, int adds, float *y);
/// 1 if every element is finite.
int halcyon_all_finite(ptrdiff_t count, const float *x);

/// One Adam step in one pass over flat memory, PyTorch's formula (Kingma and Ba 2015; decoupled decay: Loshchilov and Hutter 2019, AdamW):
/// p -= learningRate * weightDecay * p; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g²;
/// p -= learningRate / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon). `step` counts from 1.
/// The gradient is multiplied by `gradientScale` on reading (1, or a clipping factor); it is not written.
void halcyon_adam(ptrdiff_t count, float *parameters, const float *gradients, float *firstMoments, float *secondMoments,
                  double learningRate, double beta1, double beta2, double epsilon, double weightDecay, ptrdiff_t step,
                  float gradientScale);

/// Mean of (x - t)². Double accumulation.
double halcyon_mean_squared_error(ptrdiff_t count, const float *x, const float *target);
/// dx = 2 (x - t) / count * scale
void halcyon_mean_squared_error_gradient(ptrdiff_t count, const float *x, const float *target, float scale, float *dx);
/// Mean of |x - t|. Double accumulation.
double halcyon_mean_absolute_error(ptrdiff_t count, const float *x, const float *target);
/// dx = sign(x - t) / count * scale, 0 where equal
void halcyon_mean_absolute_error_gradient(ptrdiff_t count, const float *x, const float *target, float scale, float *dx);

// MARK: Pixels and channels

/// y = x
void halcyon_copy(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch);
/// y = a + b
void halcyon_add(ptrdiff_t pixels, ptrdiff_t channels, const float *a, ptrdiff_t aPitch, const float *b, ptrdiff_t bPitch,
                 float *y, ptrdiff_t yPitch);
/// y = a - b
void halcyon_subtract(ptrdiff_t pixels, ptrdiff_t channels, const float *a, ptrdiff_t aPitch, const float *b, ptrdiff_t bPitch,
                      float *y, ptrdiff_t yPitch);
/// y = max(x, slope * x) as x > 0 ? x : slope * x; slope 0 is ReLU.
void halcyon_leaky_relu(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, float slope, float *y,
                        ptrdiff_t yPitch);
/// dx = y > 0 ? dy : slope * dy, from the activation's output y (slope >= 0). dx may be dy.
void halcyon_leaky_relu_backward(ptrdiff_t pixels, ptrdiff_t channels, const float *y, ptrdiff_t yPitch, const float *dy,
                                 ptrdiff_t dyPitch, float slope, float *dx, ptrdiff_t dxPitch);

// MARK: Batch normalization (Ioffe and Szegedy 2015)

/// Doubles of `scratch` that each thread needs: two sums for each of at most 1024 channels or repeated channels at a time.
enum { HALCYON_BATCH_NORM_SCRATCH = 2 * 1024 };

/// Training: mean[c], inverseDeviation[c] = 1 / sqrt(variance + epsilon) with the biased variance; if not NULL, running =
/// (1 - momentum) running + momentum * batch, the variance unbiased, as PyTorch.
void halcyon_batch_norm_statistics(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, float epsilon,
                                   float momentum, float *mean, float *inverseDeviation, float *runningMean,
                                   float *runningVariance, double *scratch);
/// y = act((x - mean) * inverseDeviation * gamma + beta), act ReLU if `relu`.
void halcyon_batch_norm_apply(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *gamma,
                              const float *beta, const float *mean, const float *inverseDeviation, int relu, float *y,
                              ptrdiff_t yPitch);
/// Inference: y = act((x - runningMean) / sqrt(runningVariance + epsilon) * gamma + beta).
void halcyon_batch_norm_inference(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *gamma,
                                  const float *beta, const float *runningMean, const float *runningVariance, float epsilon,
                                  int relu, float *y, ptrdiff_t yPitch);
/// Gradients of the training pass from its input x, its statistics and dy. With `relu`, dy is first masked by y > 0, which is
/// recomputed from x, gamma and beta (bit-equal to the forward pass and one tensor less to read). Overwrites dx,
/// gammaGradient[c], betaGradient[c]. dx may be dy or x.
void halcyon_batch_norm_backward(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *dy, ptrdiff_t dyPitch, const float *gamma, const float *beta,
                                 const float *mean, const float *inverseDeviation, int relu, float *dx, ptrdiff_t dxPitch,
                                 float *gammaGradient, float *betaGradient, double *scratch);

// MARK: Images. Heights and widths are the input's (of the forward direction). Source and destination must not overlap.

/// 2x2 windows, stride 2, floor sizes: [N, H, W, C] to [N, H / 2, W / 2, C].
void halcyon_max_pool2(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const float *x,
                       ptrdiff_t xPitch, float *y, ptrdiff_t yPitch);
/// dy [N, H / 2, W / 2, C] goes to each window's first maximum in row-major order, as PyTorch; all else in dx is 0.
void halcyon_max_pool2_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const float *x,
                                ptrdiff_t xPitch, const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch);
/// Bilinear, half-pixel centres, edges clamped (F.interpolate, align_corners=False): [N, H, W, C] to [N, 2H, 2W, C].
void halcyon_upsample2(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const float *x,
                       ptrdiff_t xPitch, float *y, ptrdiff_t yPitch);
/// The transpose: dy [N, 2H, 2W, C] to dx [N, H, W, C].
void halcyon_upsample2_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const float *dy,
                                ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch);

#define HALCYON_PAD_ZERO 0
#define HALCYON_PAD_REPLICATE 1
/// Without repeating the edge; `bottom` < height and `right` < width.
#define HALCYON_PAD_REFLECT 2
/// [N, H, W, C] to [N, H + bottom, W + right, C].
void halcyon_pad(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t bottom, ptrdiff_t right,
                 int mode, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch);
/// The transpose: dy [N, H + bottom, W + right, C] to dx [N, H, W, C].
void halcyon_pad_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t bottom,
                          ptrdiff_t right, int mode, const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch);
/// The top left part: [N, H + bottom, W + right, C] to [N, H, W, C].
void halcyon_crop(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t bottom, ptrdiff_t right,
                  const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch);
/// The transpose: dy [N, H, W, C] to dx [N, H + bottom, W + right, C], 0 outside.
void halcyon_crop_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t bottom,
                           ptrdiff_t right, const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch);

// MARK: Smooth activations and gates

#define HALCYON_ACTIVATION_NONE 0
/// x Φ(x) with the Gauss error function (Hendrycks and Gimpel 2016).
#define HALCYON_ACTIVATION_GELU 1
/// x relu6(x + 3) / 6 (Howard et al. 2019)
#define HALCYON_ACTIVATION_HARD_SWISH 2
/// relu6(x + 3) / 6
#define HALCYON_ACTIVATION_HARD_SIGMOID 3
#define HALCYON_ACTIVATION_SIGMOID 4

/// y = a * b
void halcyon_multiply(ptrdiff_t pixels, ptrdiff_t channels, const float *a, ptrdiff_t aPitch, const float *b, ptrdiff_t
        bPitch, float *y, ptrdiff_t yPitch);
/// y = act(x), `kind` one of HALCYON_ACTIVATION_*.
void halcyon_smooth_activation(ptrdiff_t pixels, ptrdiff_t channels, int kind, const float *x, ptrdiff_t xPitch, float *y,
        ptrdiff_t yPitch);
/// dx = dy act'(x), from the activation's input x. dx may be dy.
void halcyon_smooth_activation_backward(ptrdiff_t pixels, ptrdiff_t channels, int kind, const float *x, ptrdiff_t xPitch,
        const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch);
/// The mean of each image and channel: x [batch, pixels, C] to y [batch, C]. `pixels` is H * W from here to the scale's
/// gradient. Double accumulation.
void halcyon_average_pool(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, float *y,
        ptrdiff_t yPitch);
/// dx = dy / pixels in every pixel.
void halcyon_average_pool_backward(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, const float *dy, ptrdiff_t
        dyPitch, float *dx, ptrdiff_t dxPitch);
/// y = act(x) and its mean of each image and channel, in one pass. y may be x.
void halcyon_activated_pool(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, int kind, const float *x, ptrdiff_t
        xPitch, float *y, ptrdiff_t yPitch, float *mean, ptrdiff_t meanPitch);
/// dx = (dy + dmean / pixels) act'(x). dx may be dy.
void halcyon_activated_pool_backward(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, int kind, const float *x,
        ptrdiff_t xPitch, const float *dy, ptrdiff_t dyPitch, const float *dmean, ptrdiff_t dmeanPitch, float *dx, ptrdiff_t
        dxPitch);
/// y = x * scale, scale [batch, C]. y may be x.
void halcyon_channel_scale(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const
        float *scale, ptrdiff_t scalePitch, float *y, ptrdiff_t yPitch);
/// dx = dy * scale and dscale = the sum of dy * x over pixels, in one pass. dx may be dy. Double accumulation.
void halcyon_channel_scale_backward(ptrdiff_t batch, ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch,
        const float *scale, ptrdiff_t scalePitch, const float *dy, ptrdiff_t dyPitch, float *dx, ptrdiff_t dxPitch, float
        *dscale, ptrdiff_t dscalePitch);

// MARK: Depthwise convolution. Stride 1, kernel 3, 5 or 7, zero padding that keeps the size.

struct halcyon_pointwise;
/// Bytes of 64-byte aligned `scratch` that the two kernels below need.
ptrdiff_t halcyon_depthwise_scratch_bytes(ptrdiff_t width, ptrdiff_t channels, int kernel, ptrdiff_t dilation, int expands,
                                          int threads);
/// y = bias + the depthwise convolution of act(x), bias and act optional (NULL, HALCYON_ACTIVATION_NONE). `weights` is
/// [kernel * kernel, C rounded up to 16], zeros behind C. If `argument` is not NULL, y is multiplied by the derivative of
/// `derivativeKind` there: with the taps in reverse order and x = dy, that is the gradient of the convolution of an activation. y must
/// not overlap x or the argument. With `expand` (else NULL) the convolution is of act(expand x): its weights, bias, inputs,
/// rounding and scratch count; rows of what it makes are never written to memory.
void halcyon_depthwise(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, int kernel, ptrdiff_t
        dilation, int sourceKind, const struct halcyon_pointwise *expand, const float *x, ptrdiff_t xPitch, const float *weights, const float *bias, int
        derivativeKind, const float *argument, ptrdiff_t argumentPitch, float *y, ptrdiff_t yPitch, void *scratch);
/// dw [C, kernel, kernel] and, if not NULL, db [C], from the convolution's input x (before its activation) and dy. Sums of 16
/// rows are float, of more double.
void halcyon_depthwise_weight_gradient(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, int kernel,
        ptrdiff_t dilation, int sourceKind, const float *x, ptrdiff_t xPitch, const float *dy, ptrdiff_t dyPitch, float *dw,
        float *db, void *scratch);

// MARK: Attention

/// Layer normalization over the channels of each pixel: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, the variance
/// biased.
void halcyon_layer_norm(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *gamma,
                        const float *beta, float epsilon, float *y, ptrdiff_t yPitch);
/// Its gradients, the statistics recomputed from x. Overwrites dx, gammaGradient[c], betaGradient[c]. dx may be dy or x.
/// `scratch` holds 2 * channels doubles for each thread.
void halcyon_layer_norm_backward(ptrdiff_t pixels, ptrdiff_t channels, const float *x, ptrdiff_t xPitch, const float *dy,
                                 ptrdiff_t dyPitch, const float *gamma, float epsilon, float *dx, ptrdiff_t dxPitch,
                                 float *gammaGradient, float *betaGradient, double *scratch);

#define HALCYON_ATTENTION_LARGEST_WINDOW 16
#define HALCYON_ATTENTION_PACKING 16
/// Most queries that are taken at once.
#define HALCYON_ATTENTION_PANEL 32
/// The floats of `scratch` that the two kernels below need on so many threads; `channels` are those of one head.
ptrdiff_t halcyon_window_attention_scratch(ptrdiff_t heads, ptrdiff_t channels, ptrdiff_t window, int backward, int threads);
/// Those of one share of the windows.
static inline ptrdiff_t halcyon_window_attention_share(ptrdiff_t heads, ptrdiff_t channels, ptrdiff_t window, int backward) {
    const ptrdiff_t tokens = window * window, packing = HALCYON_ATTENTION_PACKING;
    const ptrdiff_t queries = (tokens + packing - 1) / packing * packing, span = (channels + packing - 1) / packing * packing;
    const ptrdiff_t rows = tokens * span, transposed = channels * queries, panel = tokens * HALCYON_ATTENTION_PANEL;
    const ptrdiff_t forward = 2 * transposed + 2 * rows + panel;
    return !backward ? forward : forward + transposed + 4 * rows + panel + 2 * heads * tokens * queries;
}
/// Multi-head self-attention inside window x window pixels of the map rolled by -shift in both directions (Swin, Liu et al.
/// 2021), rolled back: softmax(q k / sqrt(channels) + bias) v. `channels` are those of one head; qkv has 3 * heads * channels:
/// q of all heads, then k, then v; y has heads * channels. bias is [heads][query][key] with window² queries and keys. `mask`
/// excludes keys that the roll alone brought into the window. height and width are multiples of the window, which is at most
/// HALCYON_ATTENTION_LARGEST_WINDOW; 0 <= shift < window. y must not overlap qkv.
void halcyon_window_attention(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t heads, ptrdiff_t channels,
                              ptrdiff_t window, ptrdiff_t shift, int mask, const float *qkv, ptrdiff_t qkvPitch,
                              const float *bias, float *y, ptrdiff_t yPitch, float *scratch);
/// Its gradients from qkv, bias and dy, the softmax recomputed: overwrites dqkv and dbias, which is summed over windows and
/// images in an order that depends on the number of threads only.
void halcyon_window_attention_backward(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t heads,
                                       ptrdiff_t channels, ptrdiff_t window, ptrdiff_t shift, int mask, const float *qkv,
                                       ptrdiff_t qkvPitch, const float *bias, const float *dy, ptrdiff_t dyPitch, float *dqkv,
                                       ptrdiff_t dqkvPitch, float *dbias, float *scratch);

// MARK: Convolution 3x3: by Winograd's F(4x4, 3x3), or for rounded operands with the processor's tiles where it has them

/// A training pass' batch norm with a ReLU, applied to each pixel as it is read: what `halcyon_batch_norm_apply` makes.
typedef struct {
    const float *gamma, *beta, *mean, *inverseDeviation;
} halcyon_normalization;

/// A convolution with stride 1, dilation 1 and zero padding that keeps the size.
typedef struct {
    ptrdiff_t batch, height, width, inputChannels, outputChannels;
    /// Floats from one pixel to the next.
    ptrdiff_t xPitch, yPitch, residualPitch;
    /// The output's positive part is written.
    int relu;
    /// The products' operands are rounded to bf16; for weights that were prepared so.
    int isRounded;
    /// Of x, before the padding; NULL: none.
    const halcyon_normalization *normalization;
} halcyon_conv3_shape;

/// Floats of prepared weights from so many inputs to so many outputs.
ptrdiff_t halcyon_conv3_weight_floats(ptrdiff_t inputs, ptrdiff_t outputs, int isRounded);
/// Bytes of 64-byte aligned scratch that `shares` threads need.
ptrdiff_t halcyon_conv3_scratch(const halcyon_conv3_shape *shape, int weightGradient, int shares);
/// Prepares weights `[outputs, inputs, 3, 3]`; `reversed`: for the gradient of the input, from outputs to inputs.
void halcyon_conv3_weights(ptrdiff_t outputs, ptrdiff_t inputs, const float *weights, int reversed, int isRounded,
                           float *prepared);
/// y = the convolution of x, + bias and residual where not NULL. With weights prepared `reversed` and dy for x, the gradient
/// of the input.
void halcyon_conv3(const halcyon_conv3_shape *shape, const float *x, const float *prepared, const float *bias,
                   const float *residual, float *y, float *scratch);
/// dw `[outputChannels, inputChannels, 3, 3]` from x and dy.
void halcyon_conv3_weight_gradient(const halcyon_conv3_shape *shape, const float *x, const float *dy, float *dw,
                                   float *scratch);

// MARK: Pointwise convolution = one small matrix product over all pixels

typedef struct halcyon_pointwise {
    /// `pixels` of one image.
    ptrdiff_t batch, pixels, inputs, outputs;
    /// The output from which they are counted, a multiple of 16: weights and biases before it are passed over.
    ptrdiff_t firstOutput;
    const float *x;
    ptrdiff_t xPitch;
    /// Multiplies x, [batch, inputs]; NULL: none.
    const float *gate;
    /// Multiplies the products, [batch, outputs]; NULL: none.
    const float *outputGate;
    /// Of either.
    ptrdiff_t gatePitch;
    /// From `halcyon_pointwise_pack`, with the same `isRounded`.
    const float *weights;
    /// [outputs] or NULL.
    const float *bias;
    /// Added before the activation; NULL: none. May be y.
    const float *residual;
    ptrdiff_t residualPitch;
    int relu;
    /// One of HALCYON_ACTIVATION_*.
    int activation;
    float *y;
    ptrdiff_t yPitch;
    /// Whether x (after the gate) and the weights are rounded to bf16, to nearest even; sums are float in any case.
    int isRounded;
    /// `halcyon_pointwise_scratch` floats.
    void *scratch;
    /// Set by `halcyon_depthwise`, whose threads run it for their rows.
    void (*share)(void *operands, ptrdiff_t first, ptrdiff_t end, int share);
} halcyon_pointwise;

typedef struct halcyon_pointwise_gradient {
    ptrdiff_t batch, pixels, inputs, outputs;
    const float *x;
    ptrdiff_t xPitch;
    const float *dy;
    ptrdiff_t dyPitch;
    /// [outputs, inputs] and, if not NULL, [outputs].
    float *dw, *db;
    /// A gate that multiplies x, [batch, inputs], and its gradient; NULL: none. The weights [outputs, inputs] are read for it alone.
    const float *gate, *weights;
    ptrdiff_t gatePitch;
    float *dGate;
    ptrdiff_t dGatePitch;
    /// Whether x and dy are rounded to bf16 for dw; db is exact.
    int isRounded;
    /// `halcyon_pointwise_gradient_scratch` floats.
    void *scratch;
} halcyon_pointwise_gradient;

/// Floats of packed weights: outputs rounded up to 16, times inputs.
ptrdiff_t halcyon_pointwise_packed_floats(ptrdiff_t inputs, ptrdiff_t outputs);
/// Packs [outputs, inputs], or [inputs, outputs] if `isTransposed`, as the gradient of the input needs it.
void halcyon_pointwise_pack(ptrdiff_t inputs, ptrdiff_t outputs, const float *weights, int isTransposed, int isRounded,
                            float *packed);
/// From the sizes and `isRounded`, and whether there is a gate.
ptrdiff_t halcyon_pointwise_scratch(const halcyon_pointwise *operands, int isGated, int threads);
/// y = act(relu(outputGate W (gate x) + bias + residual)), all but W x optional. y must not overlap x.
void halcyon_pointwise_run(const halcyon_pointwise *operands);
/// Of it, pixels first ..< end of all images, on this thread alone. `operands` is a `halcyon_pointwise`.
void halcyon_pointwise_share(void *operands, ptrdiff_t first, ptrdiff_t end, int share);
ptrdiff_t halcyon_pointwise_gradient_scratch(ptrdiff_t inputs, ptrdiff_t outputs, int threads);
/// dw = the sum over pixels of dy (gate x)ᵀ and db = that of dy. Sums of 128 pixels are made in registers, their sum is float. With a
/// gate, T = the sum over an image's pixels of dy xᵀ gives both: dw = the sum over images of T gate, dGate = the sum over outputs of W T.
void halcyon_pointwise_gradient_run(const halcyon_pointwise_gradient *operands);

// MARK: Sub-images

/// [N, H, W, C] to [N, H / factor, W / factor, C factor²], sizes that `factor` divides: channel c factor² + k is channel c of place
/// k of each cell; place (row, column) is row factor + column, or column factor + row if `columnMajor`.
void halcyon_pixel_unshuffle(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t factor,
                             int columnMajor, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch);
/// The inverse and the transpose: [N, H / factor, W / factor, C factor²] to [N, H, W, C].
void halcyon_pixel_shuffle(ptrdiff_t batch, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, ptrdiff_t factor,
                           int columnMajor, const float *x, ptrdiff_t xPitch, float *y, ptrdiff_t yPitch);
#endif
