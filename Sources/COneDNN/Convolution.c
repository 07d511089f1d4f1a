#include "ConvolutionState.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// The toolchain ships no omp.h; oneDNN is linked against GCC's runtime.
extern void omp_set_num_threads(int);

static dnnl_engine_t engine;
static int engineStatus;
static pthread_once_t engineOnce = PTHREAD_ONCE_INIT;

static void createEngine(void) { engineStatus = dnnl_engine_create(&engine, dnnl_cpu, 0); }

const char *halcyon_dnn_status_name(int status) {
    static const char *const names[] = {"success", "out of memory", "invalid arguments", "unimplemented", "iterator ends",
                                        "runtime error", "not required"};
    return status >= 0 && status < (int)(sizeof names / sizeof *names) ? names[status] : "unknown status";
}

void halcyon_dnn_set_threads(int threads) { omp_set_num_threads(threads); }

static int outputSize(int input, int kernel, int stride, int padding, int dilation) {
    return (input + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

int halcyon_conv_output_height(const halcyon_conv_shape *s) {
    return outputSize(s->inputHeight, s->kernelHeight, s->stride, s->paddingHeight, s->dilation);
}

int halcyon_conv_output_width(const halcyon_conv_shape *s) {
    return outputSize(s->inputWidth, s->kernelWidth, s->stride, s->paddingWidth, s->dilation);
}

static int activationLayout(dnnl_memory_desc_t *desc, int64_t n, int64_t c, int64_t h, int64_t w) {
    const dnnl_dims_t dims = {n, c, h, w};
    return dnnl_memory_desc_init_by_tag(desc, 4, dims, dnnl_f32, dnnl_nhwc);
}

static int createMemory(dnnl_memory_t *memory, const dnnl_memory_desc_t *desc) {
    return dnnl_memory_create(memory, desc, engine, DNNL_MEMORY_NONE);
}

/// Chooses an implementation and makes its memory objects.
static int build(halcyon_conv *conv, const halcyon_conv_shape *s, int activation) {
    int status;
#define CHECK(call)                                   \
    if ((status = (call)) != dnnl_success) goto done
    dnnl_primitive_desc_t chosen = NULL, forward = NULL, reorder = NULL;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t postOps = NULL;

    dnnl_memory_desc_t source, weights, canonical, bias, destination;
    CHECK(activationLayout(&source, s->batch, s->inputChannels, s->inputHeight, s->inputWidth));
    CHECK(activationLayout(&destination, s->batch, s->outputChannels, halcyon_conv_output_height(s),
                           halcyon_conv_output_width(s)));
    const int grouped = s->groups > 1;
    const dnnl_dims_t weightDims = {s->outputChannels, s->inputChannels, s->kernelHeight, s->kernelWidth};
    const dnnl_dims_t groupedDims = {s->groups, s->outputChannels / s->groups, s->inputChannels / s->groups,
                                     s->kernelHeight, s->kernelWidth};
    CHECK(dnnl_memory_desc_init_by_tag(&weights, 4 + grouped, grouped ? groupedDims : weightDims, dnnl_f32,
                                       dnnl_format_tag_any));
    CHECK(dnnl_memory_desc_init_by_tag(&canonical, 4 + grouped, grouped ? groupedDims : weightDims, dnnl_f32,
                                       grouped ? dnnl_goihw : dnnl_oihw));
    const dnnl_dims_t biasDims = {s->outputChannels};
    CHECK(dnnl_memory_desc_init_by_tag(&bias, 1, biasDims, dnnl_f32, dnnl_x));
    const dnnl_dims_t strides = {s->stride, s->stride}, dilates = {s->dilation - 1, s->dilation - 1},
                      padding = {s->paddingHeight, s->paddingWidth};
    const dnnl_memory_desc_t *biasDesc = conv->hasBias ? &bias : NULL;

    CHECK(dnnl_primitive_attr_create(&attributes));
    CHECK(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));

    dnnl_convolution_desc_t desc;
    // The backward primitives want a hint; it is the forward pass of the same layouts.
    const int training = conv->direction != HALCYON_CONV_FORWARD;
    CHECK(dnnl_dilated_convolution_forward_desc_init(&desc, training ? dnnl_forward_training : dnnl_forward_inference,
                                                     dnnl_convolution_direct, &source, &weights, training ? NULL : biasDesc,
                                                     &destination, strides, dilates, padding, padding));
    if (!training) {
        if (activation == HALCYON_CONV_RELU) {
            CHECK(dnnl_post_ops_create(&postOps));
            CHECK(dnnl_post_ops_append_eltwise(postOps, 1, dnnl_eltwise_relu, 0, 0));
            CHECK(dnnl_primitive_attr_set_post_ops(attributes, postOps));
        }
        CHECK(dnnl_primitive_desc_create(&chosen, &desc, attributes, engine, NULL));
    } else {
        CHECK(dnnl_primitive_desc_create(&forward, &desc, attributes, engine, NULL));
        if (conv->direction == HALCYON_CONV_BACKWARD_DATA) {
            CHECK(dnnl_dilated_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &source, &weights,
                                                                   &destination, strides, dilates, padding, padding));
        } else {
            CHECK(dnnl_dilated_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &source, &weights, biasDesc,
                                                                      &destination, strides, dilates, padding, padding));
        }
        CHECK(dnnl_primitive_desc_create(&chosen, &desc, attributes, engine, forward));
    }

    const int ofGradient = conv->direction == HALCYON_CONV_BACKWARD_WEIGHTS;
    const dnnl_memory_desc_t *prepared =
        dnnl_primitive_desc_query_md(chosen, ofGradient ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    const dnnl_memory_desc_t *scratchpad = dnnl_primitive_desc_query_md(chosen, dnnl_query_scratchpad_md, 0);
    conv->weightBytes = dnnl_memory_desc_get_size(prepared);
    conv->scratchpadBytes = dnnl_memory_desc_get_size(scratchpad);
    CHECK(createMemory(&conv->source, &source));
    CHECK(createMemory(&conv->destination, &destination));
    CHECK(createMemory(&conv->weights, prepared));
    CHECK(createMemory(&conv->bias, &bias));
    CHECK(createMemory(&conv->scratchpad, scratchpad));
    if (!dnnl_memory_desc_equal(prepared, &canonical)) {
        CHECK(createMemory(&conv->canonical, &canonical));
        const dnnl_memory_desc_t *from = ofGradient ? prepared : &canonical, *to = ofGradient ? &canonical : prepared;
        CHECK(dnnl_reorder_primitive_desc_create(&reorder, from, engine, to, engine, NULL));
        CHECK(dnnl_primitive_create(&conv->reorder, reorder));
    }
    CHECK(dnnl_primitive_create(&conv->primitive, chosen));
    CHECK(dnnl_stream_create(&conv->stream, engine, dnnl_stream_default_flags));
done:
    if (reorder) dnnl_primitive_desc_destroy(reorder);
    if (chosen) dnnl_primitive_desc_destroy(chosen);
    if (forward) dnnl_primitive_desc_destroy(forward);
    if (postOps) dnnl_post_ops_destroy(postOps);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    return status;
#undef CHECK
}

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

