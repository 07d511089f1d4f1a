// 3x3 convolutions as products of the processor's tiles (AMX): 16 rows of 32 bf16 by 32 rows of 16 outputs, with Float32 sums.
//
// The images of a batch lie one below the other with one column of zeros behind each row and one row of zeros behind each image,
// so that a pixel is one number, its position, and its neighbours in all nine directions are at fixed distances from it. Sixteen
// positions in a row are the rows of a tile wherever rows and images end; what is computed for the zeros is not stored.
//
// With channels last the three neighbours of a filter's row are side by side, 3C numbers, and are taken 32 at a time: a step of a
// product. Weights and maps stay Float32 outside; a band of rows is rounded to bf16 when it is read.

enum { tilePositions = tileRows, stepHalves = 32 };
typedef unsigned short Half;

/// How the pixels of a batch are numbered.
typedef struct {
    Size width, height, pitch, rows;
} Positions;

INLINE Positions positionsOf(const halcyon_conv3_shape *s) {
    return (Positions){s->width, s->height, s->width + 1, s->batch * (s->height + 1)};
}

/// Halves of a staged position: pairs are whole.
INLINE Size stagedChannels(Size channels) { return (channels + 1) / 2 * 2; }
/// Steps over a row of the filter.
INLINE Size rowSteps(Size channels) { return (3 * stagedChannels(channels) + stepHalves - 1) / stepHalves; }
INLINE Size blocksOf(Size channels) { return (channels + 15) / 16; }

/// Puts `channels` rounded floats, normalized where `n` is not NULL, at `to`, with a zero behind an odd number.
INLINE void stagePosition(const float *x, const halcyon_normalization *n, Size channels, Half *to) {
    Size i = 0;
    for (; i + 32 <= channels; i += 32)
        _mm512_storeu_si512(to + i, (__m512i)_mm512_cvtne2ps_pbh((__m512)loadNormalized(x, n, i + 16, 16), (__m512)loadNormalized(x, n, i, 16)));
    for (; i < channels; i += 16) {
        const Size k = minimum(16, channels - i);
        const __m256i halves = (__m256i)_mm512_cvtneps_pbh((__m512)loadNormalized(x, n, i, k));
        if (k == 16) _mm256_storeu_si256((__m256i *)(to + i), halves);
        else _mm256_mask_storeu_epi16(to + i, (__mmask16)((1u << (k + k % 2)) - 1), halves);
    }
}

/// Positions of the rows first ..< first + count as [position][channel] of halves, normalized where `n` is not NULL, zeros where no
/// image is.
static void stageRows(const Positions *p, const float *x, Size xPitch, const halcyon_normalization *n, Size channels, Size first,
                      Size count, Half *to) {
    const Size staged = stagedChannels(channels);
    for (Size row = first; row < first + count; row++) {
        const Size image = row / (p->height + 1), h = row - image * (p->height + 1);
        if (row < 0 || row >= p->rows || h == p->height) {
            memset(to, 0, (size_t)(p->pitch * staged) * sizeof *to);
            to += p->pitch * staged;
            continue;
        }
        const float *from = x + (image * p->height + h) * p->width * xPitch;
        for (Size w = 0; w < p->width; w++, from += xPitch, to += staged) stagePosition(from, n, channels, to);
        memset(to, 0, (size_t)staged * sizeof *to);
        to += staged;
    }
}

/// Rows of a band: as many as keep what is staged of them near `bytes`.
INLINE Size bandRows(const Positions *p, Size bytesPerPosition, Size bytes) {
    const Size rows = bytes / (p->pitch * bytesPerPosition) - 2;
    return rows < 2 ? 2 : minimum(rows, p->rows);
}

enum { tileForwardBytes = 96 << 10, tileGradientBytes = 128 << 10 };

INLINE Size forwardBand(const halcyon_conv3_shape *s) {
    const Positions p = positionsOf(s);
    return bandRows(&p, 2 * stagedChannels(s->inputChannels), tileForwardBytes);
}

