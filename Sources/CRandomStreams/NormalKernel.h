// The including file names the function and has chosen the instruction set; the loop is written to be vectorised.
static double fromBits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, 8);
    return value;
}

static uint64_t toBits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits;
}

/// Exact for word < 2^52.
static double fromWord(uint64_t word) { return fromBits(word | 0x4330000000000000) - 0x1p52; }

/// ln x of x in [2^-53, 1], within 1 unit in the last place: fdlibm's e_log.c (Sun 1993) without branches.
static double naturalLogarithm(double x) {
    // x = 2^k m, m in [sqrt(1/2), sqrt(2))
    const uint64_t shifted = toBits(x) + (0x3ff0000000000000 - 0x3fe6a09e00000000);
    const double k = fromWord(shifted >> 52) - 1023;
    const double f = fromBits((shifted & 0x000fffffffffffff) + 0x3fe6a09e00000000) - 1;
    const double half = 0.5 * f * f, s = f / (2 + f), z = s * s, w = z * z;
    const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    const double odd =
        z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    return s * (half + even + odd) + k * 1.90821492927058770002e-10 - half + f + k * 6.93147180369123816490e-01;
}

/// cos a of a in [0, 2 pi), a further than 2^-20 from a multiple of pi/2: fdlibm's k_cos.c and k_sin.c. `rest` is that distance.
static double cosine(double a, double *rest) {
    const double turned = a * 6.36619772367581382433e-01 + 0x1.8p52, turns = turned - 0x1.8p52;
    const uint64_t quadrant = toBits(turned) & 3;
    const double r = a - turns * 1.57079632673412561417e+00 - turns * 6.07710050650619224932e-11;
    const double z = r * r;
    const double sine = r
        + z * r * (-1.66666666666666324348e-01 + z * (8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04
        + z * (2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
    const double tail = z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * (2.48015872894767294178e-05
        + z * (-2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
    const double half = 0.5 * z, near = 1 - half;
    const double even = near + ((1 - near) - half + z * tail);
    *rest = r;
    const uint64_t odd = 0 - (quadrant & 1);
    return fromBits(((toBits(sine) & odd) | (toBits(even) & ~odd)) ^ (((quadrant + 1) & 2) << 62));
}

static void NORMALS(uint64_t key, uint64_t block, ptrdiff_t count, double gain, double deviation, float *y) {
    const uint64_t low = 0xffffffff;
    for (ptrdiff_t i = 0; i < count; i++) {
        const uint64_t counter = block + (uint64_t)i;
        // Philox 4x32-10 with each word in a lane of 64 bits.
        uint64_t c0 = counter & low, c1 = counter >> 32, c2 = 0, c3 = 0;
        uint64_t k0 = key & low, k1 = key >> 32;
#pragma clang loop unroll(full)
        for (int round = 0; round < 10; round++) {
            const uint64_t p0 = 0xD2511F53 * c0, p1 = 0xCD9E8D57 * c2;
            c0 = (p1 >> 32) ^ c1 ^ k0;
            c1 = p1 & low;
            c2 = (p0 >> 32) ^ c3 ^ k1;
            c3 = p0 & low;
            k0 = (k0 + 0x9E3779B9) & low;
            k1 = (k1 + 0xBB67AE85) & low;
        }
        // Two uniforms of 53 bits, exact.
        const double x = 1 - (fromWord(c1) * 0x1p21 + fromWord(c0 >> 11)) * 0x1p-53;
        const double u = (fromWord(c3) * 0x1p21 + fromWord(c2 >> 11)) * 0x1p-53;
        double rest;
        const double turn = cosine(6.283185307179586 * u, &rest);
        const double value = __builtin_elementwise_sqrt(-2 * naturalLogarithm(x)) * turn * gain * deviation;
        const float lower = (float)(value * (1 - 0x1p-46)), upper = (float)(value * (1 + 0x1p-46));
        const int isSafe = (lower == upper) & (__builtin_fabs(rest) > 0x1p-20) & (x < 1);
        y[i] = isSafe ? upper : __builtin_nanf("");
    }
}

#undef fromBits
#undef toBits
#undef fromWord
#undef naturalLogarithm
#undef cosine
#undef NORMALS
