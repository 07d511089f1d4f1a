// Self-attention inside windows (Swin, Liu et al. 2021), one window and head at a time, all of it in the cache.
//
// q is packed with the factor 1 / sqrt(channels) and, where it makes scores, log2(e), as is the bias: exponentials are powers of
// two. They are never divided by their sum: the output is, and in the gradient dy.

static const float logarithmOfE = 1.44269504088896341f; // to base 2

/// Memory of one share of the windows.
typedef struct {
    float *qTransposed, *k, *v, *outTransposed, *scores;
    float *q, *dOut, *dOutTransposed, *dScores, *dKey, *dValue, *biasSum, *recentBiasSum; // of the gradient
} WindowMemory;

/// Takes memory from `scratch` one piece after the other.
INLINE float *take(float **scratch, Size count) {
    float *const piece = *scratch;
    *scratch += padded(count);
    return piece;
}

/// Lays a share's memory out, the sum of the bias' gradient first, and zeroes it: padding is read.
static WindowMemory layOut(const Windows *w, int backward, float *memory) {
    WindowMemory m = {0};
    float **const scratch = &memory, *const first = memory;
    if (backward) m.biasSum = take(scratch, w->heads * w->tokens * w->queries);
    m.qTransposed = take(scratch, w->channels * w->queries);
    m.outTransposed = take(scratch, w->channels * w->queries);
    m.k = take(scratch, w->tokens * w->span);
    m.v = take(scratch, w->tokens * w->span);
    m.scores = take(scratch, w->tokens * HALCYON_ATTENTION_PANEL);
    if (backward) {
        m.dOutTransposed = take(scratch, w->channels * w->queries);
        m.q = take(scratch, w->tokens * w->span);
        m.dOut = take(scratch, w->tokens * w->span);
        m.dKey = take(scratch, w->tokens * w->span);
        m.dValue = take(scratch, w->tokens * w->span);
        m.dScores = take(scratch, w->tokens * HALCYON_ATTENTION_PANEL);
        m.recentBiasSum = take(scratch, w->heads * w->tokens * w->queries);
    }
    for (float *p = first; p < memory; p++) *p = 0;
    return m;
}

/// Runs the statements for panels of `vectors` vectors of queries, a constant, from query `lane` on.
#define FOR_PANELS(tokens, ...)                                       \
    do {                                                              \
        const Size lanes = ((tokens) + W - 1) / W * W;                \
        Size lane = 0;                                                \
        for (; lane + panelPitch <= lanes; lane += panelPitch) {      \
            enum { vectors = panelVectors };                          \
            __VA_ARGS__                                               \
        }                                                             \
        for (; lane < lanes; lane += W) {                             \
            enum { vectors = 1 };                                     \
            __VA_ARGS__                                               \
        }                                                             \
    } while (0)

/// Where a head's bias for this query and key lies: panel by panel, [key][query of the panel].
INLINE Size panelIndex(const Windows *w, Size query, Size key) {
    const Size lanes = (w->tokens + W - 1) / W * W, whole = lanes / panelPitch * panelPitch;
    const Size pitch = query < whole ? panelPitch : W, lane = query / pitch * pitch;
    return lane * w->tokens + key * pitch + query - lane;
}

/// bias [heads][query][key] in units of log 2, as panels.
static void packBias(const Windows *w, const float *bias, float *packed) {
    for (Size i = 0; i < w->heads * w->tokens * w->queries; i++) packed[i] = 0;
    for (Size head = 0; head < w->heads; head++, packed += w->tokens * w->queries)
        for (Size i = 0; i < w->tokens; i++)
            for (Size j = 0; j < w->tokens; j++, bias++) packed[panelIndex(w, i, j)] = *bias * logarithmOfE;
}

typedef struct {
    Windows windows;
    int mask;
    const float *qkv;
    Size qkvPitch;
    const float *bias; // packed
    float *y;
    Size yPitch;
    const float *dy;
    Size dyPitch;
    float *dqkv;
    Size dqkvPitch;
    float *scratch;
    Size shareFloats;
} Attention;

/// The powers of two of a panel of scores; `inverse` becomes one over their sum.
INLINE void softmaxPanel(const int vectors, const Windows *w, const WindowMemory *m, const float *bias, const Places *places,
                         int split, Size lane, V *inverse) {
    V highest[panelVectors], sum[panelVectors];
    scoresOf(vectors, w, m->k, m->qTransposed + lane, bias + lane * w->tokens, highest, m->scores);
    if (split) separateParts(vectors, w, places->parts, places->parts + lane, highest, m->scores);
    exponentiate(vectors, w->tokens, highest, sum, m->scores);
    UNROLLED for (int v = 0; v < vectors; v++) inverse[v] = splat(1) / sum[v];
}

static void attendHead(const Windows *w, const WindowMemory *m, const float *bias, const Places *places, int split) {
    FOR_PANELS(w->tokens, {
        V inverse[panelVectors];
        softmaxPanel(vectors, w, m, bias, places, split, lane, inverse);
        scaledProduct(vectors, w->channels, w->tokens, (Factors){m->v, 1, w->span}, m->scores, panelPitch, inverse,
                      m->outTransposed + lane, w->queries);
    });
}

