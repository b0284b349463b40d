/* The harmonic convolution of one variant: included by ring_variant.h, whose filters and products it uses.
 *
 *     ROOT(v)  the square root of a vector
 */

/* --- Stencils. Opposite taps are added up in pairs, so that turns and flips change no more than the last digit --- */

typedef struct {
    const float *slab[SLABS]; /* of one map */
    int64_t step[3];          /* floats from pixel to pixel along the axes; the first is not used */
} VARIANT(field);

/* The map at element i, moved by `da` and `db` pixels along the axes a and b. */
INLINE vector VARIANT(near)(const VARIANT(field) *map, int64_t i, const int a, const int da, const int b, const int db) {
    i += (a ? da * map->step[a] : 0) + (b ? db * map->step[b] : 0);
    return *(const vector *)(map->slab[REACH + (a ? 0 : da) + (b ? 0 : db)] + i);
}

INLINE vector VARIANT(slope)(const VARIANT(field) *map, int64_t i, const int a) {
    return (VARIANT(near)(map, i, a, 1, a, 0) - VARIANT(near)(map, i, a, -1, a, 0)) * (2.0f / 3) -
           (VARIANT(near)(map, i, a, 2, a, 0) - VARIANT(near)(map, i, a, -2, a, 0)) * (1.0f / 12);
}

INLINE vector VARIANT(stretch)(const VARIANT(field) *map, int64_t i, const int a, const int b) {
    return ((VARIANT(near)(map, i, a, 1, a, 0) + VARIANT(near)(map, i, a, -1, a, 0)) -
            (VARIANT(near)(map, i, b, 1, b, 0) + VARIANT(near)(map, i, b, -1, b, 0))) * (2.0f / 3) +
           ((VARIANT(near)(map, i, a, 2, a, 0) + VARIANT(near)(map, i, a, -2, a, 0)) -
            (VARIANT(near)(map, i, b, 2, b, 0) + VARIANT(near)(map, i, b, -2, b, 0))) * (1.0f / 12);
}

INLINE vector VARIANT(shear)(const VARIANT(field) *map, int64_t i, const int a, const int b) {
    return ((VARIANT(near)(map, i, a, 1, b, 1) + VARIANT(near)(map, i, a, -1, b, -1)) -
            (VARIANT(near)(map, i, a, 1, b, -1) + VARIANT(near)(map, i, a, -1, b, 1))) * 0.5f;
}

INLINE int VARIANT(count_parts)(const int dims, const int order) { return dims == 2 ? 2 : order == 1 ? 3 : 6; }

/* The n-th derivative of an order. */
INLINE vector VARIANT(part)(const VARIANT(field) *map, int64_t i, const int dims, const int order, const int n) {
    if (order == 1) return VARIANT(slope)(map, i, dims == 2 && n ? 2 : n);
    const int a = n < 4 ? 0 : 1, b = dims == 2 || n >= 2 ? 2 : 1; /* the pairs of axes, each with a stretch and a shear */
    return n % 2 ? VARIANT(shear)(map, i, a, b) : VARIANT(stretch)(map, i, a, b);
}

/* Its square's weight in the magnitude. */
INLINE float VARIANT(part_weight)(const int dims, const int order, const int n) {
    return dims == 3 && order == 2 && n % 2 == 0 ? 2.0f / 3 : 1;
}

INLINE vector VARIANT(choose)(VARIANT(bits) where, vector a, vector b) {
    return (vector)(((VARIANT(bits))a & where) | ((VARIANT(bits))b & ~where));
}

#define BOTH 3 /* orders in one vector of channels */

