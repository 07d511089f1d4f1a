// Products of operands that are rounded to bf16, with Float32 sums. Where the processor multiplies pairs of bf16 (KERNEL_BF16), a
// 32-bit element holds two neighbours; elsewhere each stays a float of its own, rounded.
#ifdef KERNEL_BF16
typedef int PairedHalves __attribute__((may_alias));
/// All lanes = the two halves at p.
INLINE V broadcast(const float *p) { return (V)_mm512_set1_epi32(*(const PairedHalves *)p); }
INLINE V multiplyAdd(V a, V b, V sum) { return (V)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b); }
/// Elements that hold so many numbers.
INLINE Size elements(Size count) { return (count + 1) / 2; }
/// Puts lanes i ... of a row.
INLINE void storeRounded(float *row, Size i, V value) {
    _mm256_storeu_si256((__m256i *)(row + i / 2), (__m256i)_mm512_cvtneps_pbh((__m512)value));
}
/// The lanes of a and b as pairs.
INLINE V paired(V a, V b) {
    const __m512i interleaving = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5,
                                                  20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (V)_mm512_permutexvar_epi16(interleaving, (__m512i)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a));
}
#else
/// All lanes = the number at p.
INLINE V broadcast(const float *p) { return *p - (V){0}; }
INLINE V multiplyAdd(V a, V b, V sum) { return sum + a * b; }
INLINE Size elements(Size count) { return count; }
/// To the nearest bf16, ties to even.
INLINE V rounded(V x) {
    const I bits = (I)x, nearest = (bits + 0x7fff + (bits >> 16 & 1)) & (int)0xffff0000;
    return choose((I)(x == x), (V)nearest, x);
}
INLINE void storeRounded(float *row, Size i, V value) { *(UnalignedV *)(row + i) = rounded(value); }
#endif
