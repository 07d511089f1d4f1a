// Pointwise (1x1) convolutions as products of small matrices: lanes are output channels, the weights are packed in groups of 16
// outputs, [group][input][16], so that a step over one input reads a few vectors of weights and one number of each pixel of a block.
// Operands rounded to bf16 are copied to a staging buffer first. Where the processor multiplies pairs of bf16 (KERNEL_BF16), a
// step is a pair of inputs, or of pixels for the gradient of the weights, and each 32-bit element holds the two.

enum {
    pointwiseGroup = 16,
#if VECTOR_FLOATS == 16
    pointwiseVectors = 4, // of outputs in a register block at most; 24 sums, 4 weights and a factor fill 29 of 32 registers
#else
    pointwiseVectors = 2,
#endif
    pointwiseAhead = 2048, // floats before those that are multiplied, which are asked for
};

/// The rows of a register block with so many vectors of outputs.
#if VECTOR_FLOATS == 16
#define pointwiseRows(vectors) ((vectors) == 4 ? 6 : 8)
#elif VECTOR_FLOATS == 8
#define pointwiseRows(vectors) ((vectors) == 2 ? 6 : 8)
#else
#define pointwiseRows(vectors) ((vectors) == 2 ? 4 : 8)
#endif

/// Where vector v of the outputs lies in packed weights of so many steps.
INLINE Size packedOffset(Size v, Size steps) { return v * W / pointwiseGroup * steps * pointwiseGroup + v * W % pointwiseGroup; }

/// The products of a block, from vector `first` of the outputs: sums[row][vector] over the steps.
INLINE void pointwiseSums(int rows, int vectors, Size steps, Size first, const float *x, Size xPitch, const float *weights, V *sums) {
    UNROLLED for (int j = 0; j < rows * vectors; j++) sums[j] = (V){0};
#pragma clang loop unroll(disable)
    for (Size s = 0; s < steps; s++) {
        V factor[pointwiseVectors];
        UNROLLED for (int v = 0; v < vectors; v++)
            factor[v] = *(const UnalignedV *)(weights + packedOffset(first + v, steps) + s * pointwiseGroup);
        UNROLLED for (int r = 0; r < rows; r++) {
            const V value = broadcast(x + r * xPitch + s);
            UNROLLED for (int v = 0; v < vectors; v++) sums[r * vectors + v] = multiplyAdd(value, factor[v], sums[r * vectors + v]);
        }
    }
}

/// What follows the products: y = relu(sum gate + bias + residual), all but the sum optional, from vector `first` of the outputs.
INLINE void pointwiseFinish(const halcyon_pointwise *k, int rows, int vectors, Size first, Size pixel, const V *sums) {
    // What a store might change is read before.
    const Size outputs = k->outputs, yPitch = k->yPitch, residualPitch = k->residualPitch;
    const float *const biases = k->bias, *const gates = k->outputGate, *const residual = k->residual ? k->residual + pixel * residualPitch : NULL;
    float *const y = k->y + pixel * yPitch;
    const int relu = k->relu;
    UNROLLED for (int v = 0; v < vectors; v++) {
        const Size o = (first + v) * W, lanes = minimum(W, outputs - o);
        const V bias = biases ? load(biases + o, lanes) : (V){0}, gate = gates ? load(gates + o, lanes) : splat(1);
        UNROLLED for (int r = 0; r < rows; r++) {
            V value = sums[r * vectors + v] * gate + bias;
            if (residual) value += load(residual + r * residualPitch + o, lanes);
            if (relu) value = whereActive(value, value);
            store(y + r * yPitch + o, value, lanes);
        }
    }
}