/* Magnitudes of one vector of channels, and where there is their gradient, that of the parts. */
INLINE void VARIANT(measure_vector)(const VARIANT(field) *profile, int64_t i, int64_t pixels, float *magnitudes,
                                    const float *gradient, float *const parts[], const VARIANT(bits) second,
                                    const int backward, const int dims, const int orders) {
    const int64_t step = profile->step[2];
    const int number = orders == 1 ? VARIANT(count_parts)(dims, 1) : VARIANT(count_parts)(dims, 2);
    for (int64_t p = 0; p < pixels; p++, i += step) {
        vector value[MOST_PARTS], square = {0};
#pragma GCC unroll 6
        for (int n = 0; n < number; n++) {
            vector weighted = {0};
            if (orders & 2) {
                value[n] = VARIANT(part)(profile, i, dims, 2, n);
                weighted = value[n] * VARIANT(part_weight)(dims, 2, n);
            }
            if (orders & 1) {
                vector other = {0};
                if (n < VARIANT(count_parts)(dims, 1)) other = VARIANT(part)(profile, i, dims, 1, n);
                value[n] = orders == BOTH ? VARIANT(choose)(second, value[n], other) : other;
                weighted = orders == BOTH ? VARIANT(choose)(second, weighted, other) : other;
            }
            square += value[n] * weighted;
            if (backward) value[n] = weighted;
        }
        const vector magnitude = ROOT(square + FLOOR * FLOOR);
        *(vector *)(magnitudes + p * step) = magnitude;
        if (!backward) continue;
        const vector ratio = *(const vector *)(gradient + p * step) / magnitude;
#pragma GCC unroll 6
        for (int n = 0; n < number; n++) *(vector *)(parts[n] + i) = ratio * value[n];
    }
}

/* The gradient of one vector of profiles: the derivatives are their own transposes but for the sign. */
INLINE void VARIANT(gather_vector)(const VARIANT(field) parts[], int64_t i, int64_t pixels, float *target,
                                   int64_t target_step, const VARIANT(bits) second, const int dims, const int orders) {
    for (int64_t p = 0; p < pixels; p++, i += parts->step[2]) {
        vector sum[3] = {{0}};
#pragma GCC unroll 2
        for (int order = 1; order <= 2; order++)
            if (orders & order)
#pragma GCC unroll 6
                for (int n = 0; n < VARIANT(count_parts)(dims, order); n++)
                    sum[order] += VARIANT(part)(&parts[n], i, dims, order, n);
        const vector first = -sum[1];
        *(loose *)(target + p * target_step) = orders == 1 ? first : orders == 2 ? sum[2]
                                                         : VARIANT(choose)(second, sum[2], first);
    }
}

/* Do so for every vector of channels, by code that knows the axes and orders. */
static int VARIANT(orders_of)(const harmonic_scratch *scratch, int64_t c) {
    const int first = scratch->second[c] ? 2 : 1, last = scratch->second[c + LANES - 1] ? 2 : 1;
    return first | last;
}

#define FOR_ORDERS(call, dims, orders) \
    (dims == 2 ? (orders == 1 ? call(2, 1) : orders == 2 ? call(2, 2) : call(2, BOTH)) \
               : (orders == 1 ? call(3, 1) : orders == 2 ? call(3, 2) : call(3, BOTH)))

static void VARIANT(measure)(const harmonic_job *job, const harmonic_scratch *scratch, const VARIANT(field) *profile,
                             int64_t i, int64_t pixels) {
    float *magnitudes = scratch->magnitudes;
    for (int64_t c = 0; c < profile->step[2]; c += LANES) {
        const VARIANT(bits) second = *(const VARIANT(bits) *)(scratch->second + c);
        const int orders = VARIANT(orders_of)(scratch, c);
#define CALL(dims, orders) \
    VARIANT(measure_vector)(profile, i + c, pixels, magnitudes + c, NULL, NULL, second, 0, dims, orders)
        FOR_ORDERS(CALL, job->dims, orders);
#undef CALL
    }
}

static void VARIANT(measure_backward)(const harmonic_job *job, const harmonic_scratch *scratch,
                                      const VARIANT(field) *profile, float *const parts[], int64_t i, int64_t pixels) {
    for (int64_t c = 0; c < profile->step[2]; c += LANES) {
        const VARIANT(bits) second = *(const VARIANT(bits) *)(scratch->second + c);
        const int orders = VARIANT(orders_of)(scratch, c);
#define CALL(dims, orders) \
    VARIANT(measure_vector)(profile, i + c, pixels, scratch->magnitudes + c, scratch->magnitude_gradient + c, parts, \
                            second, 1, dims, orders)
        FOR_ORDERS(CALL, job->dims, orders);
#undef CALL
    }
}

static void VARIANT(gather)(const harmonic_job *job, const harmonic_scratch *scratch, const VARIANT(field) parts[],
                            int64_t i, int64_t pixels, float *target, int64_t target_step) {
    for (int64_t c = 0; c < parts->step[2]; c += LANES) {
        const VARIANT(bits) second = *(const VARIANT(bits) *)(scratch->second + c);
        const int orders = VARIANT(orders_of)(scratch, c);
#define CALL(dims, orders) \
    VARIANT(gather_vector)(parts, i + c, pixels, target + c, target_step, second, dims, orders)
        FOR_ORDERS(CALL, job->dims, orders);
#undef CALL
    }
}