static void planSlice(struct slice *slice, int pixels, int channels, int pitch, size_t *bytes) {
    *slice = (struct slice){.pixels = (size_t)pixels, .channels = (size_t)channels, .pitch = (size_t)pitch};
    slice->copied = pitch != channels;
    if (!slice->copied) return;
    slice->offset = aligned(*bytes);
    *bytes = slice->offset + slice->pixels * slice->channels * sizeof(float);
}

static void copySlices(halcyon_conv *conv, const halcyon_conv_shape *s) {
    planSlice(&conv->sourceSlice, s->batch * s->inputHeight * s->inputWidth, s->inputChannels, s->sourcePitch,
              &conv->scratchpadBytes);
    planSlice(&conv->destinationSlice, s->batch * halcyon_conv_output_height(s) * halcyon_conv_output_width(s),
              s->outputChannels, s->destinationPitch, &conv->scratchpadBytes);
}

/// Where oneDNN shall find a tensor.
static float *densePlace(const struct slice *slice, const float *data, void *scratchpad) {
    return slice->copied ? (float *)((char *)scratchpad + slice->offset) : (float *)data;
}

static float *gathered(const struct slice *slice, const float *data, void *scratchpad) {
    float *dense = densePlace(slice, data, scratchpad);
    if (slice->copied)
        for (size_t p = 0; p < slice->pixels; p++)
            memcpy(dense + p * slice->channels, data + p * slice->pitch, slice->channels * sizeof(float));
    return dense;
}