#ifdef KERNEL_TILES
/// A panel of outputs from vector `first` for `count` staged pixels, 16 of them at once; the staged rows are 48.
INLINE void pointwisePanel(const halcyon_pointwise *k, int vectors, Size steps, Size first, const float *x, Size xPitch, Size pixel,
                           Size count) {
    float buffer[pointwiseVectors * tileFloats] __attribute__((aligned(64)));
    const int isPlain = !k->bias && !k->outputGate && !k->residual && !k->relu && (first + vectors) * W <= k->outputs;
    for (Size p = 0; p < count; p += tileRows) {
        _tile_zero(0);
        if (vectors > 1) _tile_zero(1);
        if (vectors > 2) _tile_zero(2);
        if (vectors > 3) _tile_zero(3);
        const float *const row = x + p * xPitch, *const weights = k->weights + first * steps * pointwiseGroup;
        const size_t pitch = (size_t)xPitch * sizeof *x;
        Size s = 0;
#define POINTWISE_STEP(a, b)                                                                                  \
    do {                                                                                                      \
        const float *const from = weights + s * pointwiseGroup;                                               \
        _tile_loadd(a, row + s, pitch);                                                                       \
        _tile_loadd(b, from, 64), _tile_dpbf16ps(0, a, b);                                                    \
        if (vectors > 1) _tile_loadd(b, from + steps * pointwiseGroup, 64), _tile_dpbf16ps(1, a, b);          \
        if (vectors > 2) _tile_loadd(b, from + 2 * steps * pointwiseGroup, 64), _tile_dpbf16ps(2, a, b);      \
        if (vectors > 3) _tile_loadd(b, from + 3 * steps * pointwiseGroup, 64), _tile_dpbf16ps(3, a, b);      \
    } while (0)
        for (; s + tileRows <= steps; s += tileRows) POINTWISE_STEP(4, 6);
        if (s < steps) POINTWISE_STEP(5, 7);
#undef POINTWISE_STEP
        const int isStraight = isPlain && p + tileRows <= count;
        float *const to = isStraight ? k->y + (pixel + p) * k->yPitch + first * W : buffer;
        const Size next = isStraight ? W : tileFloats;
        const size_t toPitch = isStraight ? (size_t)k->yPitch * sizeof *to : 64;
        _tile_stored(0, to, toPitch);
        if (vectors > 1) _tile_stored(1, to + next, toPitch);
        if (vectors > 2) _tile_stored(2, to + 2 * next, toPitch);
        if (vectors > 3) _tile_stored(3, to + 3 * next, toPitch);
        if (isStraight) continue;
        const Size rows = minimum(tileRows, count - p);
        Size r = 0;
#define POINTWISE_ROWS(number)                                                                                                     \
    for (; r + (number) <= rows; r += (number)) {                                                                                  \
        V sums[(number) * pointwiseVectors];                                                                                       \
        UNROLLED for (int i = 0; i < (number); i++)                                                                                \
            UNROLLED for (int v = 0; v < vectors; v++) sums[i * vectors + v] = *(const V *)(buffer + v * tileFloats + (r + i) * W); \
        pointwiseFinish(k, (number), vectors, first, pixel + p + r, sums);                                                         \
    }
        POINTWISE_ROWS(4)
        POINTWISE_ROWS(1)
#undef POINTWISE_ROWS
    }
}
#else
INLINE void pointwiseBlock(const halcyon_pointwise *k, int rows, int vectors, Size steps, Size first, const float *x, Size xPitch,
                           Size pixel) {
    V sums[12 * pointwiseVectors];
    pointwiseSums(rows, vectors, steps, first, x, xPitch, k->weights, sums);
    pointwiseFinish(k, rows, vectors, first, pixel, sums);
}

/// A panel of outputs from vector `first` for `count` pixels whose sources are rows of x.
INLINE void pointwisePanel(const halcyon_pointwise *k, int vectors, Size steps, Size first, const float *x, Size xPitch, Size pixel,
                           Size count) {
    const int rows = pointwiseRows(vectors);
    const Size ahead = pointwiseAhead / k->inputs;
    Size p = 0;
    for (; p + rows <= count; p += rows) {
        if (first == 0 && !k->isRounded) fetchRows(x + (p + ahead) * xPitch, rows, xPitch, k->inputs);
        if (k->residual) fetchRows(k->residual + (pixel + p + rows) * k->residualPitch + first * W, rows, k->residualPitch, vectors * W);
        fetchRowsToWrite(k->y + (pixel + p + 2 * rows) * k->yPitch + first * W, rows, k->yPitch, vectors * W);
        pointwiseBlock(k, rows, vectors, steps, first, x + p * xPitch, xPitch, pixel + p);
    }
    for (; p + 4 <= count; p += 4) pointwiseBlock(k, 4, vectors, steps, first, x + p * xPitch, xPitch, pixel + p);
    for (; p < count; p++) pointwiseBlock(k, 1, vectors, steps, first, x + p * xPitch, xPitch, pixel + p);
}
#endif

/// Splits `count` vectors of outputs into panels as equal as they can be; runs the statement with `first` (a vector) and a constant
/// `vectors`.
#define POINTWISE_PANELS(count, ...)                                                         \
    for (Size panels = ((count) + pointwiseVectors - 1) / pointwiseVectors, panel = 0, first = 0, next; panel < panels;      \
         panel++, first = next) {                                                            \
        next = (count) * (panel + 1) / panels;                                                                               \
        switch (next - first) {                                                              \
        case 1: { enum { vectors = 1 }; __VA_ARGS__ } break;                                 \
        case 2: { enum { vectors = 2 }; __VA_ARGS__ } break;                                 \
        case 3: { enum { vectors = pointwiseVectors < 3 ? pointwiseVectors : 3 }; __VA_ARGS__ } break;                       \
        default: { enum { vectors = pointwiseVectors }; __VA_ARGS__ } break;                 \
        }                                                                                    \
    }