/* --- Rows --- */

/* Compute profiles, and isotropic channels where there is a place for them, of pixels of a row. */
static void VARIANT(fill_pixels)(const harmonic_products *products, const ring_scratch *scratch, int64_t image,
                                 const int64_t centre[3], int64_t pixels, float *profiles, float *isotropic) {
    const ring_job *job = &products->profiles;
    const int64_t depth = job->rings * CHANNEL_BLOCK;
    const int64_t profile_step = round_up(job->out_channels, LANES);
    const int64_t isotropic_step = round_up(products->isotropic.out_channels, LANES);
    const float *profile_weight = products->profile_weight, *isotropic_weight = products->isotropic_weight;
    VARIANT(start_sums)(profiles, job->bias, job->out_channels, pixels, profile_step);
    if (isotropic)
        VARIANT(start_sums)(isotropic, products->isotropic.bias, products->isotropic.out_channels, pixels,
                            isotropic_step);
    for (int64_t channel = 0; channel < job->in_channels; channel += CHANNEL_BLOCK) {
        const int64_t count = minimum(CHANNEL_BLOCK, job->in_channels - channel);
        VARIANT(filter)(job, scratch, centre, image, channel, count, pixels);
        const VARIANT(operand) features = VARIANT(as_operand)(scratch->features, depth, job->rings, count, pixels,
                                                              PAIRED(job), scratch->words);
        profile_weight = VARIANT(add_product)(&features, profile_weight, profiles, profile_step);
        if (isotropic) isotropic_weight = VARIANT(add_product)(&features, isotropic_weight, isotropic, isotropic_step);
    }
}

/* Add a product with a plain matrix, as ring weights of one ring are packed, to the sums of some pixels. */
static void VARIANT(add_mix)(const ring_job *job, const float *packed, const float *source, int64_t source_step,
                             float *sums, int64_t pixels, const ring_scratch *scratch) {
    for (int64_t channel = 0; channel < job->in_channels; channel += CHANNEL_BLOCK) {
        const int64_t count = minimum(CHANNEL_BLOCK, job->in_channels - channel);
        const VARIANT(operand) channels = VARIANT(as_operand)(source + channel, source_step, 1, count, pixels,
                                                              PAIRED(job), scratch->words);
        packed = VARIANT(add_product)(&channels, packed, sums, round_up(job->out_channels, LANES));
    }
}

/* Where a tile's maps lie in memory: `origin` is the pixel in front, margins included. */
typedef struct {
    int64_t origin[3], rows, columns, step[3], floats; /* of a slab; steps in floats */
} VARIANT(frame);

static VARIANT(frame) VARIANT(make_frame)(const harmonic_job *job, const harmonic_scratch *scratch,
                                          const harmonic_tile *tile, int64_t padded) {
    const int64_t margin = harmonic_margin(job), middle = job->dims == 3 ? margin : 0;
    VARIANT(frame) frame = {{tile->first[0] - margin, tile->first[1] - middle, tile->first[2] - margin},
                            scratch->tile[1] + 2 * middle, scratch->tile[2] + 2 * margin + WINDOW, {0}, 0};
    frame.step[1] = frame.columns * padded;
    frame.step[2] = padded;
    frame.floats = frame.rows * frame.step[1];
    return frame;
}

INLINE int64_t VARIANT(place)(const VARIANT(frame) *frame, int64_t middle, int64_t fast) {
    return (middle - frame->origin[1]) * frame->step[1] + (fast - frame->origin[2]) * frame->step[2];
}

/* Make the oldest slab the newest, to be written. */
INLINE float *VARIANT(slide)(float **slabs, int64_t number) {
    float *oldest = slabs[0];
    for (int64_t s = 1; s < number; s++) slabs[s - 1] = slabs[s];
    return slabs[number - 1] = oldest;
}

