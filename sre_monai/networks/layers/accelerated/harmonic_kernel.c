/* Magnitudes of angular harmonics in two dimensions and their gradient: angular_harmonics.py in one pass over memory.
 *
 *     magnitude = sqrt(a^2 + b^2 + FLOOR^2),    a = A * in, b = B * in
 *     gradient  = A^T * (grad a / magnitude) + B^T * (grad b / magnitude)
 *
 * A and B are the derivatives along the two axes (order 1) or the stretch and the shear (order 2). Maps are
 * channels-last. A tile keeps the five rows that a stencil reads, dense and with a margin, and slides down. In such rows
 * a pixel's neighbours are at the same distance whatever the channel: one loop runs over pixels and channels.
 * Opposite taps are added up in pairs, hence turns and flips change signs and the order of two summands at most.
 */
#include "ring_kernel.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define REACH 2 /* pixels, of a stencil */
#define ROWS (2 * REACH + 1)
#define FLOOR 0.01f
#define ROW_FLOATS 2048 /* about as many in a row of a tile, so that its rows fit the second-level cache */
#define MIN_COLUMNS 32  /* but no fewer pixels, nor rows than these: neighbours compute their margins twice */
#define MIN_ROWS 16
#define TILES_PER_THREAD 4 /* lest all wait for a thread whose core does something else as well */
#define INLINE static inline __attribute__((always_inline))

typedef struct {
    const float *data;  /* its first pixel, or NULL for no map; the channels of a pixel are adjacent */
    int64_t strides[3]; /* elements from image to image, row to row and pixel to pixel */
} harmonic_map;

typedef struct {
    harmonic_map in;
    harmonic_map grad; /* of the magnitude, where the gradient of `in` is wanted */
    float *out;        /* (batch, height, width, channels): the magnitude, or that gradient */
    int64_t batch, height, width, channels, order;
} harmonic_job;

typedef struct {
    int64_t image, top, bottom, left, right; /* bottom and right are the first beyond it */
} harmonic_tile;

typedef void run_tile(const harmonic_job *, const harmonic_tile *, float *scratch);

INLINE int64_t maximum(int64_t a, int64_t b) { return a > b ? a : b; }

/* Copy the columns [left, right) of a row, zero beyond the border. */
INLINE void load_row(const harmonic_job *job, const harmonic_map *map, int64_t image, int64_t y, int64_t left,
                     int64_t right, float *row) {
    const int64_t channels = job->channels, step = map->strides[2];
    const int outside = y < 0 || y >= job->height;
    const int64_t first = outside ? right : maximum(left, 0), last = outside ? right : minimum(right, job->width);
    memset(row, 0, (first - left) * channels * sizeof(float));
    row += (first - left) * channels;
    const float *pixel = map->data + image * map->strides[0] + y * map->strides[1] + first * step;
    for (int64_t x = first; x < last; x++, row += channels, pixel += step) {
        int64_t c = 0;
        for (; c + 8 <= channels; c += 8) memcpy(row + c, pixel + c, 8 * sizeof(float)); /* moves, not calls */
        for (; c < channels; c++) row[c] = pixel[c];
    }
    memset(row, 0, (right - last) * channels * sizeof(float));
}

/* Make the oldest of the rows the newest, to be written. */
INLINE float *slide(float *rows[ROWS]) {
    float *oldest = rows[0];
    for (int r = 1; r < ROWS; r++) rows[r - 1] = rows[r];
    return rows[ROWS - 1] = oldest;
}

INLINE float slope(float far_before, float before, float after, float far_after) {
    return (after - before) * (2.0f / 3) - (far_after - far_before) * (1.0f / 12);
}

/* A at element i of the middle row, with `step` elements from pixel to pixel. */
INLINE float stencil_a(float *const rows[ROWS], int64_t i, int64_t step, const int order) {
    const float *row = rows[2] + i;
    if (order == 1) return slope(row[-2 * step], row[-step], row[step], row[2 * step]);
    return ((rows[1][i] + rows[3][i]) - (row[-step] + row[step])) * (2.0f / 3) +
           ((rows[0][i] + rows[4][i]) - (row[-2 * step] + row[2 * step])) * (1.0f / 12);
}

/* B likewise. */
INLINE float stencil_b(float *const rows[ROWS], int64_t i, int64_t step, const int order) {
    if (order == 1) return slope(rows[0][i], rows[1][i], rows[3][i], rows[4][i]);
    return ((rows[1][i - step] + rows[3][i + step]) - (rows[1][i + step] + rows[3][i - step])) * 0.5f;
}

INLINE float *out_row(const harmonic_job *job, const harmonic_tile *tile, int64_t y) {
    return job->out + ((tile->image * job->height + y) * job->width + tile->left) * job->channels;
}

