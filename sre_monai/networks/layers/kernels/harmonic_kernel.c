/* The harmonic convolution on the CPU: how a job is cut into tiles, and the threads that share them. */
#include "variants.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define FORWARD_FLOATS (1 << 16)  /* about as many in a tile's buffers, so that they fit the second-level cache */
#define BACKWARD_FLOATS (1 << 17)
#define MIN_COLUMNS 48            /* but no fewer pixels than these: neighbours compute their margins twice */
#define MOST_COLUMNS 64           /* of a tile of a volume */
#define MIN_ROWS 8
#define MIN_VOLUME_ROWS 24        /* a volume's margins are thick: a fifth of its time was spent on them with 8 */
#define MIN_SLABS 16
#define TILES_PER_THREAD 4 /* lest all wait for a thread whose core does something else as well */

static int64_t parts(int64_t number, int64_t size) { return (number + size - 1) / size; }

static int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

/* Buffers are cut from one piece of memory, or counted where there is none yet. */
typedef struct {
    float *memory;
    int64_t used;
} pool;

static float *take(pool *pool, int64_t floats) {
    float *taken = pool->memory ? pool->memory + pool->used : NULL;
    pool->used += round_up(floats, 16);
    return taken;
}

static ring_job matrix(const float *weight, int64_t in_channels, int64_t out_channels, int64_t in_step, int64_t out_step,
                       int64_t half) {
    ring_job job = {0};
    job.weight = weight;
    job.weight_strides[0] = in_step;
    job.weight_strides[1] = out_step;
    job.in_channels = in_channels;
    job.out_channels = out_channels;
    job.rings = 1;
    job.out_half = half;
    return job;
}

static harmonic_products describe_products(const harmonic_job *job) {
    const ring_job *rings = &job->rings;
    const int64_t channels = job->channels, profiles = rings->out_channels - channels;
    harmonic_products products = {.isotropic = *rings, .profiles = *rings, .adjoint = *rings};
    products.isotropic.out_channels = channels;
    products.profiles.out_channels = profiles;
    products.profiles.weight += channels * rings->weight_strides[1];
    if (rings->bias) products.profiles.bias += channels;
    products.mix = matrix(job->mix, profiles, channels, job->mix_strides[0], job->mix_strides[1], rings->out_half);
    products.mix_adjoint = matrix(job->mix, channels, profiles, job->mix_strides[1], job->mix_strides[0], rings->out_half);
    products.mix.weight_gradient = job->mix_gradient;
    products.mix.gradient_strides[0] = channels;
    products.mix.gradient_strides[1] = 1;
    ring_job *adjoint = &products.adjoint;
    adjoint->in_channels = rings->out_channels;
    adjoint->out_channels = rings->in_channels;
    adjoint->partner = rings->in;
    adjoint->bias = NULL;
    adjoint->in_half = 0;
    adjoint->batch = 1;
    for (int i = 0; i < 2; i++) {
        adjoint->weight_strides[i] = rings->weight_strides[1 - i];
        adjoint->gradient_strides[i] = rings->gradient_strides[1 - i];
    }
    return products;
}

static float *take_packed(pool *pool, const ring_job *job, int64_t lanes) {
    return take(pool, job->in_channels * job->rings * round_up(job->out_channels, lanes));
}

static void lay_out_weights(harmonic_products *products, const harmonic_job *job, int64_t lanes, pool *pool) {
    products->profile_weight = take_packed(pool, &products->profiles, lanes);
    if (!job->gradient) {
        products->isotropic_weight = take_packed(pool, &products->isotropic, lanes);
        products->mix_weight = take_packed(pool, &products->mix, lanes);
    } else {
        products->mix_adjoint_weight = take_packed(pool, &products->mix_adjoint, lanes);
        products->adjoint_weight = take_packed(pool, &products->adjoint, lanes);
    }
}

static void pack(const ring_variant *variant, const ring_job *job, float *packed) {
    const int64_t floats = CHANNEL_BLOCK * job->rings * round_up(job->out_channels, variant->lanes);
    if (!packed) return;
#pragma omp for
    for (int64_t block = 0; block < parts(job->in_channels, CHANNEL_BLOCK); block++)
        variant->pack_weight(job, block, packed + block * floats);
}