/// Positions that a band of `rows` rows stages, with the neighbours of all that tiles touch.
INLINE Size stagedPositions(const Positions *p, Size rows) { return (rows + 2) * p->pitch + 2 + 2 * tilePositions + stepHalves; }

INLINE Size forwardShareBytes(const halcyon_conv3_shape *s) {
    const Positions p = positionsOf(s);
    return (stagedPositions(&p, forwardBand(s)) * stagedChannels(s->inputChannels) * 2 + 63) / 64 * 64 + tileFloats * 4;
}

/// Where a position lies.
typedef struct {
    Size image, h, w;
} Place;

/// The place so many positions on.
INLINE Place placeAfter(const Positions *p, Place place, Size count) {
    for (place.w += count; place.w >= p->pitch; place.w -= p->pitch)
        if (++place.h > p->height) place.h = 0, place.image++;
    return place;
}

INLINE Size pixelAt(const Positions *p, Place place) { return (place.image * p->height + place.h) * p->width + place.w; }

typedef struct {
    const halcyon_conv3_shape *s;
    Positions positions;
    const float *x, *bias, *residual;
    const Half *weights;
    float *y;
    char *scratch;
    Size shareBytes, band;
} TileRun;

/// The outputs of `count` positions and 16 channels from `sums`: bias, residual, ReLU, and the store of those that are pixels.
static void finishSums(const TileRun *r, Place place, Size count, Size block, const float *sums) {
    const halcyon_conv3_shape *const s = r->s;
    const Positions *const p = &r->positions;
    const Size o = block * 16, k = minimum(16, s->outputChannels - o);
    const V offset = r->bias ? load(r->bias + o, k) : (V){0};
    for (Size i = 0, run; i < count; i += run, place = placeAfter(p, place, run)) {
        const int isInside = place.w < p->width && place.h < p->height;
        run = minimum(count - i, place.w < p->width ? p->width - place.w : 1);
        if (!isInside) continue;
        const Size at = pixelAt(p, place);
        const float *const residual = r->residual ? r->residual + at * s->residualPitch + o : NULL;
        float *const y = r->y + at * s->yPitch + o;
        for (Size j = 0; j < run; j++) {
            V value = load(sums + (i + j) * 16, W) + offset;
            if (residual) value += load(residual + j * s->residualPitch, k);
            if (s->relu) value = whereActive(value, value);
            store(y + j * s->yPitch, value, k);
        }
    }
}

/// Where the sums of 16 positions may be stored as they are; NULL: nowhere.
INLINE float *straight(const TileRun *r, Place place, Size count, Size block) {
    const halcyon_conv3_shape *const s = r->s;
    const Positions *const p = &r->positions;
    if (r->bias || r->residual || s->relu || block * 16 + 16 > s->outputChannels) return NULL;
    if (count < tilePositions || place.w + tilePositions > p->width || place.h == p->height) return NULL;
    return r->y + pixelAt(p, place) * s->yPitch + block * 16;
}

#define FINISH(tile, place, left, block)                                                                                     \
    do {                                                                                                                     \
        float *const to = straight(r, place, left, block);                                                                   \
        if (to) _tile_stored(tile, to, (size_t)s->yPitch * sizeof(float));                                                   \
        else {                                                                                                               \
            _tile_stored(tile, sums, 64);                                                                                    \
            finishSums(r, place, minimum(left, tilePositions), block, sums);                                                 \
        }                                                                                                                    \
    } while (0)

