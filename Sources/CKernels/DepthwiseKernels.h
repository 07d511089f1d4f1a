// Depthwise convolutions, channels-last, stride 1, zero padding that keeps the size. Rows of the source, padded at both ends and
// perhaps activated, are kept in a ring in `scratch`, one vector of channels after the other, for a slab of channels at a time:
// each source element is read and activated once, and every inner loop runs over whole aligned vectors. Threads share the rows of
// all images; each has a ring of its own.

enum {
    depthwiseSlab = 64,
    depthwiseColumns = 8,  // outputs that are made at a time
    gradientColumns = 4,   // columns of dy that are held at a time
    depthwiseAhead = 2 * depthwiseColumns, // columns before those that are read or written, which are asked for
    depthwiseGrain = 8,    // rows that a share holds a multiple of
    depthwiseBlock = 16,   // rows whose sums of products are float
    largestDepthwiseKernel = 7,
};

/// A convolution (from x to y) or the gradient of its weights (from x and dy); the members are those of the public functions.
typedef struct {
    Size height, width, channels, dilation;
    int kernel, sourceKind, derivativeKind;
    const float *x, *weights, *bias, *argument, *dy;
    const halcyon_pointwise *expand; // makes the source's rows from x; NULL: x is the source
    Size xPitch, argumentPitch, dyPitch, yPitch, weightPitch;
    float *y;
    int hasBias;
    char *scratch;
    Size shareBytes;
} Depthwise;

typedef struct {
    Size margin;  // columns of padding at each end = how far a tap reaches
    Size columns; // of a padded row
    Size rows;    // of the ring; one row of zeros follows
    V *memory;
} Ring;

INLINE Size ringVectors(const Ring *ring) { return (ring->rows + 1) * ring->columns * (depthwiseSlab / W); }

static Ring emptyRing(const Depthwise *d, int share) {
    Ring ring = {.margin = d->kernel / 2 * d->dilation, .memory = (V *)(d->scratch + share * d->shareBytes)};
    ring.columns = d->width + 2 * ring.margin;
    ring.rows = 2 * ring.margin + 1;
    for (Size j = 0; j < ringVectors(&ring); j++) ring.memory[j] = (V){0};
    return ring;
}

/// Where row `row` of the image lies, or the zeros for a row outside.
INLINE V *ringRow(const Ring *ring, Size row, Size height) {
    const Size slot = row < 0 || row >= height ? ring->rows : row % ring->rows;
    return ring->memory + slot * ring->columns * (depthwiseSlab / W);
}

static void fillRow(const Ring *ring, V *row, int kind, Size width, Size channels, const float *x, Size pitch) {
    WITH_ACTIVATION(kind, for (Size w = 0; w < width; w += depthwiseColumns) {
        const Size end = minimum(w + depthwiseColumns, width);
        fetchRows(x + (w + depthwiseAhead) * pitch, depthwiseColumns, pitch, channels);
        LANES(channels, {
            V *to = row + i / W * ring->columns + ring->margin;
            for (Size t = w; t < end; t++) to[t] = activated(activation, load(x + t * pitch + i, k));
        });
    })
}

/// Runs the statement with constants `kernel` and, where it is 1, `dilation`.
#define WITH_KERNEL(d, ...)                                                                        \
    switch ((d)->kernel * 2 + ((d)->dilation == 1)) {                                              \
    case 6: { enum { kernel = 3 }; const Size dilation = (d)->dilation; __VA_ARGS__ } break;       \
    case 7: { enum { kernel = 3, dilation = 1 }; __VA_ARGS__ } break;                              \
    case 10: { enum { kernel = 5 }; const Size dilation = (d)->dilation; __VA_ARGS__ } break;      \
    case 11: { enum { kernel = 5, dilation = 1 }; __VA_ARGS__ } break;                             \
    case 14: { enum { kernel = 7 }; const Size dilation = (d)->dilation; __VA_ARGS__ } break;      \
    default: { enum { kernel = 7, dilation = 1 }; __VA_ARGS__ } break;                             \
    }

/// One row of outputs, or of dy, for a slab of channels.
typedef struct {
    Size place;                            // its first pixel
    Size first, channels;                  // the slab
    const V *rows[largestDepthwiseKernel]; // of the ring, from which the kernel's rows read
    int endsBlock;                         // whether it is the last of a block of rows
} DepthwiseRow;

