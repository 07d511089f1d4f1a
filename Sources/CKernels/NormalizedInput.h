// The batch norm and ReLU in front of a convolution, applied to what it reads: the normalized map is never made.

/// Of some channels.
typedef struct {
    V mean, factor, shift;
} ChannelNorm;

/// That of channels c ..< c + k.
INLINE ChannelNorm channelNorm(const halcyon_normalization *n, Size c, Size k) {
    return (ChannelNorm){load(n->mean + c, k), load(n->gamma + c, k) * load(n->inverseDeviation + c, k), load(n->beta + c, k)};
}

/// The same numbers as `batch_norm_apply` makes.
INLINE V normalized(V x, const ChannelNorm *n) {
    const V value = (x - n->mean) * n->factor + n->shift;
    return whereActive(value, value);
}

/// Channels c ..< c + k of a pixel, normalized where `n` is not NULL.
INLINE V loadNormalized(const float *x, const halcyon_normalization *n, Size c, Size k) {
    V value = load(x + c, k);
    if (n) {
        const ChannelNorm norm = channelNorm(n, c, k);
        value = normalized(value, &norm);
    }
    return value;
}