/// The outputs of 32 positions and one or two (`columns`) blocks of 16 channels, from the staged position before the first neighbour.
INLINE void convolveBlocks(const int columns, const TileRun *r, Size pitch, const Half *corner, Size block, Place place, Size left, float *sums) {
    const halcyon_conv3_shape *const s = r->s;
    const Size staged = stagedChannels(s->inputChannels), steps = rowSteps(s->inputChannels), blockHalves = 3 * steps * 2 * tileFloats;
    const Half *weights = r->weights + block * blockHalves;
    _tile_zero(0), _tile_zero(2);
    if (columns > 1) _tile_zero(1), _tile_zero(3);
    for (Size row = 0; row < 3; row++) {
        const Half *from = corner + row * r->positions.pitch * staged;
        for (Size step = 0; step < steps; step++, from += stepHalves, weights += 2 * tileFloats) {
            _tile_loadd(4, from, pitch);
            _tile_loadd(6, weights, 64);
            _tile_dpbf16ps(0, 4, 6);
            if (columns > 1) {
                _tile_loadd(7, weights + blockHalves, 64);
                _tile_dpbf16ps(1, 4, 7);
            }
            _tile_loadd(5, from + tilePositions * staged, pitch);
            _tile_dpbf16ps(2, 5, 6);
            if (columns > 1) _tile_dpbf16ps(3, 5, 7);
        }
    }
    const Place next = placeAfter(&r->positions, place, tilePositions);
    const Size leftOfNext = left - tilePositions; // may be below 0
    FINISH(0, place, left, block);
    if (columns > 1) FINISH(1, place, left, block + 1);
    FINISH(2, next, leftOfNext, block);
    if (columns > 1) FINISH(3, next, leftOfNext, block + 1);
}

static void convolvePositions(void *context, Size firstRow, Size endRow, int share) {
    const TileRun *const r = context;
    const halcyon_conv3_shape *const s = r->s;
    const Positions *const p = &r->positions;
    const Size staged = stagedChannels(s->inputChannels), pitch = (Size)sizeof(Half) * staged, blocks = blocksOf(s->outputChannels);
    Half *const memory = (Half *)(r->scratch + share * r->shareBytes);
    float *const sums = (float *)((char *)memory + r->shareBytes) - tileFloats;
    useTiles(tileRows);
    for (Size row = firstRow; row < endRow; row += r->band) {
        const Size rows = minimum(r->band, endRow - row), count = rows * p->pitch;
        // The position before the first neighbour, the rows, and zeros that steps beyond a row of the filter read.
        memset(memory, 0, (size_t)pitch);
        stageRows(p, r->x, s->xPitch, s->normalization, s->inputChannels, row - 1, rows + 2, memory + staged);
        memset(memory + staged * ((rows + 2) * p->pitch + 1), 0, (size_t)(pitch * (2 * tilePositions + stepHalves + 1)));
        Place place = {row / (p->height + 1), row % (p->height + 1), 0};
        for (Size position = 0; position < count; position += 2 * tilePositions, place = placeAfter(p, place, 2 * tilePositions)) {
            const Half *const corner = memory + position * staged;
            Size block = 0;
            for (; block + 2 <= blocks; block += 2) convolveBlocks(2, r, pitch, corner, block, place, count - position, sums);
            if (block < blocks) convolveBlocks(1, r, pitch, corner, block, place, count - position, sums);
        }
    }
    _tile_release();
}

static void conv3(const halcyon_conv3_shape *s, const float *x, const float *prepared, const float *bias,
                  const float *residual, float *y, float *scratch) {
    TileRun run = {s, positionsOf(s), x, bias, residual, (const Half *)prepared, y, (char *)scratch, forwardShareBytes(s), forwardBand(s)};
    halcyon_parallel(run.positions.rows, 1, convolvePositions, &run);
}

/// Weights as tiles [block of 16 outputs][row of the filter][step][pair of terms][output], a term one of a row's 3C.
typedef struct {
    Size to, from, toStride, fromStride;
    const float *weights;
    int reversed;
    Half *packed;
} PackWork;

static void packBlocks(void *context, Size begin, Size end, int share) {
    (void)share;
    const PackWork *const f = context;
    const Size staged = stagedChannels(f->from), steps = rowSteps(f->from), blockHalves = 3 * steps * 2 * tileFloats;
    for (Size block = begin; block < end; block++) {
        Half *const to = f->packed + block * blockHalves;
        memset(to, 0, (size_t)blockHalves * sizeof *to);
        const Size count = minimum(16, f->to - block * 16);
        for (Size tap = 0; tap < 9; tap++)
            for (Size i = 0; i < f->from; i++) {
                const float *const w = f->weights + block * 16 * f->toStride + i * f->fromStride + (f->reversed ? 8 - tap : tap);
                V v = {0};
                for (Size j = 0; j < count; j++) v[j] = w[j * f->toStride];
                Half halves[16];
                _mm256_storeu_si256((__m256i *)halves, (__m256i)_mm512_cvtneps_pbh((__m512)v));
                const Size term = tap % 3 * staged + i;
                Half *const row = to + ((tap / 3 * steps + term / stepHalves) * 16 + term % stepHalves / 2) * 32 + term % 2;
                for (Size j = 0; j < 16; j++) row[2 * j] = halves[j];
            }
    }
}