static void scatter(const struct slice *slice, float *data, void *scratchpad) {
    if (!slice->copied) return;
    const float *dense = densePlace(slice, data, scratchpad);
    for (size_t p = 0; p < slice->pixels; p++)
        memcpy(data + p * slice->pitch, dense + p * slice->channels, slice->channels * sizeof(float));
}

static int isValid(const halcyon_conv_shape *s, int direction) {
    return direction >= HALCYON_CONV_FORWARD && direction <= HALCYON_CONV_BACKWARD_WEIGHTS && s->batch > 0 && s->inputHeight > 0 &&
           s->inputWidth > 0 && s->inputChannels > 0 && s->outputChannels > 0 && s->kernelHeight > 0 && s->kernelWidth > 0 &&
           s->stride > 0 && s->dilation > 0 && s->groups > 0 && s->paddingHeight >= 0 && s->paddingWidth >= 0 &&
           s->inputChannels % s->groups == 0 && s->outputChannels % s->groups == 0 && s->sourcePitch >= s->inputChannels &&
           s->destinationPitch >= s->outputChannels && halcyon_conv_output_height(s) > 0 && halcyon_conv_output_width(s) > 0;
}

halcyon_conv *halcyon_conv_create(const halcyon_conv_shape *shape, int direction, int hasBias, int activation, int *status) {
    *status = dnnl_invalid_arguments;
    if (!isValid(shape, direction)) return NULL;
    pthread_once(&engineOnce, createEngine);
    if ((*status = engineStatus) != dnnl_success) return NULL;
    halcyon_conv *conv = calloc(1, sizeof *conv);
    *status = dnnl_out_of_memory;
    if (!conv) return NULL;
    conv->direction = direction;
    conv->hasBias = hasBias != 0;
    if (halcyon_thin_build(conv, shape, activation)) {
        *status = dnnl_success;
        return conv;
    }
    *status = build(conv, shape, activation);
    copySlices(conv, shape);
    if (*status == dnnl_success) return conv;
    halcyon_conv_destroy(conv);
    return NULL;
}

void halcyon_conv_destroy(halcyon_conv *conv) {
    if (!conv) return;
    dnnl_memory_t memories[] = {conv->source, conv->weights, conv->bias, conv->destination, conv->scratchpad, conv->canonical};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i]) dnnl_memory_destroy(memories[i]);
    if (conv->primitive) dnnl_primitive_destroy(conv->primitive);
    if (conv->reorder) dnnl_primitive_destroy(conv->reorder);
    if (conv->stream) dnnl_stream_destroy(conv->stream);
    free(conv);
}

size_t halcyon_conv_weight_bytes(const halcyon_conv *conv) { return conv->weightBytes; }
size_t halcyon_conv_scratchpad_bytes(const halcyon_conv *conv) { return conv->scratchpadBytes; }
static int execute(halcyon_conv *conv, dnnl_primitive_t primitive, int count, const dnnl_exec_arg_t *arguments) {
    int status = dnnl_primitive_execute(primitive, conv->stream, count, arguments);
    return status != dnnl_success ? status : dnnl_stream_wait(conv->stream);
}

static int reorder(halcyon_conv *conv, dnnl_memory_t from, const void *fromData, dnnl_memory_t to, void *toData) {
    dnnl_memory_set_data_handle(from, (void *)fromData);
    dnnl_memory_set_data_handle(to, toData);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return execute(conv, conv->reorder, 2, arguments);
}

int halcyon_conv_prepare_weights(halcyon_conv *conv, const float *oihw, void *prepared) {
    if (conv->thin && conv->direction != HALCYON_CONV_BACKWARD_WEIGHTS) {
        halcyon_thin_prepare(conv, oihw, prepared);
        return dnnl_success;
    }
    if (conv->canonical) return reorder(conv, conv->canonical, oihw, conv->weights, prepared);
    if (prepared != (const void *)oihw) memcpy(prepared, oihw, conv->weightBytes);
    return dnnl_success;
}