/* Compute a slab of profiles in the image and within `margin` of the tile; beyond, they are zero. */
static void VARIANT(fill_slab)(const harmonic_job *job, const harmonic_products *products,
                               const harmonic_scratch *scratch, const harmonic_tile *tile, const VARIANT(frame) *frame,
                               int64_t slow, float *profiles, float *isotropic) {
    const int64_t *size = job->rings.in_size, margin = harmonic_margin(job), middle = job->dims == 3 ? margin : 0;
    const int64_t left = maximum(tile->first[2] - margin, 0), right = minimum(tile->last[2] + margin, size[2]);
    const int64_t isotropic_step = round_up(job->channels, LANES);
    if (slow < 0 || slow >= size[0]) {
        memset(profiles, 0, frame->floats * sizeof(float));
        return;
    }
    const int64_t bottom = minimum(tile->last[1] + middle, size[1]);
    for (int64_t m = maximum(tile->first[1] - middle, 0); m < bottom; m++) {
        const int inside = isotropic && slow >= tile->first[0] && slow < tile->last[0] && m >= tile->first[1] &&
                           m < tile->last[1];
        for (int64_t x = left; x < right; x += CHUNK) {
            const int64_t centre[3] = {slow, m, x};
            VARIANT(fill_pixels)(products, &scratch->ring, tile->image, centre, minimum(CHUNK, right - x),
                                 profiles + VARIANT(place)(frame, m, x),
                                 inside ? isotropic + ((m - tile->first[1]) * frame->columns + x - frame->origin[2]) *
                                                          isotropic_step : NULL);
        }
        const int64_t end = VARIANT(place)(frame, m, right), next = VARIANT(place)(frame, m + 1, frame->origin[2]);
        memset(profiles + end, 0, (next - end) * sizeof(float)); /* products are rounded up to a few pixels more */
    }
}

INLINE void VARIANT(activate)(float *sums, int64_t floats, float slope) {
    for (int64_t i = 0; i < floats; i += LANES) {
        const vector value = *(vector *)(sums + i);
        *(vector *)(sums + i) = VARIANT(choose)((VARIANT(bits))(value > 0), value, value * slope);
    }
}

/* --- Tiles --- */

static void VARIANT(harmonic_forward)(const harmonic_job *job, const harmonic_products *products,
                                      const harmonic_scratch *scratch, const harmonic_tile *tile) {
    const int64_t *size = job->rings.in_size, padded = round_up(products->profiles.out_channels, LANES);
    const int64_t isotropic_step = round_up(job->channels, LANES);
    const VARIANT(frame) frame = VARIANT(make_frame)(job, scratch, tile, padded);
    float *profiles[SLABS], *isotropic[REACH + 1];
    for (int s = 0; s < SLABS; s++) profiles[s] = scratch->profiles + s * frame.floats;
    for (int s = 0; s <= REACH; s++) isotropic[s] = scratch->isotropic + s * frame.rows * frame.columns * isotropic_step;
    memset(scratch->profiles, 0, SLABS * frame.floats * sizeof(float));
    for (int64_t slow = tile->first[0] - REACH; slow < tile->last[0] + REACH; slow++) {
        VARIANT(fill_slab)(job, products, scratch, tile, &frame, slow, VARIANT(slide)(profiles, SLABS),
                           VARIANT(slide)(isotropic, REACH + 1));
        const int64_t ready = slow - REACH;
        if (ready < tile->first[0]) continue;
        VARIANT(field) field = {{0}, {0, frame.step[1], frame.step[2]}};
        for (int s = 0; s < SLABS; s++) field.slab[s] = profiles[s];
        for (int64_t m = tile->first[1]; m < tile->last[1]; m++)
            for (int64_t x = tile->first[2]; x < tile->last[2]; x += CHUNK) {
                const int64_t pixels = minimum(CHUNK, tile->last[2] - x);
                float *sums = isotropic[0] + ((m - tile->first[1]) * frame.columns + x - frame.origin[2]) * isotropic_step;
                VARIANT(measure)(job, scratch, &field, VARIANT(place)(&frame, m, x), pixels);
                VARIANT(add_mix)(&products->mix, products->mix_weight, scratch->magnitudes, padded, sums, pixels,
                                 &scratch->ring);
                if (job->activate) VARIANT(activate)(sums, pixels * isotropic_step, (float)job->slope);
                const int64_t at = ((tile->image * size[0] + ready) * size[1] + m) * size[2] + x;
                VARIANT(write_sums)(&products->isotropic, sums, at, pixels, isotropic_step);
            }
    }
}

/* The gradient of the magnitudes to that of their parts, for one slab; the tile's own pixels add to the mix's
 * gradient. */
