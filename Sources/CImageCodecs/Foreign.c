#define _GNU_SOURCE
#include "CImageCodecs.h"

#include <errno.h>
#include <fcntl.h>
#include <matio.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <tiffio.h>
#include <unistd.h>

// Decoding runs in a process of its own; messages go here.
static char complaint[200];

static int fails(const char *reason) {
    snprintf(complaint, sizeof complaint, "%s", reason);
    return 0;
}

static int allocate(halcyon_picture *picture, uint32_t width, uint32_t height, uint32_t channels, uint32_t bits) {
    if (width == 0 || height == 0) return fails("it has no pixels");
    if ((uint64_t)width * height > HALCYON_PIXEL_LIMIT) return fails("more than 134 million pixels");
    void *samples = malloc((size_t)width * height * channels * (bits / 8));
    if (!samples) return fails("not enough memory");
    *picture = (halcyon_picture){samples, width, height, channels, bits};
    return 1;
}

// MARK: TIFF

static void note_tiff_error(const char *module, const char *format, va_list arguments) {
    (void)module;
    // The first of several is the cause.
    if (!complaint[0]) vsnprintf(complaint, sizeof complaint, format, arguments);
}

// Rows of 8 or 16 bit samples as they stand; where white is 0 they are turned round.
static int read_tiff_rows(TIFF *file, uint32_t width, uint32_t height, uint16_t channels, uint16_t bits, int is_negative,
                          halcyon_picture *picture) {
    uint32_t kept = channels <= 2 ? 1 : 3;
    if (!allocate(picture, width, height, kept, bits)) return 0;
    size_t row_bytes = (size_t)TIFFScanlineSize(file);
    if (row_bytes < (size_t)width * channels * (bits / 8)) return fails("its rows are too short");
    uint8_t *row = malloc(row_bytes);
    if (!row) return fails("not enough memory");
    for (uint32_t y = 0; y < height; y++) {
        if (TIFFReadScanline(file, row, y, 0) != 1) return complaint[0] ? 0 : fails("a row cannot be read");
        size_t start = (size_t)y * width * kept;
        for (uint32_t x = 0; x < width; x++) {
            for (uint32_t k = 0; k < kept; k++) {
                size_t from = (size_t)x * channels + k, to = start + (size_t)x * kept + k;
                if (bits == 8) {
                    uint8_t value = row[from];
                    ((uint8_t *)picture->samples)[to] = is_negative ? 255 - value : value;
                } else {
                    uint16_t value = ((uint16_t *)row)[from];
                    ((uint16_t *)picture->samples)[to] = is_negative ? 65535 - value : value;
                }
            }
        }
    }
    free(row);
    return 1;
}

// Anything else that libtiff can show: palettes, tiles, 1 to 4 bits, YCbCr; 8 bits.
static int read_tiff_shown(TIFF *file, uint32_t width, uint32_t height, halcyon_picture *picture) {
    if (!allocate(picture, width, height, 3, 8)) return 0;
    uint32_t *pixels = malloc((size_t)width * height * 4);
    if (!pixels) return fails("not enough memory");
    if (!TIFFReadRGBAImageOriented(file, width, height, pixels, ORIENTATION_TOPLEFT, 1)) {
        return complaint[0] ? 0 : fails("it cannot be read");
    }
    uint8_t *samples = picture->samples;
    for (size_t i = 0; i < (size_t)width * height; i++) {
        samples[3 * i] = TIFFGetR(pixels[i]);
        samples[3 * i + 1] = TIFFGetG(pixels[i]);
        samples[3 * i + 2] = TIFFGetB(pixels[i]);
    }
    free(pixels);
    return 1;
}

static int read_tiff(const char *path, halcyon_picture *picture) {
    TIFFSetErrorHandler(note_tiff_error);
    TIFFSetWarningHandler(NULL);
    TIFF *file = TIFFOpen(path, "rm");
    if (!file) return complaint[0] ? 0 : fails("it cannot be opened");
    uint32_t width = 0, height = 0;
    uint16_t channels = 1, bits = 1, planar = PLANARCONFIG_CONTIG, light = PHOTOMETRIC_MINISBLACK, format = SAMPLEFORMAT_UINT;
    TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &channels);
    TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &light);
    if (format != SAMPLEFORMAT_UINT) return fails("samples that are no unsigned integers are not supported");
    int is_gray = (light == PHOTOMETRIC_MINISBLACK || light == PHOTOMETRIC_MINISWHITE) && channels <= 2;
    int is_colour = light == PHOTOMETRIC_RGB && (channels == 3 || channels == 4);
    if ((bits == 8 || bits == 16) && (is_gray || is_colour) && planar == PLANARCONFIG_CONTIG && !TIFFIsTiled(file)) {
        return read_tiff_rows(file, width, height, channels, bits, light == PHOTOMETRIC_MINISWHITE, picture);
    }
    if (bits > 8) return fails("16 bits are read from strips of gray or RGB pixels only");
    return read_tiff_shown(file, width, height, picture);
}

