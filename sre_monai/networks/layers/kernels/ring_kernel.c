/* The ring convolution on the CPU: variants for several instruction sets, and the threads that share the work. */
#include "variants.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define TILE 64                     /* most pixels of a tile: its features and sums fit the first caches */
#define STREAMED_ELEMENTS (1 << 20) /* a larger output is written past the caches */

#define VARIANT(name) portable_##name
#define LANES 4
#define COLUMNS 2
#define ROOT(v) portable_root(v)
typedef float portable_floats __attribute__((vector_size(16)));
static inline portable_floats portable_root(portable_floats v) {
    for (int i = 0; i < LANES; i++) v[i] = sqrtf(v[i]);
    return v;
}
#include "ring_variant.h"
#undef VARIANT
#undef LANES
#undef COLUMNS
#undef ROOT

#ifdef X86_VARIANTS
#include <immintrin.h>
#define FENCE() _mm_sfence()
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define VARIANT(name) avx2_##name
#define LANES 8
#define COLUMNS 2
#define ROOT(v) (vector)_mm256_sqrt_ps((__m256)(v))
#define STREAM(p, v) _mm256_stream_ps(p, (__m256)(v))
#include "ring_variant.h"
#undef VARIANT
#undef LANES
#undef COLUMNS
#undef ROOT
#undef STREAM
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define VARIANT(name) avx512_##name
#define LANES 16
#define COLUMNS 4
#define ROOT(v) (vector)_mm512_sqrt_ps((__m512)(v))
#define STREAM(p, v) _mm512_stream_ps(p, (__m512)(v))
#include "ring_variant.h"
#undef VARIANT
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define VARIANT(name) avx512_bf16_##name
#define DOT(s, a, b) (vector)_mm512_dpbf16_ps((__m512)(s), (__m512bh)(a), (__m512bh)(b))
#define NARROW(v) (VARIANT(halves))_mm512_cvtneps_pbh((__m512)(v))
#define PAIR(a, b) avx512_bf16_pair((__m512)(a), (__m512)(b))
typedef float avx512_floats __attribute__((vector_size(64)));
static inline avx512_floats avx512_bf16_pair(__m512 a, __m512 b) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5,
                                           20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (avx512_floats)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(b, a));
}
#include "ring_variant.h"
#undef VARIANT
#undef LANES
#undef COLUMNS
#undef ROOT
#undef STREAM
#pragma GCC pop_options
#endif

static const ring_variant variants[] = {
#ifdef X86_VARIANTS
    {"avx512_bf16", 16, avx512_bf16_pack_weight, avx512_bf16_run_tile, avx512_bf16_harmonic_forward,
     avx512_bf16_harmonic_backward},
    {"avx512", 16, avx512_pack_weight, avx512_run_tile, avx512_harmonic_forward, avx512_harmonic_backward},
    {"avx2", 8, avx2_pack_weight, avx2_run_tile, avx2_harmonic_forward, avx2_harmonic_backward},
#endif
    {"portable", 4, portable_pack_weight, portable_run_tile, portable_harmonic_forward, portable_harmonic_backward},
};

static int supported(const ring_variant *variant) {
#ifdef X86_VARIANTS
    __builtin_cpu_init();
    if (!strcmp(variant->name, "avx512_bf16") && !__builtin_cpu_supports("avx512bf16")) return 0;
    if (variant->lanes == 16)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (variant->lanes == 8) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    (void)variant;
    return 1;
}

/* What the caller must agree with: the version of the functions, and the sizes of what they are given. */
int64_t kernels_layout(int64_t index) {
    const int64_t layout[] = {KERNELS_VERSION, sizeof(ring_job), sizeof(harmonic_job)};
    return index < 3 ? layout[index] : 0;
}

/* The names of the variants that this machine runs, best first; NULL past the last. */
const char *ring_variant_name(int64_t index) {
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (supported(&variants[i]) && index-- == 0) return variants[i].name;
    return NULL;
}

const ring_variant *ring_find_variant(const char *name) {
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (!strcmp(variants[i].name, name) && supported(&variants[i])) return &variants[i];
    return NULL;
}

