// What this machine can do at most, measured in a fraction of a second: the yardstick beside which profiles set a kernel.
#define _POSIX_C_SOURCE 200809L
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "CKernels.h"

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// Independent chains of multiply-adds, enough to hide their latency on two units; the results go through `sink`.
static volatile float sink;
enum { chains = 12 };

#define PEAK_LOOP(type, zero, step, sum)                                                                                     \
    type sums[chains];                                                                                                        \
    for (int i = 0; i < chains; i++) sums[i] = zero;                                                                          \
    for (ptrdiff_t round = 0; round < rounds; round++) {                                                                      \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < chains; i++) sums[i] = step(sums[i]);                           \
    }                                                                                                                         \
    float total = 0;                                                                                                          \
    for (int i = 0; i < chains; i++) total += sum(sums[i]);                                                                   \
    sink = total;

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
static void peak512(ptrdiff_t rounds) {
    const __m512 x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(1);
#define STEP(s) _mm512_fmadd_ps(s, x, y)
    PEAK_LOOP(__m512, _mm512_setzero_ps(), STEP, _mm512_cvtss_f32)
#undef STEP
}
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))), apply_to = function)
static void peakBrain(ptrdiff_t rounds) {
    const __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.001f), _mm512_set1_ps(0.001f));
#define STEP(s) _mm512_dpbf16_ps(s, x, x)
    PEAK_LOOP(__m512, _mm512_setzero_ps(), STEP, _mm512_cvtss_f32)
#undef STEP
}
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16,amx-tile,amx-bf16"))), apply_to = function)
#define VECTOR_FLOATS 16
#include "Vectors.h"
#include "Tiles.h"
static void peakTiles(ptrdiff_t rounds) {
    useTiles(tileRows);
    _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3), _tile_zero(4), _tile_zero(6);
    for (ptrdiff_t round = 0; round < rounds; round += 16)
        for (int i = 0; i < chains / 4; i++) {
            _tile_dpbf16ps(0, 4, 6), _tile_dpbf16ps(1, 4, 6), _tile_dpbf16ps(2, 4, 6), _tile_dpbf16ps(3, 4, 6);
        }
    _tile_release();
}
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
static void peak256(ptrdiff_t rounds) {
    const __m256 x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(1);
#define STEP(s) _mm256_fmadd_ps(s, x, y)
    PEAK_LOOP(__m256, _mm256_setzero_ps(), STEP, _mm256_cvtss_f32)
#undef STEP
}
#pragma clang attribute pop
#endif

typedef float Four __attribute__((vector_size(16)));
static float firstOfFour(Four x) { return x[0]; }
static void peakPortable(ptrdiff_t rounds) {
    const Four x = {0.5f, 0.5f, 0.5f, 0.5f}, y = {1, 1, 1, 1};
#define STEP(s) ((s) * x + y)
    PEAK_LOOP(Four, y, STEP, firstOfFour)
#undef STEP
}

typedef struct {
    void (*peak)(ptrdiff_t rounds);
    ptrdiff_t rounds;
} Peak;

static void peakShare(void *context, ptrdiff_t first, ptrdiff_t end, int share) {
    (void)first, (void)end, (void)share;
    const Peak *const peak = context;
    peak->peak(peak->rounds);
}

double halcyon_measure_peak_gflops(int threads, int bf16) {
    Peak peak = {peakPortable, 40000};
    double operations = 2.0 * 4;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const char *const isa = halcyon_kernels_isa();
    if (!strcmp(isa, "avx512") || !strcmp(isa, "amx")) peak.peak = peak512, operations = 2.0 * 16;
    else if (!strcmp(isa, "avx2")) peak.peak = peak256, operations = 2.0 * 8;
    if (bf16 && __builtin_cpu_supports("avx512bf16")) peak.peak = peakBrain, operations = 2.0 * 32;
    if (bf16 && !strcmp(isa, "amx")) peak.peak = peakTiles, operations = 2.0 * tileRows * tileRows * 32 / 16;
#endif
    const int before = halcyon_threads();
    halcyon_set_threads(threads);
    double best = 1e30;
    // Rounds of a fraction of a millisecond: the best is free of interruptions and at full clock.
    for (const double began = now(); now() - began < 0.06;) {
        const double start = now();
        halcyon_parallel(threads, 1, peakShare, &peak);
        const double seconds = now() - start;
        if (seconds < best) best = seconds;
    }
    halcyon_set_threads(before);
    return operations * chains * (double)peak.rounds * threads / best / 1e9;
}

typedef struct {
    const float *a, *b;
    float *c;
} Stream;

static void streamShare(void *context, ptrdiff_t first, ptrdiff_t end, int share) {
    (void)share;
    const Stream *const stream = context;
    const float *const a = stream->a, *const b = stream->b;
    float *restrict const c = stream->c;
    for (ptrdiff_t i = 16 * first; i < 16 * end; i++) c[i] = a[i] + b[i];
}

double halcyon_measure_bandwidth(int threads) {
    // Three arrays of 48 MB: beyond the caches of most machines.
    const ptrdiff_t lines = (48 << 20) / 64;
    float *const memory = calloc((size_t)lines * 3, 64);
    if (!memory) return 0;
    Stream stream = {memory, memory + 16 * lines, memory + 32 * lines};
    memset(memory, 0, (size_t)lines * 3 * 64);
    const int before = halcyon_threads();
    halcyon_set_threads(threads);
    double best = 1e30;
    for (int round = 0; round < 6; round++) {
        const double start = now();
        halcyon_parallel(lines, 4096, streamShare, &stream);
        const double seconds = now() - start;
        if (seconds < best) best = seconds;
    }
    halcyon_set_threads(before);
    free(memory);
    return (double)lines * 3 * 64 / best / 1e9;
}