int halcyon_conv_finish_weights(halcyon_conv *conv, const void *prepared, float *oihw) {
    if (conv->canonical) return reorder(conv, conv->weights, prepared, conv->canonical, oihw);
    if (prepared != (const void *)oihw) memcpy(oihw, prepared, conv->weightBytes);
    return dnnl_success;
}

int halcyon_conv_forward(halcyon_conv *conv, const float *source, const void *weights, const float *bias, float *destination,
                         void *scratchpad) {
    if (conv->direction != HALCYON_CONV_FORWARD) return dnnl_invalid_arguments;
    if (conv->thin) {
        conv->thin->gather(&conv->thinShape, source, weights, conv->hasBias ? bias : NULL, conv->relu, destination);
        return dnnl_success;
    }
    dnnl_memory_set_data_handle(conv->source, gathered(&conv->sourceSlice, source, scratchpad));
    dnnl_memory_set_data_handle(conv->weights, (void *)weights);
    dnnl_memory_set_data_handle(conv->destination, densePlace(&conv->destinationSlice, destination, scratchpad));
    dnnl_memory_set_data_handle(conv->scratchpad, scratchpad);
    if (conv->hasBias) dnnl_memory_set_data_handle(conv->bias, (void *)bias);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, conv->source},
                                         {DNNL_ARG_WEIGHTS, conv->weights},
                                         {DNNL_ARG_DST, conv->destination},
                                         {DNNL_ARG_SCRATCHPAD, conv->scratchpad},
                                         {DNNL_ARG_BIAS, conv->bias}};
    const int status = execute(conv, conv->primitive, 4 + conv->hasBias, arguments);
    scatter(&conv->destinationSlice, destination, scratchpad);
    return status;
}

int halcyon_conv_backward_data(halcyon_conv *conv, const float *destinationGradient, const void *weights, float *sourceGradient,
                               void *scratchpad) {
    if (conv->direction != HALCYON_CONV_BACKWARD_DATA) return dnnl_invalid_arguments;
    if (conv->thin) {
        conv->thin->gather(&conv->thinShape, destinationGradient, weights, NULL, 0, sourceGradient);
        return dnnl_success;
    }
    dnnl_memory_set_data_handle(conv->destination, gathered(&conv->destinationSlice, destinationGradient, scratchpad));
    dnnl_memory_set_data_handle(conv->weights, (void *)weights);
    dnnl_memory_set_data_handle(conv->source, densePlace(&conv->sourceSlice, sourceGradient, scratchpad));
    dnnl_memory_set_data_handle(conv->scratchpad, scratchpad);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_DIFF_DST, conv->destination},
                                         {DNNL_ARG_WEIGHTS, conv->weights},
                                         {DNNL_ARG_DIFF_SRC, conv->source},
                                         {DNNL_ARG_SCRATCHPAD, conv->scratchpad}};
    const int status = execute(conv, conv->primitive, 4, arguments);
    scatter(&conv->sourceSlice, sourceGradient, scratchpad);
    return status;
}

int halcyon_conv_backward_weights(halcyon_conv *conv, const float *source, const float *destinationGradient,
                                  void *preparedGradient, float *biasGradient, void *scratchpad) {
    if (conv->direction != HALCYON_CONV_BACKWARD_WEIGHTS) return dnnl_invalid_arguments;
    if (conv->thin) {
        halcyon_thin_correlate(conv, source, destinationGradient, preparedGradient, biasGradient, scratchpad);
        return dnnl_success;
    }
    dnnl_memory_set_data_handle(conv->source, gathered(&conv->sourceSlice, source, scratchpad));
    dnnl_memory_set_data_handle(conv->destination, gathered(&conv->destinationSlice, destinationGradient, scratchpad));
    dnnl_memory_set_data_handle(conv->weights, preparedGradient);
    dnnl_memory_set_data_handle(conv->scratchpad, scratchpad);
    if (conv->hasBias) dnnl_memory_set_data_handle(conv->bias, biasGradient);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, conv->source},
                                         {DNNL_ARG_DIFF_DST, conv->destination},
                                         {DNNL_ARG_DIFF_WEIGHTS, conv->weights},
                                         {DNNL_ARG_SCRATCHPAD, conv->scratchpad},
                                         {DNNL_ARG_DIFF_BIAS, conv->bias}};
    return execute(conv, conv->primitive, 4 + conv->hasBias, arguments);
}