/* Add the threads' gradients for one input channel to the weight's, always in the same order. */
void ring_add_gradients(const ring_job *job, int64_t i, const float *gradient, int64_t team, int64_t step,
                        int64_t padded) {
    const int64_t first = i / CHANNEL_BLOCK * job->rings * CHANNEL_BLOCK + i % CHANNEL_BLOCK;
    for (int64_t j = 0; j < job->rings; j++)
        for (int64_t o = 0; o < job->out_channels; o++) {
            float sum = 0;
            for (int64_t t = 0; t < team; t++)
                sum += gradient[t * step + (first + j * CHANNEL_BLOCK) * padded + o];
            job->weight_gradient[i * job->gradient_strides[0] + o * job->gradient_strides[1] + j] = sum;
        }
}

/* Compute one of the tiles into which every row is cut; the last may be short, or none. */
static void run_tile(const ring_job *job, const ring_variant *variant, const ring_scratch *scratch, int64_t t,
                     int64_t tiles, int64_t tile) {
    const int64_t start = t % tiles * tile, pixels = minimum(tile, job->out_size[2] - start);
    if (pixels > 0) variant->run_tile(job, scratch, t / tiles, start, pixels);
}

/* Run a job. Returns 0, 1 for an unknown variant, 2 where memory ran out. */
int64_t ring_convolve(const ring_job *job, const char *variant_name, int64_t threads) {
    const ring_variant *variant = ring_find_variant(variant_name);
    if (!variant) return 1;
    const int64_t padded = round_up(job->out_channels, variant->lanes), depth = job->rings * CHANNEL_BLOCK;
    const int64_t blocks = round_up(job->in_channels, CHANNEL_BLOCK) / CHANNEL_BLOCK;
    const int64_t rows = job->batch * job->out_size[0] * job->out_size[1];
    const int64_t tiles = (job->out_size[2] + TILE - 1) / TILE;
    const int64_t tile = round_up((job->out_size[2] + tiles - 1) / tiles, 8);
    const int64_t rounded = round_up(tile, WINDOW);

    const int64_t lines = job->lines * (WINDOW + 2 * job->reach) * CHANNEL_BLOCK, features = rounded * depth, sums = rounded * padded;
    const int64_t classes = job->mix ? job->classes * WINDOW * CHANNEL_BLOCK : 0;
    const int64_t partner = job->partner ? sums : 0, gradient = job->partner ? blocks * depth * padded : 0;
    const int64_t words = rounded / 2 * depth, partner_words = rounded / 2 * padded;
    const int64_t rows_of_lines = round_up(job->lines * (MAX_ROWS + 1) * 2, 16); /* 64-bit numbers, in floats */
    const int64_t private = round_up(lines + features + sums + classes + partner + gradient + words + partner_words + rows_of_lines, 16);
    const int64_t packed = job->out ? round_up(job->in_channels * job->rings * padded, 16) : 0;
    float *memory = aligned_alloc(64, (packed + threads * private) * sizeof(float));
    if (!memory) return 2;

#pragma omp parallel num_threads(threads)
    {
        const int64_t me = omp_get_thread_num(), team = omp_get_num_threads();
        float *own = memory + packed + me * private;
        ring_scratch scratch;
        scratch.packed = memory;
        scratch.lines = own;
        scratch.features = scratch.lines + lines;
        scratch.sums = scratch.features + features;
        scratch.classes = scratch.sums + sums;
        scratch.partner = scratch.classes + classes;
        scratch.gradient = scratch.partner + partner;
        scratch.words = scratch.gradient + gradient;
        scratch.partner_words = scratch.words + words;
        scratch.rows = scratch.partner_words + partner_words;
        memset(scratch.gradient, 0, gradient * sizeof(float));
        if (job->out)
#pragma omp for
            for (int64_t block = 0; block < blocks; block++)
                variant->pack_weight(job, block, memory + block * CHANNEL_BLOCK * job->rings * padded);
        const int64_t work = rows * tiles, share = work / (8 * team) + 1;
        if (job->partner) { /* fixed shares, lest the sums depend on who is faster */
            for (int64_t t = work * me / team; t < work * (me + 1) / team; t++)
                run_tile(job, variant, &scratch, t, tiles, tile);
        } else { /* small ones, lest all wait for a thread whose core does something else as well */
#pragma omp for schedule(dynamic, share)
            for (int64_t t = 0; t < work; t++) run_tile(job, variant, &scratch, t, tiles, tile);
        }
        if (job->partner) {
            const float *first = scratch.gradient - me * private;
#pragma omp barrier
#pragma omp for
            for (int64_t i = 0; i < job->in_channels; i++) ring_add_gradients(job, i, first, team, private, padded);
        }
    }
    free(memory);
    return 0;
}
