// Work shares over GCC's OpenMP runtime, which oneDNN uses too: one pool of threads for both. The toolchain ships no omp.h.
#include "CKernels.h"

extern void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);

static _Thread_local int threadCount = 1;

void halcyon_set_threads(int threads) { threadCount = threads < 1 ? 1 : threads; }
int halcyon_threads(void) { return threadCount; }

typedef struct {
    void (*body)(void *context, ptrdiff_t first, ptrdiff_t end, int share);
    void *context;
    ptrdiff_t count, grain;
} Work;

static void runShare(void *data) {
    const Work *const work = data;
    const int share = omp_get_thread_num(), shares = omp_get_num_threads();
    const ptrdiff_t units = (work->count + work->grain - 1) / work->grain;
    const ptrdiff_t first = units * share / shares * work->grain, end = units * (share + 1) / shares * work->grain;
    const ptrdiff_t last = end < work->count ? end : work->count;
    if (first < last) work->body(work->context, first, last, share);
}

int halcyon_shares(ptrdiff_t count, ptrdiff_t grain) {
    const ptrdiff_t units = (count + grain - 1) / grain;
    return (int)(units < threadCount ? (units < 1 ? 1 : units) : threadCount);
}

void halcyon_parallel(ptrdiff_t count, ptrdiff_t grain, void (*body)(void *, ptrdiff_t, ptrdiff_t, int), void *context) {
    Work work = {body, context, count, grain};
    const int shares = halcyon_shares(count, grain);
    if (shares > 1) GOMP_parallel(runShare, &work, (unsigned)shares, 0);
    else if (count > 0) body(context, 0, count, 0);
}
