// Convolutions through oneDNN, and through own kernels where a layer is too thin for it. The only place that includes dnnl.h.
//
// Activations are Float32, channels-last [N, H, W, C]. A *pitch* is the distance in floats from one pixel to the next;
// it is at least C, and larger where a tensor is a slice of channels of a wider buffer (then the pointer is that of the
// slice's first channel). Images follow each other without gaps: pixel (n, h, w) starts at ((n * H + h) * W + w) * pitch.
// Weights and their gradients are canonical OIHW [O, I / groups, KH, KW]; each convolution has its own *prepared* form of
// them. Pointers should be 64-byte aligned for speed. Same inputs, same bits, for one machine type and thread count.
#ifndef HALCYON_CONEDNN_H
#define HALCYON_CONEDNN_H
#include <stddef.h>

#define HALCYON_CONV_FORWARD 0
#define HALCYON_CONV_BACKWARD_DATA 1
#define HALCYON_CONV_BACKWARD_WEIGHTS 2

#define HALCYON_CONV_NO_ACTIVATION 0
#define HALCYON_CONV_RELU 1

/// The sizes of one convolution. Output height = (inputHeight + 2 * paddingHeight - dilation * (kernelHeight - 1) - 1) / stride + 1,
/// width likewise. `dilation` is 1 for a dense kernel. `source` is the layer's input, `destination` its output, in every direction.
typedef struct halcyon_conv_shape {
    int batch;
    int inputHeight, inputWidth, inputChannels;
    int outputChannels;
    int kernelHeight, kernelWidth;
    int stride;
    int paddingHeight, paddingWidth;
    int dilation;
    int groups;
    int sourcePitch, destinationPitch;
} halcyon_conv_shape;

/// One convolution in one direction, ready to run. Owns no tensor memory. Not for use by two threads at once.
typedef struct halcyon_conv halcyon_conv;

/// Status codes: 0 is success; others are oneDNN's dnnl_status_t (1 out of memory, 2 invalid arguments, 3 unimplemented ...).
const char *halcyon_dnn_status_name(int status);
/// Threads that oneDNN's OpenMP runtime may use from now on in calls of the calling thread. Changes bits of results.
void halcyon_dnn_set_threads(int threads);

/// Chooses the version of the own kernels ("avx512", "avx2", "portable") in convolutions that the calling thread creates from
/// now on, for tests; NULL returns to the best one. Returns 1, or 0 if unknown or not supported here.
int halcyon_conv_force_isa(const char *name);

/// Creates a convolution. `hasBias`: forward adds a bias, backward weights also computes the bias gradient.
/// `activation`: forward only, applied after the bias. Returns NULL and writes a status if it cannot be made.
halcyon_conv *halcyon_conv_create(const halcyon_conv_shape *shape, int direction, int hasBias, int activation, int *status);
void halcyon_conv_destroy(halcyon_conv *convolution);

int halcyon_conv_output_height(const halcyon_conv_shape *shape);
int halcyon_conv_output_width(const halcyon_conv_shape *shape);

/// Bytes of the prepared weights (forward, backward data) or of the prepared weight gradient (backward weights).
size_t halcyon_conv_weight_bytes(const halcyon_conv *convolution);
/// Bytes of scratch memory a run needs; may be 0. Its content is undefined before and after.
size_t halcyon_conv_scratchpad_bytes(const halcyon_conv *convolution);

/// OIHW to the prepared form (forward and backward data).
int halcyon_conv_prepare_weights(halcyon_conv *convolution, const float *oihw, void *prepared);
/// The prepared gradient to OIHW (backward weights).
int halcyon_conv_finish_weights(halcyon_conv *convolution, const void *preparedGradient, float *oihwGradient);

/// destination = activation(source * weights + bias). `bias` [O], NULL without bias. Overwrites the destination.
int halcyon_conv_forward(halcyon_conv *convolution, const float *source, const void *preparedWeights, const float *bias,
                         float *destination, void *scratchpad);
/// Overwrites the source gradient.
int halcyon_conv_backward_data(halcyon_conv *convolution, const float *destinationGradient, const void *preparedWeights,
                               float *sourceGradient, void *scratchpad);
/// Overwrites the prepared weight gradient, and the bias gradient [O] (NULL without bias).
int halcyon_conv_backward_weights(halcyon_conv *convolution, const float *source, const float *destinationGradient,
                                  void *preparedGradient, float *biasGradient, void *scratchpad);
#endif