static void attentionShare(void *context, Size first, Size end, int share) {
    const Attention *const a = context;
    const Windows *const w = &a->windows;
    const Size all = w->heads * w->channels;
    const float factor = (float)(1 / squareRoot((double)w->channels));
    const WindowMemory m = layOut(w, 0, a->scratch + share * a->shareFloats);
    Places both[2];
    placesOf(w, first, &both[0]);
    for (Size index = first; index < end; index++) {
        const Places *const places = &both[(index - first) % 2];
        Places *const next = &both[(index - first + 1) % 2];
        placesOf(w, minimum(index + 1, end - 1), next);
        for (Size head = 0; head < w->heads; head++) {
            prefetch(w, next, head, a->qkv, a->qkvPitch, 3 * all);
            prefetch(w, next, head, a->y, a->yPitch, all);
            const float *const q = a->qkv + head * w->channels;
            gatherTransposed(w, places->pixels, q, a->qkvPitch, factor * logarithmOfE, m.qTransposed);
            gather(w, places->pixels, q + all, a->qkvPitch, 1, m.k);
            gather(w, places->pixels, q + 2 * all, a->qkvPitch, 1, m.v);
            attendHead(w, &m, a->bias + head * w->tokens * w->queries, places, places->isSplit && a->mask);
            scatterTransposed(w, places->pixels, m.outTransposed, a->y + head * w->channels, a->yPitch);
        }
    }
}

/// Packs the bias in front of the shares' memory and runs all windows; returns the shares.
static int shareWindows(Attention *a, Size batch, const float *bias, float *scratch, int backward,
                        void (*body)(void *, Size, Size, int)) {
    const Windows *const w = &a->windows;
    float *const packed = take(&scratch, w->heads * w->tokens * w->queries);
    packBias(w, bias, packed);
    a->bias = packed;
    a->scratch = scratch;
    a->shareFloats = halcyon_window_attention_share(w->heads, w->channels, w->window, backward);
    const Size count = batch * (w->height / w->window) * (w->width / w->window);
    halcyon_parallel(count, 1, body, a);
    return count ? halcyon_shares(count, 1) : 0;
}

static void window_attention(Size batch, Size height, Size width, Size heads, Size channels, Size window, Size shift, int mask,
                             const float *qkv, Size qkvPitch, const float *bias, float *y, Size yPitch, float *scratch) {
    Attention a = {.windows = windowsOf(height, width, heads, channels, window, shift), .mask = mask, .qkv = qkv,
                   .qkvPitch = qkvPitch, .y = y, .yPitch = yPitch};
    shareWindows(&a, batch, bias, scratch, 0, attentionShare);
}

/// dp = v dy, and its product with the panel's p, summed over keys.
INLINE void probabilityGradients(const int vectors, const Windows *w, const WindowMemory *m, Size lane, V *sum) {
    UNROLLED for (int v = 0; v < vectors; v++) sum[v] = (V){0};
    FOR_BLOCKS(w->tokens, vectors, {
        Sums sums = {0};
        addProducts(rows, vectors, first, w->channels, (Factors){m->v, w->span, 1}, m->dOutTransposed + lane, w->queries, sums);
        UNROLLED for (int r = 0; r < rows; r++)
            UNROLLED for (int v = 0; v < vectors; v++) {
                const Size at = (first + r) * panelPitch + v * W;
                store(m->dScores + at, sums[r][v], W);
                sum[v] += sums[r][v] * load(m->scores + at, W);
            }
    });
}

/// ds = p (dp - sum over keys of p dp), added to the bias' gradient.
INLINE void scoreGradients(const int vectors, const Windows *w, const WindowMemory *m, const V *sum, float *biasSum) {
    for (Size j = 0; j < w->tokens; j++)
        UNROLLED for (int v = 0; v < vectors; v++) {
            const Size at = j * panelPitch + v * W;
            float *const total = biasSum + (j * vectors + v) * W;
            const V ds = load(m->scores + at, W) * (load(m->dScores + at, W) - sum[v]);
            store(m->dScores + at, ds, W);
            store(total, load(total, W) + ds, W);
        }
}

/// Multiplies a panel's dy by one over the sums of its powers, which p lacks.
INLINE void scaleUpstream(const int vectors, const Windows *w, const WindowMemory *m, Size lane, const V *inverse) {
    for (Size c = 0; c < w->channels; c++)
        UNROLLED for (int v = 0; v < vectors; v++) {
            float *const at = m->dOutTransposed + c * w->queries + lane + v * W;
            store(at, load(at, W) * inverse[v], W);
        }
    for (Size i = 0; i < minimum(vectors * W, w->tokens - lane); i++) {
        float *const row = m->dOut + (lane + i) * w->span;
        for (Size c = 0; c < w->span; c += W) store(row + c, load(row + c, W) * inverse[i / W][i % W], W);
    }
}