/// Channels first ..< first + channels of a row of all images' rows, made from x, [column][64].
static void expandRow(const Depthwise *d, Size row, Size first, Size channels, int share, float *expanded) {
    halcyon_pointwise k = *d->expand;
    k.x = d->x + row * d->width * d->xPitch, k.xPitch = d->xPitch;
    k.batch = 1, k.pixels = d->width, k.firstOutput = first, k.outputs = channels;
    k.y = expanded, k.yPitch = depthwiseSlab;
    k.share(&k, 0, d->width, share);
}

/// Runs the body for rows begin ..< end of all images, slab by slab in each.
INLINE void depthwiseWalk(const Depthwise *d, const Ring *ring, int share, Size begin, Size end,
                          void (*body)(const Depthwise *, const Ring *, const DepthwiseRow *)) {
    for (Size top = begin, bottom; top < end; top = bottom) {
        const Size image = top / d->height * d->height; // the row of all rows where the image begins
        bottom = minimum(end, image + d->height);
        for (Size first = 0; first < d->channels; first += depthwiseSlab) {
            DepthwiseRow part = {.first = first, .channels = minimum(d->channels - first, depthwiseSlab)};
            for (Size row = top - image < ring->margin ? 0 : top - image - ring->margin; row < bottom - image + ring->margin; row++) {
                if (row < d->height && d->expand) {
                    float *const expanded = (float *)(d->scratch + (share + 1) * d->shareBytes) - d->width * depthwiseSlab;
                    expandRow(d, image + row, first, part.channels, share, expanded);
                    fillRow(ring, ringRow(ring, row, d->height), d->sourceKind, d->width, part.channels, expanded, depthwiseSlab);
                } else if (row < d->height) {
                    fillRow(ring, ringRow(ring, row, d->height), d->sourceKind, d->width, part.channels,
                            d->x + (image + row) * d->width * d->xPitch + first, d->xPitch);
                }
                const Size target = row - ring->margin;
                if (image + target < top) continue;
                for (int a = 0; a < d->kernel; a++)
                    part.rows[a] = ringRow(ring, target + (a - d->kernel / 2) * d->dilation, d->height);
                part.place = (image + target) * d->width;
                part.endsBlock = target % depthwiseBlock == depthwiseBlock - 1 || image + target == bottom - 1;
                body(d, ring, &part);
            }
        }
    }
}

/// y = start + the sum over taps, for one vector of channels of some columns. With dilation 1, each source is read once a row.
INLINE void tapColumns(int columns, int kernel, Size dilation, Size k, const V *const *rows, Size offset, const float *weights,
                       Size weightPitch, V start, float *y, Size yPitch) {
    V sums[depthwiseColumns];
    UNROLLED for (int t = 0; t < columns; t++) sums[t] = start;
#pragma clang loop unroll(disable) // else all weights are kept, in memory
    for (int a = 0; a < kernel; a++, weights += kernel * weightPitch) {
        const V *const source = rows[a] + offset;
        V weight[largestDepthwiseKernel];
        UNROLLED for (int b = 0; b < kernel; b++) weight[b] = *(const UnalignedV *)(weights + b * weightPitch);
        if (dilation == 1) {
            UNROLLED for (int s = 0; s < columns + kernel - 1; s++) {
                const V value = source[s];
                UNROLLED for (int b = 0; b < kernel; b++)
                    if (s >= b && s - b < columns) sums[s - b] += value * weight[b];
            }
        } else {
            UNROLLED for (int b = 0; b < kernel; b++)
                UNROLLED for (int t = 0; t < columns; t++) sums[t] += source[t + b * dilation] * weight[b];
        }
    }
    UNROLLED for (int t = 0; t < columns; t++) store(y + t * yPitch, sums[t], k);
}

/// All channels of the slab for some columns of a row.
INLINE void tapBlock(int columns, int kernel, Size dilation, const Depthwise *d, const Ring *ring, const DepthwiseRow *part, Size column) {
    float *const y = d->y + (part->place + column) * d->yPitch + part->first;
    LANES(part->channels, {
        const V start = d->bias ? load(d->bias + part->first + i, k) : (V){0};
        tapColumns(columns, kernel, dilation, k, part->rows, i / W * ring->columns + column, d->weights + part->first + i, d->weightPitch,
                   start, y + i, d->yPitch);
    });
    if (!d->argument) return;
    SmoothWork work = {.kind = d->derivativeKind, .channels = part->channels, .x = d->argument + (part->place + column) * d->argumentPitch + part->first,
                       .xPitch = d->argumentPitch, .dy = y, .dyPitch = d->yPitch, .y = y, .yPitch = d->yPitch};
    smoothGradientShare(&work, 0, columns, 0);
}