static Size conv3_weight_floats(Size inputs, Size outputs, int isRounded) {
    (void)isRounded;
    return 3 * rowSteps(inputs) * blocksOf(outputs) * tileFloats;
}

static void conv3_weights(Size outputs, Size inputs, const float *weights, int reversed, int isRounded, float *prepared) {
    (void)isRounded;
    PackWork work = {outputs, inputs, inputs * 9, 9, weights, reversed, (Half *)prepared};
    if (reversed) work = (PackWork){inputs, outputs, 9, inputs * 9, weights, reversed, (Half *)prepared};
    halcyon_parallel(blocksOf(work.to), 1 + 2048 / (work.from * 9 + 1), packBlocks, &work);
}

// The gradient of the filters: for each of the nine neighbours, the product over positions of dy and x, shifted. A tile's rows are output
// channels with positions side by side; x's positions are paired, once from an even and once from an odd one, so that any shift is
// another address and every tile lies in whole cache lines.

/// Positions of x from which all neighbours of `positions` positions are read, as whole pairs of both kinds.
INLINE Size neighbourPositions(const Positions *p, Size positions) { return (positions + 2 * (p->pitch + 1) + 3) / 2 * 2; }
INLINE Size wholeSteps(Size positions) { return (positions + stepHalves - 1) / stepHalves * stepHalves; }

enum { gradientSteps = 8 }; // a chunk's operands for two blocks by two stay in the level 1 cache for all neighbours of a kind

/// What a share needs, in bytes from its start.
typedef struct {
    Size band, columnPitch, pairs, totals, positions, columns, even, odd, all;
} GradientMemory;

INLINE GradientMemory gradientMemory(const halcyon_conv3_shape *s) {
    const Positions p = positionsOf(s);
    const Size inputs = paddedChannels(s->inputChannels), outputs = paddedChannels(s->outputChannels);
    GradientMemory m = {.band = bandRows(&p, 2 * minimum(inputs, 32) + 2 * minimum(outputs, 32), tileGradientBytes)};
    const Size count = wholeSteps(m.band * p.pitch), all = neighbourPositions(&p, count), channels = inputs > outputs ? inputs : outputs;
    m.columnPitch = count | 32; // an odd number of cache lines: a tile's rows lie in different sets
    m.pairs = all / 2;
    m.positions = 9 * inputs * outputs * 4;
    m.columns = m.positions + ((all + 2) * channels * 2 + 63) / 64 * 64;
    m.even = m.columns + outputs * m.columnPitch * 2;
    m.odd = m.even + m.pairs * inputs * 4;
    m.all = m.odd + m.pairs * inputs * 4;
    return m;
}

/// Two positions' 16 channels as pairs.
INLINE __m512i pairedPositions(const Half *a, const Half *b, __mmask16 mask) {
    const __m512i first = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, a)), second = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, b));
    return _mm512_or_si512(first, _mm512_slli_epi32(second, 16));
}

/// [position][channel] to [block of 16 channels][pair of positions][channel], from an even and from an odd position on.
static void pairPositions(const Half *from, Size channels, Size pairs, int *even, int *odd) {
    const Size staged = stagedChannels(channels);
    for (Size i = 0; i < channels; i += 16, even += pairs * 16, odd += pairs * 16) {
        const Size k = minimum(16, staged - i);
        const __mmask16 mask = (__mmask16)((1u << k) - 1);
        const Half *at = from + i;
        __m512i first = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at));
        for (Size pair = 0; pair < pairs; pair++, at += 2 * staged) {
            const __m512i second = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at + staged));
            const __m512i third = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at + 2 * staged));
            _mm512_storeu_si512(even + pair * 16, _mm512_or_si512(first, _mm512_slli_epi32(second, 16)));
            _mm512_storeu_si512(odd + pair * 16, _mm512_or_si512(second, _mm512_slli_epi32(third, 16)));
            first = third;
        }
    }
}