/* Pixels of a slab in front of which its buffers are counted: with margins, and room for products rounded up. */
static int64_t slab_pixels(const harmonic_job *job, const int64_t tile[3]) {
    const int64_t margin = harmonic_margin(job), middle = job->dims == 3 ? margin : 0;
    return (tile[1] + 2 * middle) * (tile[2] + 2 * margin + WINDOW);
}

static void lay_out_scratch(harmonic_scratch *scratch, const harmonic_job *job, const harmonic_products *products,
                            int64_t lanes, pool *pool) {
    const ring_job *rings = &job->rings;
    const int64_t channels = round_up(job->channels, lanes), inputs = round_up(rings->in_channels, lanes);
    const int64_t profiles = round_up(products->profiles.out_channels, lanes), depth = rings->rings * CHANNEL_BLOCK;
    const int64_t pixels = slab_pixels(job, scratch->tile), chunk = CHUNK + WINDOW, reach = ring_reach(rings);
    scratch->ring.lines = take(pool, rings->lines * (WINDOW + 2 * rings->reach) * CHANNEL_BLOCK);
    scratch->ring.classes = take(pool, rings->mix ? rings->classes * WINDOW * CHANNEL_BLOCK : 0);
    scratch->ring.features = take(pool, CHUNK * depth);
    scratch->ring.words = take(pool, CHUNK / 2 * maximum(depth, profiles));
    scratch->ring.partner_words = take(pool, CHUNK / 2 * maximum(inputs, channels));
    scratch->ring.rows = take(pool, rings->lines * (MAX_ROWS + 1) * 2);
    scratch->profiles = take(pool, SLABS * pixels * profiles);
    scratch->magnitudes = take(pool, chunk * profiles);
    scratch->second = (uint32_t *)take(pool, profiles);
    if (!job->gradient) {
        scratch->isotropic = take(pool, (REACH + 1) * pixels * channels);
        return;
    }
    const int64_t blocks = parts(rings->out_channels, CHANNEL_BLOCK);
    scratch->ring.sums = take(pool, CHUNK * inputs);
    scratch->ring.partner = take(pool, CHUNK * inputs);
    scratch->ring.gradient = take(pool, blocks * depth * inputs);
    scratch->parts = take(pool, (job->dims == 2 ? 2 : MOST_PARTS) * SLABS * pixels * profiles);
    scratch->band = take(pool, (BAND + 2 * reach + 1) * pixels * rings->out_channels + lanes);
    scratch->upstream = take(pool, chunk * channels);
    scratch->magnitude_gradient = take(pool, chunk * profiles);
    scratch->mix_gradient = take(pool, round_up(profiles, 16) * channels);
    scratch->bias_gradient = take(pool, rings->out_channels + lanes);
}

/* Floats of a tile's buffers for each pixel of a slab. */
static int64_t pixel_floats(const harmonic_job *job) {
    const int64_t channels = job->channels, profiles = job->rings.out_channels - channels;
    if (!job->gradient) return SLABS * profiles + (REACH + 1) * channels;
    const int64_t kept = BAND + 2 * ring_reach(&job->rings) + 1;
    return SLABS * profiles * (job->dims == 2 ? 3 : 1 + MOST_PARTS) + kept * (channels + profiles);
}

/* The largest tiles whose buffers fit the cache, alike, and enough of them for all threads. */
static void choose_tile(const harmonic_job *job, int64_t threads, int64_t tile[3]) {
    const int64_t *size = job->rings.in_size, margin = 2 * harmonic_margin(job), batch = job->rings.batch;
    const int64_t pixels = (job->gradient ? BACKWARD_FLOATS : FORWARD_FLOATS) / pixel_floats(job);
    int64_t most = maximum(pixels - margin, MIN_COLUMNS);
    if (job->dims == 3) most = MOST_COLUMNS;
    tile[2] = parts(size[2], parts(size[2], most));
    most = maximum(pixels / (tile[2] + margin) - margin, job->dims == 3 ? MIN_VOLUME_ROWS : MIN_ROWS);
    tile[1] = parts(size[1], parts(size[1], most));
    const int64_t across = parts(size[1], tile[1]) * parts(size[2], tile[2]);
    int64_t share;
    if (job->gradient) /* as many tiles for every thread */
        share = parts(size[0], threads / common_divisor(threads, batch * across));
    else
        share = parts(batch * size[0] * across, TILES_PER_THREAD * threads);
    tile[0] = minimum(size[0], maximum(MIN_SLABS, share));
}