/// The last columns of a row may be made twice.
static void tapRows(const Depthwise *d, const Ring *ring, const DepthwiseRow *part) {
    const Size width = d->width, channels = part->channels, blocked = width < depthwiseColumns ? 0 : width;
    float *const y = d->y + part->place * d->yPitch + part->first;
    const float *const argument = d->argument ? d->argument + part->place * d->argumentPitch + part->first : NULL;
    WITH_KERNEL(d, {
        for (Size w = 0; w < blocked; w += depthwiseColumns) {
            fetchRowsToWrite(y + (w + depthwiseAhead) * d->yPitch, depthwiseColumns, d->yPitch, channels);
            if (argument) fetchRows(argument + (w + depthwiseAhead) * d->argumentPitch, depthwiseColumns, d->argumentPitch, channels);
            tapBlock(depthwiseColumns, kernel, dilation, d, ring, part, minimum(w, blocked - depthwiseColumns));
        }
        for (Size w = blocked; w < width; w++) tapBlock(1, kernel, dilation, d, ring, part, w);
    })
}

static void depthwiseShare(void *context, ptrdiff_t begin, ptrdiff_t end, int share) {
    const Depthwise *const d = context;
    const Ring ring = emptyRing(d, share);
    depthwiseWalk(d, &ring, share, begin, end, tapRows);
}

static void depthwise(Size batch, Size height, Size width, Size channels, int kernel, Size dilation, int sourceKind,
                      const halcyon_pointwise *expand, const float *x, Size xPitch, const float *weights, const float *bias, int derivativeKind,
                      const float *argument, Size argumentPitch, float *y, Size yPitch, void *scratch) {
    Depthwise d = {.height = height, .width = width, .channels = channels, .dilation = dilation, .kernel = kernel,
                   .sourceKind = sourceKind, .derivativeKind = derivativeKind, .expand = expand, .x = x, .weights = weights, .bias = bias,
                   .argument = argument, .xPitch = xPitch, .argumentPitch = argumentPitch, .yPitch = yPitch,
                   .weightPitch = (channels + 15) / 16 * 16, .y = y, .scratch = scratch,
                   .shareBytes = halcyon_depthwise_scratch_bytes(width, channels, kernel, dilation, expand != NULL, 1)};
    halcyon_parallel(batch * height, depthwiseGrain, depthwiseShare, &d);
}

/// Adds the products of `columns` columns of dy with `count` rows of taps.
INLINE void weightColumns(int columns, int kernel, int count, Size dilation, Size k, const V *const *rows, Size offset,
                          const float *dy, Size dyPitch, V *sums) {
    V gradient[gradientColumns];
    UNROLLED for (int t = 0; t < columns; t++) gradient[t] = load(dy + t * dyPitch, k);
    UNROLLED for (int a = 0; a < count; a++) {
        const V *const source = rows[a] + offset;
        if (dilation == 1) {
            UNROLLED for (int s = 0; s < columns + kernel - 1; s++) {
                const V value = source[s];
                UNROLLED for (int b = 0; b < kernel; b++)
                    if (s >= b && s - b < columns) sums[a * kernel + b] += value * gradient[s - b];
            }
        } else {
            UNROLLED for (int b = 0; b < kernel; b++)
                UNROLLED for (int t = 0; t < columns; t++) sums[a * kernel + b] += source[t + b * dilation] * gradient[t];
        }
    }
}

/// Adds the products of `count` rows of taps with dy, for one vector of channels of one row, and asks for `fetched` channels of the
/// next row of dy.
INLINE void weightRow(int kernel, int count, Size dilation, const Depthwise *d, Size k, const V *const *rows, Size offset, const float *dy,
                      Size fetched, V *totals) {
    V sums[largestDepthwiseKernel * 2] = {0};
    Size w = 0;
    for (; w + gradientColumns <= d->width; w += gradientColumns) {
        if (fetched) fetchRows(dy + (d->width + w) * d->dyPitch, gradientColumns, d->dyPitch, fetched);
        weightColumns(gradientColumns, kernel, count, dilation, k, rows, offset + w, dy + w * d->dyPitch, d->dyPitch, sums);
    }
    for (; w < d->width; w++)
        weightColumns(1, kernel, count, dilation, k, rows, offset + w, dy + w * d->dyPitch, d->dyPitch, sums);
    UNROLLED for (int t = 0; t < count * kernel; t++) totals[t] += sums[t];
}