// MARK: MATLAB

static int is_number(const matvar_t *variable) {
    int is_known = variable->class_type == MAT_C_UINT8 || variable->class_type == MAT_C_UINT16 ||
                    variable->class_type == MAT_C_SINGLE || variable->class_type == MAT_C_DOUBLE;
    return is_known && !variable->isComplex;
}

static int is_image(const matvar_t *variable) {
    return is_number(variable) && variable->rank >= 2 && variable->rank <= 3 &&
           (variable->rank == 2 || variable->dims[2] == 1 || variable->dims[2] == 3) && variable->dims[0] > 1;
}

static int is_of_blocks(const matvar_t *variable) {
    return is_number(variable) && variable->rank >= 4 && variable->rank <= 5 &&
           (variable->rank == 4 || variable->dims[4] == 1 || variable->dims[4] == 3);
}

static void copy_sample(const matvar_t *variable, size_t from, void *samples, size_t to) {
    switch (variable->class_type) {
    case MAT_C_UINT8: ((uint8_t *)samples)[to] = ((uint8_t *)variable->data)[from]; break;
    case MAT_C_UINT16: ((uint16_t *)samples)[to] = ((uint16_t *)variable->data)[from]; break;
    case MAT_C_SINGLE: ((float *)samples)[to] = ((float *)variable->data)[from]; break;
    default: ((float *)samples)[to] = (float)((double *)variable->data)[from];
    }
}

static int read_matlab(const char *path, int with_blocks, halcyon_picture *picture) {
    mat_t *file = Mat_Open(path, MAT_ACC_RDONLY);
    if (!file) return fails("it cannot be opened");
    matvar_t *variable;
    while ((variable = Mat_VarReadNextInfo(file)) && !(with_blocks ? is_of_blocks(variable) : is_image(variable))) Mat_VarFree(variable);
    if (!variable) {
        return fails(with_blocks ? "it has no array of images x blocks x height x width x 3 numbers"
                                 : "it has no array of height x width or height x width x 3 numbers");
    }
    const size_t *sizes = variable->dims + (with_blocks ? 2 : 0);
    size_t groups = with_blocks ? variable->dims[0] : 1, blocks = with_blocks ? variable->dims[1] : 1;
    size_t height = sizes[0], width = sizes[1], channels = variable->rank % 2 ? sizes[2] : 1, many = UINT32_MAX;
    if (height > many || width > many || groups > many || blocks > many || groups * blocks > many || groups * blocks * height > many) {
        return fails("more than 134 million pixels");
    }
    size_t rows = groups * blocks * height;
    uint32_t bits = variable->class_type == MAT_C_UINT8 ? 8 : variable->class_type == MAT_C_UINT16 ? 16 : 32;
    if (!allocate(picture, (uint32_t)width, (uint32_t)rows, (uint32_t)channels, bits)) return 0;
    if (with_blocks) {
        picture->groups = (uint32_t)groups;
        picture->blocks = (uint32_t)blocks;
    }
    if (Mat_VarReadDataAll(file, variable) || !variable->data || variable->nbytes < rows * width * channels * (size_t)variable->data_size) {
        return fails("its numbers cannot be read");
    }
    // MATLAB counts its first size fastest: groups, blocks, rows, columns, channels. A few columns at a time, for the caches.
    for (size_t y = 0; y < height; y++) {
        for (size_t start = 0; start < width; start += 64) {
            size_t end = start + 64 < width ? start + 64 : width;
            for (size_t k = 0; k < channels; k++) {
                for (size_t x = start; x < end; x++) {
                    for (size_t b = 0; b < blocks; b++) {
                        for (size_t g = 0; g < groups; g++) {
                            size_t from = (((k * width + x) * height + y) * blocks + b) * groups + g;
                            size_t to = (((g * blocks + b) * height + y) * width + x) * channels + k;
                            copy_sample(variable, from, picture->samples, to);
                        }
                    }
                }
            }
        }
    }
    return 1;
}

// MARK: The child

static int write_all(int descriptor, const void *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return 0;
        bytes = (const char *)bytes + written;
        count -= (size_t)written;
    }
    return 1;
}