/// Copies `count` pixels to rows of a staging buffer, times the gate, rounded to bf16. Returns the staged rows' pitch.
static Size pointwiseStage(Size count, Size channels, const float *x, Size xPitch, const float *gate, float *staged) {
    const Size pitch = elements((channels + 15) / 16 * 16);
    for (Size p = 0; p < count; p++) LANES(channels, {
        V value = load(x + p * xPitch + i, k);
        if (gate) value *= load(gate + i, k);
        storeRounded(staged + p * pitch, i, value);
    });
    return pitch;
}

/// Packed float weights times the gate of their inputs: the products are those of gated inputs, which need not be copied.
static void pointwiseGateWeights(Size inputs, Size outputs, const float *weights, const float *gate, float *gated) {
    for (Size first = 0; first < outputs; first += pointwiseGroup)
        for (Size s = 0; s < inputs; s++, weights += pointwiseGroup, gated += pointwiseGroup)
            for (Size j = 0; j < pointwiseGroup; j += W) store(gated + j, load(weights + j, W) * splat(gate[s]), W);
}

/// The smooth activation of `count` pixels that were just written.
static void pointwiseActivate(int kind, Size count, Size channels, float *y, Size pitch) {
    WITH_ACTIVATION(kind, for (Size p = 0; p < count; p++, y += pitch)
                    LANES(channels, store(y + i, activated(activation, load(y + i, k)), k);););
}

static void pointwise_share(void *context, ptrdiff_t begin, ptrdiff_t end, int share) {
    halcyon_pointwise call = *(const halcyon_pointwise *)context;
    const halcyon_pointwise *const k = &call;
    const Size steps = elements(k->inputs), count = (k->outputs + W - 1) / W;
    call.weights += k->firstOutput * steps;
    if (call.bias) call.bias += k->firstOutput;
    const float *const weights = k->weights, *const gates = k->outputGate;
    float *const own = (float *)k->scratch + share * halcyon_pointwise_scratch(k, k->gate != NULL, 1);
#ifdef KERNEL_TILES
    useTiles(steps % tileRows ? steps % tileRows : tileRows);
#endif
    for (Size pixel = begin, taken; pixel < end; pixel += taken) {
        taken = minimum(pointwiseChunk, end - pixel);
        if (k->gate || k->outputGate) taken = minimum(taken, k->pixels - pixel % k->pixels);
        if (gates) call.outputGate = gates + pixel / k->pixels * k->gatePitch;
        const float *x = k->x + pixel * k->xPitch, *const gate = k->gate ? k->gate + pixel / k->pixels * k->gatePitch : NULL;
        Size xPitch = k->xPitch;
        if (k->isRounded) {
            xPitch = pointwiseStage(taken, k->inputs, x, xPitch, gate, own);
            x = own;
        } else if (gate && (pixel == begin || pixel % k->pixels == 0)) {
            pointwiseGateWeights(k->inputs, k->outputs, weights, gate, own);
            call.weights = own;
        }
        POINTWISE_PANELS(count, pointwisePanel(k, vectors, steps, first, x, xPitch, pixel, taken);)
        if (k->activation) pointwiseActivate(k->activation, taken, k->outputs, k->y + pixel * k->yPitch, k->yPitch);
    }
#ifdef KERNEL_TILES
    _tile_release();
#endif
}

/// The weights [outputs][inputs], or [inputs][outputs] if `isTransposed`, in groups of 16 outputs, zeros behind the last.
static void pointwise_pack(Size inputs, Size outputs, const float *weights, int isTransposed, int isRounded, float *packed) {
    const Size outputPitch = isTransposed ? 1 : inputs, inputPitch = isTransposed ? outputs : 1;
    const Size steps = elements(inputs), perStep = steps < inputs ? 2 : 1;
    for (Size first = 0; first < outputs; first += pointwiseGroup)
        for (Size s = 0; s < steps; s++, packed += pointwiseGroup) {
            float values[2 * pointwiseGroup] = {0}; // as they lie in memory: with pairs, both inputs of an output side by side
            for (Size o = 0; o < minimum(pointwiseGroup, outputs - first); o++)
                for (Size j = 0; j < minimum(perStep, inputs - s * perStep); j++)
                    values[o * perStep + j] = weights[(first + o) * outputPitch + (s * perStep + j) * inputPitch];
            for (Size i = 0; i < perStep * pointwiseGroup; i += W) {
                const V value = load(values + i, W);
                if (isRounded) storeRounded(packed, i, value);
                else *(UnalignedV *)(packed + i) = value;
            }
        }
}