INLINE void write_magnitude(const harmonic_job *job, const harmonic_tile *tile, float *scratch, const int order) {
    const int64_t step = job->channels, columns = tile->right - tile->left;
    float *in[ROWS];
    for (int r = 0; r < ROWS; r++) in[r] = scratch + r * (columns + 2 * REACH) * step;
    for (int64_t y = tile->top - REACH; y < tile->bottom + REACH; y++) {
        load_row(job, &job->in, tile->image, y, tile->left - REACH, tile->right + REACH, slide(in));
        if (y < tile->top + REACH) continue;
        float *out = out_row(job, tile, y - REACH);
#pragma GCC ivdep
        for (int64_t i = 0; i < columns * step; i++) {
            const float a = stencil_a(in, i + REACH * step, step, order);
            const float b = stencil_b(in, i + REACH * step, step, order);
            out[i] = sqrtf(a * a + b * b + FLOOR * FLOOR);
        }
    }
}

/* The transposed stencils read `grad a / magnitude` and `grad b / magnitude`, which slide behind the input's rows. */
INLINE void write_gradient(const harmonic_job *job, const harmonic_tile *tile, float *scratch, const int order) {
    const int64_t step = job->channels, columns = tile->right - tile->left, pitch = (columns + 4 * REACH) * step;
    const float sign = order == 1 ? -1 : 1; /* the derivative is its own transpose but for the sign */
    float *in[ROWS], *from_a[ROWS], *from_b[ROWS], *grad = scratch + 3 * ROWS * pitch;
    for (int r = 0; r < ROWS; r++) {
        in[r] = scratch + r * pitch;
        from_a[r] = in[r] + ROWS * pitch;
        from_b[r] = from_a[r] + ROWS * pitch;
    }
    for (int64_t y = tile->top - 2 * REACH; y < tile->bottom + 2 * REACH; y++) {
        load_row(job, &job->in, tile->image, y, tile->left - 2 * REACH, tile->right + 2 * REACH, slide(in));
        if (y < tile->top) continue;
        load_row(job, &job->grad, tile->image, y - REACH, tile->left - REACH, tile->right + REACH, grad);
        float *new_a = slide(from_a), *new_b = slide(from_b);
#pragma GCC ivdep
        for (int64_t i = 0; i < (columns + 2 * REACH) * step; i++) {
            const float a = stencil_a(in, i + REACH * step, step, order);
            const float b = stencil_b(in, i + REACH * step, step, order);
            const float ratio = grad[i] / sqrtf(a * a + b * b + FLOOR * FLOOR); /* zero beyond the border */
            new_a[i] = ratio * a;
            new_b[i] = ratio * b;
        }
        if (y < tile->top + 2 * REACH) continue;
        float *out = out_row(job, tile, y - 2 * REACH);
#pragma GCC ivdep
        for (int64_t i = 0; i < columns * step; i++)
            out[i] = (stencil_a(from_a, i + REACH * step, step, order) +
                      stencil_b(from_b, i + REACH * step, step, order)) * sign;
    }
}

/* The same for every instruction set: the compiler makes vectors of it. */
INLINE void run_any(const harmonic_job *job, const harmonic_tile *tile, float *scratch) {
    if (job->grad.data) {
        if (job->order == 1) write_gradient(job, tile, scratch, 1);
        else write_gradient(job, tile, scratch, 2);
    } else {
        if (job->order == 1) write_magnitude(job, tile, scratch, 1);
        else write_magnitude(job, tile, scratch, 2);
    }
}

#define VARIANT(name, ...) \
    __VA_ARGS__ static void name(const harmonic_job *job, const harmonic_tile *tile, float *scratch) { \
        run_any(job, tile, scratch); \
    }
VARIANT(run_portable)
#ifdef X86_VARIANTS
VARIANT(run_avx2, __attribute__((target("avx2,fma"))))
VARIANT(run_avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512"))))
#endif

static run_tile *find_variant(const char *name) {
#ifdef X86_VARIANTS
    if (!strcmp(name, "avx512")) return run_avx512;
    if (!strcmp(name, "avx2")) return run_avx2;
#endif
    return strcmp(name, "portable") ? NULL : run_portable;
}

static int64_t parts(int64_t number, int64_t size) { return (number + size - 1) / size; }

/* Run a job by one of the variants of ring_variant_name. Returns 0, 1 for another, 2 where memory ran out. */
int64_t harmonic_run(const harmonic_job *job, const char *variant_name, int64_t threads) {
    run_tile *run = find_variant(variant_name);
    if (!run) return 1;
    if (!(job->batch && job->height && job->width && job->channels)) return 0;
    const int64_t most = maximum(MIN_COLUMNS, ROW_FLOATS / job->channels);
    const int64_t columns = parts(job->width, parts(job->width, most)), across = parts(job->width, columns);
    const int64_t share = parts(job->batch * job->height * across, TILES_PER_THREAD * threads);
    const int64_t rows = minimum(job->height, maximum(MIN_ROWS, share)), down = parts(job->height, rows);
    const int64_t private = round_up((3 * ROWS + 1) * (columns + 4 * REACH) * job->channels, 16);
    float *memory = aligned_alloc(64, threads * private * sizeof(float));
    if (!memory) return 2;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int64_t t = 0; t < job->batch * down * across; t++) {
        const int64_t top = t / across % down * rows, left = t % across * columns;
        const harmonic_tile tile = {t / across / down, top, minimum(top + rows, job->height), left,
                                    minimum(left + columns, job->width)};
        run(job, &tile, memory + omp_get_thread_num() * private);
    }
    free(memory);
    return 0;
}