static void run_tile(const harmonic_job *job, const ring_variant *variant, const harmonic_products *products,
                     const harmonic_scratch *scratch, int64_t t) {
    harmonic_tile tile;
    for (int axis = 2; axis >= 0; axis--) {
        const int64_t number = parts(job->rings.in_size[axis], scratch->tile[axis]);
        tile.first[axis] = t % number * scratch->tile[axis];
        tile.last[axis] = minimum(tile.first[axis] + scratch->tile[axis], job->rings.in_size[axis]);
        t /= number;
    }
    tile.image = t;
    (job->gradient ? variant->harmonic_backward : variant->harmonic_forward)(job, products, scratch, &tile);
}

/* Mark the profile channels of order 2; those that only fill the last vector count to the last. */
static void mark_orders(const harmonic_job *job, uint32_t *second, int64_t profiles, int64_t padded) {
    for (int64_t c = 0; c < padded; c++) {
        const int first_order = minimum(c, profiles - 1) < job->order_channels;
        second[c] = first_order == (job->order == 2) ? UINT32_MAX : 0;
    }
}

/* Run a job. Returns 0, 1 for an unknown variant, 2 where memory ran out. */
int64_t harmonic_convolve(const harmonic_job *job, const char *variant_name, int64_t threads) {
    const ring_variant *variant = ring_find_variant(variant_name);
    if (!variant) return 1;
    const ring_job *rings = &job->rings;
    const int64_t lanes = variant->lanes, profiles = rings->out_channels - job->channels;
    harmonic_products products = describe_products(job);
    harmonic_scratch layout = {0};
    choose_tile(job, threads, layout.tile);
    int64_t work = rings->batch;
    for (int axis = 0; axis < 3; axis++) work *= parts(rings->in_size[axis], layout.tile[axis]);
    pool weights = {0}, buffers = {0};
    lay_out_weights(&products, job, lanes, &weights);
    lay_out_scratch(&layout, job, &products, lanes, &buffers);
    const int64_t private = buffers.used;
    float *memory = aligned_alloc(64, (weights.used + threads * private) * sizeof(float));
    if (!memory) return 2;
    weights = (pool){memory, 0};
    lay_out_weights(&products, job, lanes, &weights);

#pragma omp parallel num_threads(threads)
    {
        const int64_t me = omp_get_thread_num(), team = omp_get_num_threads();
        harmonic_scratch scratch = layout;
        pool own = {memory + weights.used + me * private, 0};
        lay_out_scratch(&scratch, job, &products, lanes, &own);
        scratch.ring.packed = products.adjoint_weight;
        mark_orders(job, scratch.second, profiles, round_up(profiles, lanes));
        pack(variant, &products.profiles, products.profile_weight);
        pack(variant, &products.isotropic, products.isotropic_weight);
        pack(variant, &products.mix, products.mix_weight);
        pack(variant, &products.mix_adjoint, products.mix_adjoint_weight);
        pack(variant, &products.adjoint, products.adjoint_weight);
        if (!job->gradient) {
#pragma omp for schedule(dynamic)
            for (int64_t t = 0; t < work; t++) run_tile(job, variant, &products, &scratch, t);
        } else { /* fixed shares, lest the sums depend on who is faster */
            const int64_t inputs = round_up(rings->in_channels, lanes), channels = round_up(job->channels, lanes);
            const int64_t blocks = parts(rings->out_channels, CHANNEL_BLOCK);
            memset(scratch.ring.gradient, 0, blocks * rings->rings * CHANNEL_BLOCK * inputs * sizeof(float));
            memset(scratch.mix_gradient, 0, round_up(round_up(profiles, lanes), 16) * channels * sizeof(float));
            memset(scratch.bias_gradient, 0, (rings->out_channels + lanes) * sizeof(float));
            for (int64_t t = work * me / team; t < work * (me + 1) / team; t++)
                run_tile(job, variant, &products, &scratch, t);
#pragma omp barrier
#pragma omp for
            for (int64_t i = 0; i < rings->out_channels; i++) {
                ring_add_gradients(&products.adjoint, i, scratch.ring.gradient - me * private, team, private, inputs);
                const float *bias = scratch.bias_gradient - me * private;
                job->bias_gradient[i] = 0;
                for (int64_t thread = 0; thread < team; thread++) job->bias_gradient[i] += bias[thread * private + i];
                if (i < profiles)
                    ring_add_gradients(&products.mix, i, scratch.mix_gradient - me * private, team, private, channels);
            }
        }
    }
    free(memory);
    return 0;
}
