#include "CImageCodecs.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

// Whether the chunks reach a whole IEND: libspng reads a file without the end of it as if nothing were missing.
static int png_is_whole(const uint8_t *bytes, size_t count) {
    size_t at = 8;
    while (at + 12 <= count) {
        const uint8_t *chunk = bytes + at;
        size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
        if (length > count - at - 12) return 0;
        if (memcmp(chunk + 4, "IEND", 4) == 0) return 1;
        at += 12 + length;
    }
    return 0;
}

static const char *png_decode(spng_ctx *context, const uint8_t *bytes, size_t count, halcyon_picture *picture) {
    if (!png_is_whole(bytes, count)) return "the file ends before its last chunk";
    // Ancillary chunks (profiles, texts) are of no use here: bound what they may take.
    int status = spng_set_chunk_limits(context, 64u << 20, 128u << 20);
    if (status == 0) status = spng_set_png_buffer(context, bytes, count);
    struct spng_ihdr header;
    if (status == 0) status = spng_get_ihdr(context, &header);
    if (status) return spng_strerror(status);
    if ((uint64_t)header.width * header.height > HALCYON_PIXEL_LIMIT) return "more than 134 million pixels";

    int format = SPNG_FMT_PNG;
    uint32_t bits = header.bit_depth == 16 ? 16 : 8, channels;
    switch (header.color_type) {
    case SPNG_COLOR_TYPE_GRAYSCALE:
        channels = 1;
        if (bits == 8) format = SPNG_FMT_G8;
        break;
    case SPNG_COLOR_TYPE_TRUECOLOR: channels = 3; break;
    case SPNG_COLOR_TYPE_INDEXED: channels = 3; format = SPNG_FMT_RGB8; break;
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA: channels = 2; break;
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA: channels = 4; break;
    default: return "unknown colour type";
    }
    size_t size;
    status = spng_decoded_image_size(context, format, &size);
    if (status) return spng_strerror(status);
    if (size != (size_t)header.width * header.height * channels * (bits / 8)) return "unexpected size of the decoded image";
    void *samples = malloc(size);
    if (!samples) return "not enough memory";
    status = spng_decode_image(context, samples, size, format, 0);
    if (status == 0) status = spng_decode_chunks(context);
    if (status) {
        free(samples);
        return spng_strerror(status);
    }
    *picture = (halcyon_picture){samples, header.width, header.height, channels, bits};
    return NULL;
}

const char *halcyon_png_decode(const uint8_t *bytes, size_t count, halcyon_picture *picture) {
    spng_ctx *context = spng_ctx_new(0);
    if (!context) return "not enough memory";
    const char *reason = png_decode(context, bytes, count, picture);
    spng_ctx_free(context);
    return reason;
}

int halcyon_jpeg_decode(
    const uint8_t *bytes, size_t count, halcyon_picture *picture, char *reason, size_t reason_size) {
    tjhandle handle = tjInitDecompress();
    void *samples = NULL;
    const char *wrong = NULL;
    int width, height, subsampling, colours;
    if (!handle) {
        wrong = "not enough memory";
    } else if (tjDecompressHeader3(handle, bytes, count, &width, &height, &subsampling, &colours)) {
        wrong = tjGetErrorStr2(handle);
    } else if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
        wrong = "CMYK pictures are not supported";
    } else if (width <= 0 || height <= 0 || (uint64_t)width * (uint64_t)height > HALCYON_PIXEL_LIMIT) {
        wrong = "more than 134 million pixels";
    } else {
        uint32_t channels = colours == TJCS_GRAY ? 1 : 3;
        samples = malloc((size_t)width * height * channels);
        if (!samples) {
            wrong = "not enough memory";
        } else if (tjDecompress2(
                       handle, bytes, count, samples, width, 0, height, channels == 1 ? TJPF_GRAY : TJPF_RGB,
                       TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING)) {
            wrong = tjGetErrorStr2(handle);
        } else {
            *picture = (halcyon_picture){samples, (uint32_t)width, (uint32_t)height, channels, 8};
        }
    }
    if (wrong) {
        free(samples);
        strncpy(reason, wrong, reason_size - 1);
        reason[reason_size - 1] = 0;
    }
    if (handle) tjDestroy(handle);
    return wrong != NULL;
}

const char *halcyon_png_encode(const halcyon_picture *picture, uint8_t **bytes, size_t *count) {
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!context) return "not enough memory";
    struct spng_ihdr header = {
        .width = picture->width,
        .height = picture->height,
        .bit_depth = (uint8_t)picture->bits,
        .color_type = picture->channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR,
    };
    size_t size = (size_t)picture->width * picture->height * picture->channels * (picture->bits / 8);
    int status = spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    if (status == 0) status = spng_set_ihdr(context, &header);
    if (status == 0) status = spng_encode_image(context, picture->samples, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (status == 0) *bytes = spng_get_png_buffer(context, count, &status);
    spng_ctx_free(context);
    return status ? spng_strerror(status) : NULL;
}

int halcyon_jpeg_encode(const halcyon_picture *picture, int quality, uint8_t **bytes, size_t *count) {
    tjhandle handle = tjInitCompress();
    if (!handle) return 1;
    unsigned long size = 0;
    *bytes = NULL;
    int is_gray = picture->channels == 1;
    int status = tjCompress2(
        handle, picture->samples, (int)picture->width, 0, (int)picture->height, is_gray ? TJPF_GRAY : TJPF_RGB, bytes, &size,
        is_gray ? TJSAMP_GRAY : TJSAMP_420, quality, TJFLAG_ACCURATEDCT);
    *count = size;
    tjDestroy(handle);
    return status;
}

void halcyon_jpeg_free(uint8_t *bytes) { tjFree(bytes); }

void halcyon_picture_free(halcyon_picture *picture) {
    free(picture->samples);
    picture->samples = NULL;
}

void halcyon_bytes_free(uint8_t *bytes) { free(bytes); }