/// [position][channel] to [channel][position], for a multiple of 32 positions.
static void transposePositions(const Half *from, Size channels, Size count, Half *to, Size pitch) {
    const Size staged = stagedChannels(channels);
    for (Size i = 0; i < channels; i += 16) {
        const Size k = minimum(16, staged - i);
        const __mmask16 mask = (__mmask16)((1u << k) - 1);
        for (Size position = 0; position < count; position += 32) {
            __m512i v[16];
            UNROLLED for (int j = 0; j < 16; j++)
                v[j] = pairedPositions(from + (position + 2 * j) * staged + i, from + (position + 2 * j + 1) * staged + i, mask);
            transpose16(v);
            UNROLLED for (int j = 0; j < 16; j++) _mm512_storeu_si512(to + (i + j) * pitch + position, v[j]);
        }
    }
}

/// Tiles of sums += the products over the steps of `rows` blocks of outputs, `outputPitch` halves a channel, by `columns` blocks of
/// inputs, `inputPitch` pairs a block.
INLINE void gradientTiles(const int rows, const int columns, Size steps, const Half *dy, Size outputPitch, const int *x, Size inputPitch,
                          float *sums, Size rowOfTiles) {
    const size_t pitch = (size_t)outputPitch * sizeof *dy;
    float *const below = sums + rowOfTiles * tileFloats;
    _tile_loadd(0, sums, 64);
    if (columns > 1) _tile_loadd(1, sums + tileFloats, 64);
    if (rows > 1) _tile_loadd(2, below, 64);
    if (rows > 1 && columns > 1) _tile_loadd(3, below + tileFloats, 64);
    for (Size step = 0; step < steps; step++, dy += stepHalves, x += tileFloats) {
        _tile_loadd(4, dy, pitch);
        _tile_loadd(6, x, 64);
        _tile_dpbf16ps(0, 4, 6);
        if (columns > 1) {
            _tile_loadd(7, x + inputPitch * 16, 64);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (rows > 1) {
            _tile_loadd(5, dy + 16 * outputPitch, pitch);
            _tile_dpbf16ps(2, 5, 6);
            if (columns > 1) _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, sums, 64);
    if (columns > 1) _tile_stored(1, sums + tileFloats, 64);
    if (rows > 1) _tile_stored(2, below, 64);
    if (rows > 1 && columns > 1) _tile_stored(3, below + tileFloats, 64);
}

static void correlatePositions(void *context, Size firstRow, Size endRow, int share) {
    const TileRun *const r = context;
    const halcyon_conv3_shape *const s = r->s;
    const Positions *const p = &r->positions;
    const GradientMemory m = gradientMemory(s);
    const Size inputs = blocksOf(s->inputChannels), outputs = blocksOf(s->outputChannels);
    char *const memory = r->scratch + share * r->shareBytes;
    float *const totals = (float *)memory;
    Half *const positions = (Half *)(memory + m.positions), *const columns = (Half *)(memory + m.columns);
    int *const kinds[2] = {(int *)(memory + m.even), (int *)(memory + m.odd)};
    memset(totals, 0, (size_t)m.positions);
    memset(columns, 0, (size_t)(m.all - m.columns)); // channels behind the last stay zero
    useTiles(tileRows);
    for (Size row = firstRow; row < endRow; row += m.band) {
        const Size rows = minimum(m.band, endRow - row), count = rows * p->pitch, steps = wholeSteps(count) / stepHalves;
        Size staged = stagedChannels(s->outputChannels);
        stageRows(p, r->y, s->yPitch, NULL, s->outputChannels, row, rows, positions);
        memset(positions + count * staged, 0, (size_t)((steps * stepHalves - count) * staged) * sizeof(Half));
        transposePositions(positions, s->outputChannels, steps * stepHalves, columns, m.columnPitch);
        // The first position is the one before the first row's left neighbour.
        staged = stagedChannels(s->inputChannels);
        const Size have = (rows + 2) * p->pitch + 1, all = neighbourPositions(p, steps * stepHalves);
        memset(positions, 0, (size_t)staged * sizeof(Half));
        stageRows(p, r->x, s->xPitch, s->normalization, s->inputChannels, row - 1, rows + 2, positions + staged);
        memset(positions + have * staged, 0, (size_t)((all + 1 - have) * staged) * sizeof(Half));
        pairPositions(positions, s->inputChannels, all / 2, kinds[0], kinds[1]);
        for (Size first = 0; first < steps; first += gradientSteps) {
            const Size taken = minimum(gradientSteps, steps - first);
            for (Size o = 0; o < outputs; o += 2)
                for (Size i = 0; i < inputs; i += 2)
                    for (int kind = 0; kind < 2; kind++)
                        for (Size tap = 0; tap < 9; tap++) {
                            const Size shift = tap / 3 * p->pitch + tap % 3;
                            if (shift % 2 != kind) continue;
                            const Half *const dy = columns + 16 * o * m.columnPitch + first * stepHalves;
                            const int *const x = kinds[kind] + (i * (all / 2) + first * stepHalves / 2 + shift / 2) * 16;
                            float *const to = totals + ((tap * outputs + o) * inputs + i) * tileFloats;
                            if (o + 2 <= outputs && i + 2 <= inputs) gradientTiles(2, 2, taken, dy, m.columnPitch, x, all / 2, to, inputs);
                            else if (o + 2 <= outputs) gradientTiles(2, 1, taken, dy, m.columnPitch, x, all / 2, to, inputs);
                            else if (i + 2 <= inputs) gradientTiles(1, 2, taken, dy, m.columnPitch, x, all / 2, to, inputs);
                            else gradientTiles(1, 1, taken, dy, m.columnPitch, x, all / 2, to, inputs);
                        }
        }
    }
    _tile_release();
}

typedef struct {
    const halcyon_conv3_shape *s;
    const char *scratch;
    Size shareBytes;
    int shares;
    float *dw;
} TileGradientWork;

/// The gradients of some output channels' filters, from what the shares have summed.
static void finishGradient(void *context, Size begin, Size end, int own) {
    (void)own;
    const TileGradientWork *const g = context;
    const Size inputs = blocksOf(g->s->inputChannels), outputs = blocksOf(g->s->outputChannels);
    for (Size o = begin; o < end; o++)
        for (Size i = 0; i < g->s->inputChannels; i += 16)
            for (Size tap = 0; tap < 9; tap++) {
                V sum = {0};
                for (int share = 0; share < g->shares; share++)
                    sum += load((const float *)(g->scratch + share * g->shareBytes) +
                                    ((tap * outputs + o / 16) * inputs + i / 16) * tileFloats + o % 16 * 16, W);
                for (Size j = 0; j < minimum(16, g->s->inputChannels - i); j++)
                    g->dw[(o * g->s->inputChannels + i + j) * 9 + tap] = sum[j];
            }
}

static void conv3_weight_gradient(const halcyon_conv3_shape *s, const float *x, const float *dy, float *dw, float *scratch) {
    TileRun run = {s, positionsOf(s), x, NULL, NULL, NULL, (float *)dy, (char *)scratch, gradientMemory(s).all, 0};
    halcyon_parallel(run.positions.rows, 1, correlatePositions, &run);
    TileGradientWork work = {s, run.scratch, run.shareBytes, halcyon_shares(run.positions.rows, 1), dw};
    halcyon_parallel(s->outputChannels, 1 + 512 / (s->inputChannels + 1), finishGradient, &work);
}

static Size conv3_scratch(const halcyon_conv3_shape *s, int weightGradient, int shares) {
    return shares * (weightGradient ? gradientMemory(s).all : forwardShareBytes(s));
}