static void attendHeadBackward(const Windows *w, const WindowMemory *m, const float *bias, float *biasSum, const Places *places,
                               int split, float factor) {
    const V factors[panelVectors] = {splat(factor), splat(factor)};
    FOR_PANELS(w->tokens, {
        V inverse[panelVectors];
        V sum[panelVectors];
        softmaxPanel(vectors, w, m, bias, places, split, lane, inverse);
        scaleUpstream(vectors, w, m, lane, inverse);
        probabilityGradients(vectors, w, m, lane, sum);
        UNROLLED for (int v = 0; v < vectors; v++) sum[v] *= inverse[v];
        scoreGradients(vectors, w, m, sum, biasSum + lane * w->tokens);
        scaledProduct(vectors, w->channels, w->tokens, (Factors){m->k, 1, w->span}, m->dScores, panelPitch, factors,
                      m->outTransposed + lane, w->queries);
        const Size queries = minimum(vectors * W, w->tokens - lane);
        addedProduct(w->tokens, queries, w->channels, (Factors){m->scores, panelPitch, 1}, m->dOut + lane * w->span, lane == 0,
                     m->dValue, w->span);
        addedProduct(w->tokens, queries, w->channels, (Factors){m->dScores, panelPitch, 1}, m->q + lane * w->span, lane == 0,
                     m->dKey, w->span);
    });
}

/// Windows whose contributions to the bias' gradient are added before they join those of all.
enum { recentWindows = 16 };

static void attentionBackwardShare(void *context, Size begin, Size end, int share) {
    const Attention *const a = context;
    const Windows *const w = &a->windows;
    const Size all = w->heads * w->channels, square = w->tokens * w->queries;
    const float factor = (float)(1 / squareRoot((double)w->channels));
    const WindowMemory m = layOut(w, 1, a->scratch + share * a->shareFloats);
    Places both[2];
    placesOf(w, begin, &both[0]);
    for (Size index = begin; index < end; index++) {
        const Places *const places = &both[(index - begin) % 2];
        Places *const next = &both[(index - begin + 1) % 2];
        placesOf(w, minimum(index + 1, end - 1), next);
        for (Size head = 0; head < w->heads; head++) {
            prefetch(w, next, head, a->qkv, a->qkvPitch, 3 * all);
            prefetch(w, next, head, a->dy, a->dyPitch, all);
            prefetch(w, next, head, a->dqkv, a->dqkvPitch, 3 * all);
            const float *const q = a->qkv + head * w->channels, *const dy = a->dy + head * w->channels;
            float *const dq = a->dqkv + head * w->channels;
            gatherTransposed(w, places->pixels, q, a->qkvPitch, factor * logarithmOfE, m.qTransposed);
            gather(w, places->pixels, q, a->qkvPitch, factor, m.q);
            gather(w, places->pixels, q + all, a->qkvPitch, 1, m.k);
            gather(w, places->pixels, q + 2 * all, a->qkvPitch, 1, m.v);
            gather(w, places->pixels, dy, a->dyPitch, 1, m.dOut);
            gatherTransposed(w, places->pixels, dy, a->dyPitch, 1, m.dOutTransposed);
            attendHeadBackward(w, &m, a->bias + head * square, m.recentBiasSum + head * square, places,
                               places->isSplit && a->mask, factor);
            scatterTransposed(w, places->pixels, m.outTransposed, dq, a->dqkvPitch);
            scatter(w, places->pixels, m.dKey, dq + all, a->dqkvPitch);
            scatter(w, places->pixels, m.dValue, dq + 2 * all, a->dqkvPitch);
        }
        if ((index - begin) % recentWindows == recentWindows - 1 || index == end - 1)
            for (Size i = 0; i < w->heads * square; i += W) {
                store(m.biasSum + i, load(m.biasSum + i, W) + load(m.recentBiasSum + i, W), W);
                store(m.recentBiasSum + i, (V){0}, W);
            }
    }
}

static void window_attention_backward(Size batch, Size height, Size width, Size heads, Size channels, Size window, Size shift,
                                      int mask, const float *qkv, Size qkvPitch, const float *bias, const float *dy,
                                      Size dyPitch, float *dqkv, Size dqkvPitch, float *dbias, float *scratch) {
    Attention a = {.windows = windowsOf(height, width, heads, channels, window, shift), .mask = mask, .qkv = qkv,
                   .qkvPitch = qkvPitch, .dy = dy, .dyPitch = dyPitch, .dqkv = dqkv, .dqkvPitch = dqkvPitch};
    const Windows *const w = &a.windows;
    const int shares = shareWindows(&a, batch, bias, scratch, 1, attentionBackwardShare);
    const Size square = w->tokens * w->queries;
    for (Size i = 0; i < heads * w->tokens * w->tokens; i++) dbias[i] = 0;
    for (int share = 0; share < shares; share++) {
        const float *const sums = a.scratch + share * a.shareFloats;
        for (Size head = 0; head < heads; head++)
            for (Size i = 0; i < w->tokens; i++)
                for (Size j = 0; j < w->tokens; j++)
                    dbias[(head * w->tokens + i) * w->tokens + j] += sums[head * square + panelIndex(w, i, j)];
    }
}