static void VARIANT(differentiate_slab)(const harmonic_job *job, const harmonic_products *products,
                                        const harmonic_scratch *scratch, const harmonic_tile *tile,
                                        const VARIANT(frame) *frame, int64_t slow, const VARIANT(field) *profile,
                                        float *const parts[], int64_t number) {
    const int64_t *size = job->rings.in_size, margin = harmonic_margin(job) - REACH, middle = job->dims == 3 ? margin : 0;
    const int64_t padded = frame->step[2], channels = round_up(job->channels, LANES);
    if (slow < 0 || slow >= size[0]) {
        for (int64_t n = 0; n < number; n++) memset(parts[n], 0, frame->floats * sizeof(float));
        return;
    }
    const int64_t left = maximum(tile->first[2] - margin, 0), right = minimum(tile->last[2] + margin, size[2]);
    const int64_t bottom = minimum(tile->last[1] + middle, size[1]);
    for (int64_t m = maximum(tile->first[1] - middle, 0); m < bottom; m++)
        for (int64_t x = left; x < right; x += CHUNK) {
            const int64_t pixels = minimum(CHUNK, right - x), at = ((tile->image * size[0] + slow) * size[1] + m) * size[2] + x;
            VARIANT(read_pixels)(job->gradient, job->rings.out_half, job->channels, scratch->upstream, at, pixels, channels);
            memset(scratch->magnitude_gradient, 0, pixels * padded * sizeof(float));
            VARIANT(add_mix)(&products->mix_adjoint, products->mix_adjoint_weight, scratch->upstream, channels,
                             scratch->magnitude_gradient, pixels, &scratch->ring);
            VARIANT(measure_backward)(job, scratch, profile, parts, VARIANT(place)(frame, m, x), pixels);
            if (slow < tile->first[0] || slow >= tile->last[0] || m < tile->first[1] || m >= tile->last[1]) continue;
            const int64_t first = maximum(tile->first[2] - x, 0), last = minimum(tile->last[2] - x, pixels);
            if (first >= last) continue;
            const float *upstream = scratch->upstream + first * channels;
            VARIANT(add_outer_product)(scratch->magnitudes + first * padded, padded, upstream, last - first,
                                       scratch->mix_gradient, channels, PAIRED(&products->mix), &scratch->ring);
        }
}

/* Fill a slab of the band with the gradients of the isotropic channels and the profiles; the tile's own pixels add to the
 * bias's gradient. */
static void VARIANT(gather_slab)(const harmonic_job *job, const harmonic_scratch *scratch, const harmonic_tile *tile,
                                 const VARIANT(frame) *frame, int64_t slow, const VARIANT(field) parts[],
                                 const ring_job *band, const int64_t origin[3]) {
    const int64_t *size = job->rings.in_size, step = band->in_channels, profiles = step - job->channels;
    const int64_t right = origin[2] + band->in_size[2];
    const int whole = profiles % LANES == 0;
    float *pixel = scratch->band + (slow - origin[0]) * band->in_size[1] * band->in_size[2] * step;
    for (int64_t m = origin[1]; m < origin[1] + band->in_size[1]; m++)
        for (int64_t x = origin[2]; x < right; x += CHUNK) {
            const int64_t pixels = minimum(CHUNK, right - x);
            const int64_t at = ((tile->image * size[0] + slow) * size[1] + m) * size[2] + x;
            float *target = whole ? pixel + job->channels : scratch->magnitudes;
            VARIANT(read_pixels)(job->gradient, job->rings.out_half, job->channels, pixel, at, pixels, step);
            VARIANT(gather)(job, scratch, parts, VARIANT(place)(frame, m, x), pixels, target,
                            whole ? step : frame->step[2]);
            for (int64_t p = 0; p < pixels && !whole; p++)
                memcpy(pixel + p * step + job->channels, target + p * frame->step[2], profiles * sizeof(float));
            const int own = slow >= tile->first[0] && slow < tile->last[0] && m >= tile->first[1] && m < tile->last[1];
            const int64_t first = maximum(tile->first[2] - x, 0), last = own ? minimum(tile->last[2] - x, pixels) : 0;
            for (int64_t c = 0; c < step; c += LANES) {
                vector sum = *(vector *)(scratch->bias_gradient + c);
                for (int64_t p = first; p < last; p++) sum += *(const loose *)(pixel + p * step + c);
                *(vector *)(scratch->bias_gradient + c) = sum;
            }
            pixel += pixels * step;
        }
}

