// The only place that includes the headers of libspng, libturbojpeg, libtiff and libmatio.
#ifndef HALCYON_CIMAGECODECS_H
#define HALCYON_CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

/// A decoded picture: rows of interleaved samples, `bits` 8 (bytes), 16 (host byte order) or 32 (floats).
/// `samples` belongs to the caller: hand it to `halcyon_picture_free`.
typedef struct {
    void *samples;
    uint32_t width, height;
    uint32_t channels;  // 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA
    uint32_t bits;
    uint32_t groups, blocks;  // of a picture that is groups x blocks pictures, one below the other; 0 of a single one
} halcyon_picture;

/// Pictures with more pixels than this are refused before memory is asked for.
#define HALCYON_PIXEL_LIMIT 134217728u

/// Decodes a PNG; palettes become RGB, 1 to 4 bit gray becomes 8 bit. Checksums are verified up to IEND.
/// Returns NULL when it went well, else the reason in static storage.
const char *halcyon_png_decode(const uint8_t *bytes, size_t count, halcyon_picture *picture);

/// Decodes a JPEG to gray or RGB with the accurate integer transform; any warning of the decoder is an error.
/// Returns 0 when it went well; otherwise `reason` (of `reason_size` bytes) holds what was wrong.
int halcyon_jpeg_decode(
    const uint8_t *bytes, size_t count, halcyon_picture *picture, char *reason, size_t reason_size);

/// Encodes a picture of 1 or 3 channels as PNG into memory from malloc, which the caller frees with
/// `halcyon_bytes_free`. Returns NULL when it went well, else the reason in static storage.
const char *halcyon_png_encode(const halcyon_picture *picture, uint8_t **bytes, size_t *count);

/// Encodes a picture of 1 or 3 channels of 8 bits as JPEG, colour as 4:2:0, into memory that the caller frees with `halcyon_jpeg_free`.
/// Returns 0 when it went well.
int halcyon_jpeg_encode(const halcyon_picture *picture, int quality, uint8_t **bytes, size_t *count);

void halcyon_jpeg_free(uint8_t *bytes);

typedef enum {
    HALCYON_TIFF,
    HALCYON_MATLAB,
    /// The first array of groups x blocks x height x width x 3 (or 1, or nothing more), as one picture.
    HALCYON_MATLAB_BLOCKS,
    /// A decoder that crashes, for the tests.
    HALCYON_CRASH,
} halcyon_foreign_format;

/// Decodes a TIFF (8 or 16 bits, gray or RGB; what else libtiff shows, with 8 bits) or the first image of a MATLAB file (v5, v7, v7.3:
/// an array of height x width or height x width x 3 of uint8, uint16, single or double) in a child process, so that a crash of the
/// codec, or one that does not end, is an error. The child is this program's file, started anew: it shares no memory, lock or file with
/// other threads and never reaches `main`.
/// Returns 0 when it went well; otherwise `reason` holds what was wrong.
int halcyon_foreign_decode(
    halcyon_foreign_format format, const char *path, halcyon_picture *picture, char *reason, size_t reason_size);

void halcyon_picture_free(halcyon_picture *picture);
void halcyon_bytes_free(uint8_t *bytes);

#endif