static int read_all(int descriptor, void *bytes, size_t count) {
    while (count > 0) {
        ssize_t found = read(descriptor, bytes, count);
        if (found < 0 && errno == EINTR) continue;
        if (found <= 0) return 0;
        bytes = (char *)bytes + found;
        count -= (size_t)found;
    }
    return 1;
}

static size_t sample_bytes(const halcyon_picture *picture) {
    return (size_t)picture->width * picture->height * picture->channels * (picture->bits / 8);
}

// What the program is called when it is started as a decoder; no shell calls it so.
static char child_name[] = "halcyon-decoder";
// The descriptor that the decoder writes to.
enum { child_output = 3 };

static _Noreturn void decode_in_child(halcyon_foreign_format format, const char *path) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    // A language's runtime may have set up its own words for crashes.
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    // A keyboard's signals are the parent's affair, which may want to end in order; the pipe tells when it is gone.
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    // A codec that never ends is as bad as one that crashes.
    alarm(120);
    halcyon_picture picture = {0};
    if (format == HALCYON_CRASH) abort();
    int is_read = format == HALCYON_TIFF ? read_tiff(path, &picture) : read_matlab(path, format == HALCYON_MATLAB_BLOCKS, &picture);
    int is_told = write_all(child_output, &is_read, sizeof is_read);
    if (is_read) {
        is_told = is_told && write_all(child_output, &picture, sizeof picture) &&
                  write_all(child_output, picture.samples, sample_bytes(&picture));
    } else {
        is_told = is_told && write_all(child_output, complaint, sizeof complaint);
    }
    _exit(is_told ? 0 : 1);
}

// Runs before `main` of whatever program this library is part of, and does nothing unless that was started as a decoder.
__attribute__((constructor)) static void decode_if_asked(int count, char **words, char **environment) {
    (void)environment;
    if (count == 3 && strcmp(words[0], child_name) == 0) decode_in_child((halcyon_foreign_format)atoi(words[1]), words[2]);
}

// MARK: The parent

// Starts this program's own file anew as a decoder. A child of `fork` alone would go on with a copy of whatever other threads were in the
// middle of: HDF5's state, which MATLAB's files are read with, an allocator's lock. Returns the error number, 0 when it went well.
static int spawn_decoder(halcyon_foreign_format format, const char *path, int output, pid_t *child) {
    char number[12];
    snprintf(number, sizeof number, "%d", (int)format);
    char *words[] = {child_name, number, (char *)path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int code = posix_spawn_file_actions_init(&actions);
    if (code) return code;
    code = posix_spawnattr_init(&attributes);
    if (!code) {
        code = posix_spawn_file_actions_adddup2(&actions, output, child_output);
        // Locks and files of ours are none of its business.
        if (!code) code = posix_spawn_file_actions_addclosefrom_np(&actions, child_output + 1);
        if (!code) code = posix_spawnattr_setsigdefault(&attributes, &all);
        if (!code) code = posix_spawnattr_setsigmask(&attributes, &none);
        if (!code) code = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        if (!code) code = posix_spawn(child, "/proc/self/exe", &actions, &attributes, words, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

int halcyon_foreign_decode(
    halcyon_foreign_format format, const char *path, halcyon_picture *picture, char *reason, size_t reason_size) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) {
        snprintf(reason, reason_size, "no pipe: %s", strerror(errno));
        return 1;
    }
    pid_t child;
    int code = spawn_decoder(format, path, ends[1], &child);
    close(ends[1]);
    if (code) {
        close(ends[0]);
        snprintf(reason, reason_size, "no process to decode it in: %s", strerror(code));
        return 1;
    }
    int is_read = 0, is_whole = read_all(ends[0], &is_read, sizeof is_read);
    void *samples = NULL;
    if (is_whole && is_read) {
        is_whole = read_all(ends[0], picture, sizeof *picture) && (samples = malloc(sample_bytes(picture))) &&
                   read_all(ends[0], samples, sample_bytes(picture));
        picture->samples = samples;
    } else if (is_whole) {
        char text[sizeof complaint];
        is_whole = read_all(ends[0], text, sizeof text);
        if (is_whole) snprintf(reason, reason_size, "%s", text);
    }
    close(ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (is_whole && is_read) return 0;
    free(samples);
    picture->samples = NULL;
    if (!is_whole) {
        if (WIFSIGNALED(status)) {
            int number = WTERMSIG(status);
            snprintf(reason, reason_size, number == SIGALRM ? "its decoder did not end within two minutes"
                                                           : "its decoder crashed (%s)", strsignal(number));
        } else {
            snprintf(reason, reason_size, "its decoder ended without a picture");
        }
    }
    return 1;
}