/* Filter the band's slabs [first, last) and multiply them: the gradients of the input and of the ring weights. */
static void VARIANT(filter_band)(const harmonic_job *job, const harmonic_scratch *scratch, const harmonic_tile *tile,
                                 const ring_job *band, const int64_t origin[3], int64_t first, int64_t last) {
    const int64_t *size = job->rings.in_size;
    for (int64_t slow = first; slow < last; slow++)
        for (int64_t m = tile->first[1]; m < tile->last[1]; m++)
            for (int64_t x = tile->first[2]; x < tile->last[2]; x += CHUNK) {
                const int64_t centre[3] = {slow - origin[0], m - origin[1], x - origin[2]};
                const int64_t at = ((tile->image * size[0] + slow) * size[1] + m) * size[2] + x;
                VARIANT(run_pixels)(band, &scratch->ring, 0, centre, at, minimum(CHUNK, tile->last[2] - x));
            }
}

/* Profiles run ahead; their parts follow by a stencil's reach, the band by another, and the filters by the rings'. */
static void VARIANT(harmonic_backward)(const harmonic_job *job, const harmonic_products *products,
                                       const harmonic_scratch *scratch, const harmonic_tile *tile) {
    const int64_t *size = job->rings.in_size, padded = round_up(products->profiles.out_channels, LANES);
    const int64_t reach = ring_reach(&job->rings), number = job->dims == 2 ? 2 : MOST_PARTS;
    const VARIANT(frame) frame = VARIANT(make_frame)(job, scratch, tile, padded);
    float *profiles[SLABS], *parts[MOST_PARTS][SLABS];
    for (int s = 0; s < SLABS; s++) {
        profiles[s] = scratch->profiles + s * frame.floats;
        for (int64_t n = 0; n < number; n++) parts[n][s] = scratch->parts + (n * SLABS + s) * frame.floats;
    }
    memset(scratch->profiles, 0, SLABS * frame.floats * sizeof(float));
    memset(scratch->parts, 0, number * SLABS * frame.floats * sizeof(float));

    ring_job band = products->adjoint;
    band.in = scratch->band;
    int64_t origin[3];
    for (int axis = 0; axis < 3; axis++) {
        const int64_t margin = axis == 1 && job->dims == 2 ? 0 : reach;
        origin[axis] = maximum(tile->first[axis] - margin, 0);
        band.in_size[axis] = minimum(tile->last[axis] + margin, size[axis]) - origin[axis];
    }
    const int64_t end = origin[0] + band.in_size[0], slab = band.in_size[1] * band.in_size[2] * band.in_channels;
    int64_t filtered = tile->first[0]; /* slabs before it are done */
    for (int64_t slow = tile->first[0] - harmonic_margin(job); slow < end + 2 * REACH; slow++) {
        VARIANT(fill_slab)(job, products, scratch, tile, &frame, slow, VARIANT(slide)(profiles, SLABS), NULL);
        VARIANT(field) field = {{0}, {0, frame.step[1], frame.step[2]}}, fields[MOST_PARTS];
        for (int s = 0; s < SLABS; s++) field.slab[s] = profiles[s];
        if (slow - REACH < tile->first[0] - reach - REACH) continue;
        float *newest[MOST_PARTS];
        for (int64_t n = 0; n < number; n++) {
            newest[n] = VARIANT(slide)(parts[n], SLABS);
            fields[n] = field;
            for (int s = 0; s < SLABS; s++) fields[n].slab[s] = parts[n][s];
        }
        VARIANT(differentiate_slab)(job, products, scratch, tile, &frame, slow - REACH, &field, newest, number);
        const int64_t newest_slab = slow - 2 * REACH;
        if (newest_slab < origin[0]) continue;
        VARIANT(gather_slab)(job, scratch, tile, &frame, newest_slab, fields, &band, origin);
        band.in_size[0] = newest_slab + 1 - origin[0];
        const int64_t ready = newest_slab + 1 == end ? tile->last[0] : newest_slab + 1 - reach;
        if (ready - filtered < BAND && ready < tile->last[0]) continue;
        VARIANT(filter_band)(job, scratch, tile, &band, origin, filtered, ready);
        filtered = ready;
        const int64_t old = maximum(filtered - reach - origin[0], 0);
        memmove(scratch->band, scratch->band + old * slab, (band.in_size[0] - old) * slab * sizeof(float));
        origin[0] += old;
    }
}

#undef BOTH
#undef FOR_ORDERS
