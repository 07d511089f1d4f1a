// The processor's eight tiles (AMX) for products of bf16: a tile of 16 rows of up to 32 numbers, times one of up to 16 pairs of rows of
// 16 numbers, is added to 16 x 16 sums.

enum { tileRows = 16, tileFloats = 256 };

/// All tiles have 16 rows of 64 bytes, but tile 5, whose rows have `rest` pairs, and tile 7, which has `rest` rows, 1 to 16.
static void useTiles(Size rest) {
    struct {
        unsigned char palette, start, reserved[14];
        unsigned short rowBytes[16];
        unsigned char rows[16];
    } __attribute__((aligned(64))) config = {.palette = 1};
    for (int i = 0; i < 8; i++) config.rowBytes[i] = 64, config.rows[i] = tileRows;
    config.rowBytes[5] = (unsigned short)(4 * rest);
    config.rows[7] = (unsigned char)rest;
    _tile_loadconfig(&config);
}

/// Rows to columns of 16 x 16.
INLINE void transpose16(__m512i v[16]) {
    __m512i t[16];
    UNROLLED for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(v[2 * i], v[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(v[2 * i], v[2 * i + 1]);
    }
    UNROLLED for (int i = 0; i < 4; i++) {
        v[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        v[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        v[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        v[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    UNROLLED for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(v[i], v[4 + i], 0x88);
        t[4 + i] = _mm512_shuffle_i32x4(v[i], v[4 + i], 0xdd);
        t[8 + i] = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0x88);
        t[12 + i] = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0xdd);
    }
    UNROLLED for (int i = 0; i < 4; i++) {
        v[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
        v[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
        v[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
        v[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
    }
}
