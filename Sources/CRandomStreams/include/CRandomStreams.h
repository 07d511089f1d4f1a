// Bulk forms of what `RandomStream` draws one by one, in a portable, an AVX2 and an AVX-512 version of one source.
#ifndef HALCYON_CRANDOMSTREAMS_H
#define HALCYON_CRANDOMSTREAMS_H
#include <stddef.h>
#include <stdint.h>

/// y[i] = (float)(n * gain * deviation) for the Box-Muller normal n of the Philox block `block + i` of `key`: the logarithm and
/// the cosine are computed here, not by the C library, with a relative error below 2^-46 in double. Where that could round to
/// another float than the exact value does, y[i] is NaN and the caller computes it (about one in two million).
void halcyon_random_normals(uint64_t key, uint64_t block, ptrdiff_t count, double gain, double deviation, float *y);
#endif
