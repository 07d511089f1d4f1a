// Images to sub-images and back. Inlined with constant factor and channels, so that the loops over a cell unroll and the loop
// over a row's cells is moves of constant strides.

INLINE void moveCells(Size batch, Size height, Size width, Size channels, Size factor, int columnMajor, int apart, float *whole,
                      Size wholePitch, float *parts, Size partsPitch) {
    const Size rows = height / factor, columns = width / factor, cell = factor * factor;
    const Size rowStep = columnMajor ? 1 : factor, columnStep = columnMajor ? factor : 1;
    for (Size n = 0; n < batch; n++)
        for (Size h = 0; h < rows; h++)
            for (Size r = 0; r < factor; r++) {
                float *line = whole + (n * height + h * factor + r) * width * wholePitch;
                float *part = parts + (n * rows + h) * columns * partsPitch + r * rowStep;
                for (Size w = 0; w < columns; w++, line += factor * wholePitch, part += partsPitch)
                    for (Size s = 0; s < factor; s++)
                        for (Size c = 0; c < channels; c++) {
                            float *a = line + s * wholePitch + c, *b = part + c * cell + s * columnStep;
                            if (apart) *b = *a;
                            else *a = *b;
                        }
            }
}

/// Chooses the constants of the usual cases: gray or colour, with or without a noise map, cells of 2x2 or 4x4.
INLINE void chooseCells(Size batch, Size height, Size width, Size channels, Size factor, int columnMajor, int apart,
                        float *whole, Size wholePitch, float *parts, Size partsPitch) {
    const int order = columnMajor != 0;
#define CELLS(f, c)                                                                                                           \
    if (factor == f && channels == c) {                                                                                       \
        if (order) moveCells(batch, height, width, c, f, 1, apart, whole, wholePitch, parts, partsPitch);                     \
        else moveCells(batch, height, width, c, f, 0, apart, whole, wholePitch, parts, partsPitch);                           \
        return;                                                                                                               \
    }
    CELLS(2, 1) CELLS(2, 2) CELLS(2, 3) CELLS(2, 4) CELLS(4, 1) CELLS(4, 3)
#undef CELLS
    moveCells(batch, height, width, channels, factor, order, apart, whole, wholePitch, parts, partsPitch);
}

static void pixel_unshuffle(Size batch, Size height, Size width, Size channels, Size factor, int columnMajor, const float *x,
                            Size xPitch, float *y, Size yPitch) {
    chooseCells(batch, height, width, channels, factor, columnMajor, 1, (float *)x, xPitch, y, yPitch);
}

static void pixel_shuffle(Size batch, Size height, Size width, Size channels, Size factor, int columnMajor, const float *x,
                          Size xPitch, float *y, Size yPitch) {
    chooseCells(batch, height, width, channels, factor, columnMajor, 0, y, yPitch, (float *)x, xPitch);
}