INLINE V biasRow(Size width, Size k, const float *dy, Size dyPitch) {
    V sums[4] = {0};
    Size w = 0;
    for (; w + 4 <= width; w += 4)
        for (int t = 0; t < 4; t++) sums[t] += load(dy + (w + t) * dyPitch, k);
    for (; w < width; w++) sums[0] += load(dy + w * dyPitch, k);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// The doubles of a share, [taps, then bias][channels rounded up to 16], and behind them the sums of a block of rows.
INLINE double *gradientTotals(const Ring *ring) { return (double *)(ring->memory + ringVectors(ring)); }

static void weightRows(const Depthwise *d, const Ring *ring, const DepthwiseRow *part) {
    const Size taps = (Size)d->kernel * d->kernel;
    double *const totals = gradientTotals(ring) + part->first;
    V *blockSums = (V *)(gradientTotals(ring) + (taps + 1) * d->weightPitch);
    const float *const dy = d->dy + part->place * d->dyPitch + part->first;
    WITH_KERNEL(d, LANES(part->channels, {
        enum { group = kernel == 3 ? 3 : kernel == 5 ? 2 : 1 }; // rows of taps whose sums fit in registers
        UNROLLED for (int a = 0; a < kernel; a += group)
            weightRow(kernel, a + group <= kernel ? group : 1, dilation, d, k, part->rows + a, i / W * ring->columns, dy + i,
                      i + a == 0 ? part->channels : 0, blockSums + kernel * a);
        if (d->hasBias) blockSums[taps] += biasRow(d->width, k, dy + i, d->dyPitch);
        if (part->endsBlock)
            for (Size t = 0; t <= taps; t++) {
                for (int j = 0; j < W; j++) totals[t * d->weightPitch + i + j] += (double)blockSums[t][j];
                blockSums[t] = (V){0};
            }
        blockSums += taps + 1;
    });)
}

static void depthwiseGradientShare(void *context, ptrdiff_t begin, ptrdiff_t end, int share) {
    const Depthwise *const d = context;
    const Ring ring = emptyRing(d, share);
    const Size rest = d->shareBytes - ringVectors(&ring) * (Size)sizeof(V); // zero, as floats and as doubles
    memset(gradientTotals(&ring), 0, (size_t)rest);
    depthwiseWalk(d, &ring, share, begin, end, weightRows);
}

static void depthwise_weight_gradient(Size batch, Size height, Size width, Size channels, int kernel, Size dilation,
                                      int sourceKind, const float *x, Size xPitch, const float *dy, Size dyPitch, float *dw,
                                      float *db, void *scratch) {
    Depthwise d = {.height = height, .width = width, .channels = channels, .dilation = dilation, .kernel = kernel,
                   .sourceKind = sourceKind, .x = x, .dy = dy, .xPitch = xPitch, .dyPitch = dyPitch,
                   .weightPitch = (channels + 15) / 16 * 16, .hasBias = db != NULL, .scratch = scratch,
                   .shareBytes = halcyon_depthwise_scratch_bytes(width, channels, kernel, dilation, 0, 1)};
    const int shares = batch * height ? halcyon_shares(batch * height, depthwiseGrain) : 0;
    halcyon_parallel(batch * height, depthwiseGrain, depthwiseGradientShare, &d);
    const Size taps = (Size)kernel * kernel, margin = kernel / 2 * dilation;
    const Ring ring = {.rows = 2 * margin + 1, .columns = width + 2 * margin, .memory = scratch};
    for (Size c = 0; c < channels; c++)
        for (Size t = 0; t <= taps; t++) {
            double total = 0;
            for (int share = 0; share < shares; share++)
                total += ((double *)((char *)gradientTotals(&ring) + share * d.shareBytes))[t * d.weightPitch + c];
            if (t < taps) dw[c * taps + t] = (float)total;
            else if (db) db[c] = (float)total;
        }
}
