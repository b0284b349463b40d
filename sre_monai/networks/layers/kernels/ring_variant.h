/* One variant of the kernel, compiled once for every instruction set: included by ring_kernel.c with
 *
 *     VARIANT(name)  the name with the variant's suffix
 *     LANES          floats of a vector register
 *     COLUMNS        vectors of output channels in a panel of the product; 16 / COLUMNS pixels or more share a panel
 *     STREAM(p, v)   a store that goes past the caches, and FENCE() after the last; without them, all go through
 *     DOT(s, a, b)   s + a b for pairs of bfloat16, one pair in each 32-bit word, with PAIR(a, b), a word of every two
 *                    floats; without them, maps in bfloat16 are multiplied as float32
 */

typedef float VARIANT(vector) __attribute__((vector_size(4 * LANES)));
typedef float VARIANT(loose) __attribute__((vector_size(4 * LANES), aligned(4), may_alias)); /* at any address */
typedef uint32_t VARIANT(bits) __attribute__((vector_size(4 * LANES)));
typedef uint32_t VARIANT(word) __attribute__((may_alias));
typedef uint16_t VARIANT(halves) __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
#define vector VARIANT(vector)
#define loose VARIANT(loose)
#define VECTORS (CHANNEL_BLOCK / LANES) /* vectors of a channel block */
#define PIXELS (COLUMNS > 2 ? 16 : 8)   /* pixels filtered together: as many sums as there are registers for */
#define INLINE static inline __attribute__((always_inline))

/* --- Maps are read as float32 or bfloat16, and written as they are read --- */

INLINE vector VARIANT(load)(const void *map, int64_t at, const int half) {
    if (!half) return *(const loose *)((const float *)map + at);
    const VARIANT(halves) source = *(const VARIANT(halves) *)((const uint16_t *)map + at);
    return (vector)(__builtin_convertvector(source, VARIANT(bits)) << 16);
}

INLINE float VARIANT(load_one)(const void *map, int64_t at, const int half) {
    if (!half) return ((const float *)map)[at];
    const union { uint32_t bits; float value; } word = {(uint32_t)((const uint16_t *)map)[at] << 16};
    return word.value;
}

/* bfloat16 is rounded to nearest, ties to even. */
INLINE VARIANT(halves) VARIANT(round_halves)(const vector value) {
    const VARIANT(bits) word = (VARIANT(bits))value, number = (VARIANT(bits))(value == value);
    const VARIANT(bits) rounded = (word + 0x7fff + (word >> 16 & 1)) >> 16;
    return __builtin_convertvector((rounded & number) | (0x7fc0 & ~number), VARIANT(halves));
}

INLINE uint16_t VARIANT(round_half)(float value) { return VARIANT(round_halves)((vector){value})[0]; }

INLINE void VARIANT(store)(void *map, int64_t at, const vector value, const int half) {
    if (half) *(VARIANT(halves) *)((uint16_t *)map + at) = VARIANT(round_halves)(value);
    else *(loose *)((float *)map + at) = value;
}

INLINE void VARIANT(store_one)(void *map, int64_t at, float value, const int half) {
    if (half) ((uint16_t *)map)[at] = VARIANT(round_half)(value);
    else ((float *)map)[at] = value;
}

/* --- The filters --- */

typedef struct {
    const void *map;
    int64_t step;      /* elements from pixel to pixel */
    int64_t available; /* elements of the map */
    int64_t count;     /* channels wanted, at most CHANNEL_BLOCK */
    VARIANT(bits) keep[VECTORS]; /* all ones for them */
} VARIANT(source);

/* Write the sum of some rows, each given by its first element. */
INLINE void VARIANT(add_rows)(const VARIANT(source) *source, float *line, const int64_t *rows, const int64_t number,
                              int64_t pixels, const int half, const int whole, const int more) {
    const int64_t vectors = whole ? VECTORS : (source->count + LANES - 1) / LANES;
    for (int64_t x = 0; x < pixels; x++, line += CHANNEL_BLOCK)
#pragma GCC unroll 8
        for (int64_t v = 0; v < vectors; v++) {
            vector sum = VARIANT(load)(source->map, rows[0] + x * source->step + v * LANES, half);
#pragma GCC unroll 4
            for (int64_t r = 1; r < number; r++)
                sum += VARIANT(load)(source->map, rows[r] + x * source->step + v * LANES, half);
            if (!whole) sum = (vector)((VARIANT(bits))sum & source->keep[v]);
            if (more) sum += *(vector *)(line + v * LANES);
            *(vector *)(line + v * LANES) = sum;
        }
}

INLINE void VARIANT(add_line)(const VARIANT(source) *source, float *line, const int64_t *rows, int64_t number,
                              int64_t pixels, const int half, const int whole) {
    if (number >= 2) VARIANT(add_rows)(source, line, rows, 2, pixels, half, whole, 0);
    else VARIANT(add_rows)(source, line, rows, 1, pixels, half, whole, 0);
    int64_t done = minimum(number, 2);
    for (; done + 2 <= number; done += 2) VARIANT(add_rows)(source, line, rows + done, 2, pixels, half, whole, 1);
    if (done < number) VARIANT(add_rows)(source, line, rows + done, 1, pixels, half, whole, 1);
}

/* The same, channel by channel, for pixels so near the map's end that a whole vector would reach beyond it. */
static void VARIANT(add_line_at_end)(const VARIANT(source) *source, float *line, const int64_t *rows, int64_t number,
                                     int64_t pixels, int half) {
    memset(line, 0, pixels * CHANNEL_BLOCK * sizeof(float));
    for (int64_t r = 0; r < number; r++)
        for (int64_t x = 0; x < pixels; x++)
            for (int64_t c = 0; c < source->count; c++)
                line[x * CHANNEL_BLOCK + c] += VARIANT(load_one)(source->map, rows[r] + x * source->step + c, half);
}

/* The rows of the map that a line of a tile adds up: those that lie inside it. */
typedef struct {
    int64_t number, first[MAX_ROWS]; /* elements up to column 0 */
} VARIANT(line_rows);

static void VARIANT(find_rows)(const ring_job *job, VARIANT(line_rows) *lines, const int64_t centre[3], int64_t image,
                               int64_t channel) {
    const int64_t *size = job->in_size;
    for (int64_t l = 0, r = 0; l < job->lines; l++) {
        lines[l].number = 0;
        for (; r < job->line_ends[l]; r++) {
            const int64_t z = centre[0] + job->line_rows[2 * r], y = centre[1] + job->line_rows[2 * r + 1];
            if (z >= 0 && z < size[0] && y >= 0 && y < size[1])
                lines[l].first[lines[l].number++] =
                    ((image * size[0] + z) * size[1] + y) * size[2] * job->in_channels + channel;
        }
    }
}

/* Add the rows of every line up, for the columns [start, start + width) of the map or beyond its sides.
 * Column start of line l goes to target[l * stride]. */
static void VARIANT(sum_lines)(const ring_job *job, const VARIANT(source) *source, const VARIANT(line_rows) *lines,
                               float *target, int64_t stride, int64_t start, int64_t width) {
    const int64_t first = minimum(start < 0 ? -start : 0, width);
    const int64_t last = minimum(job->in_size[2] > start ? job->in_size[2] - start : 0, width);
    for (int64_t l = 0; l < job->lines; l++, target += stride) {
        const int64_t number = lines[l].number;
        if (!number || first >= last) {
            memset(target, 0, width * CHANNEL_BLOCK * sizeof(float));
            continue;
        }
        if (first) memset(target, 0, first * CHANNEL_BLOCK * sizeof(float));
        if (last < width) memset(target + last * CHANNEL_BLOCK, 0, (width - last) * CHANNEL_BLOCK * sizeof(float));
        int64_t rows[MAX_ROWS], end = 0;
        for (int64_t r = 0; r < number; r++) {
            rows[r] = lines[l].first[r] + (start + first) * source->step;
            end = rows[r] > end ? rows[r] : end;
        }
        float *inside = target + first * CHANNEL_BLOCK;
        if (end + (last - first - 1) * source->step + CHANNEL_BLOCK > source->available)
            VARIANT(add_line_at_end)(source, inside, rows, number, last - first, job->in_half);
        else if (job->in_half)
            VARIANT(add_line)(source, inside, rows, number, last - first, 1, 0);
        else if (source->count == CHANNEL_BLOCK)
            VARIANT(add_line)(source, inside, rows, number, last - first, 0, 1);
        else
            VARIANT(add_line)(source, inside, rows, number, last - first, 0, 0);
    }
}

/* Add the terms of each class up, for PIXELS pixels. Pixel q of class c goes to target[c * stride + q * step]. */
INLINE void VARIANT(sum_classes)(const ring_job *job, const float *lines, int64_t width, float *target, int64_t stride,
                                 int64_t step) {
    const int32_t *term = job->class_terms;
    for (int64_t c = 0; c < job->classes; c++) {
        vector sum[PIXELS] = {0};
        for (const int32_t *end = job->class_terms + 2 * job->class_ends[c]; term < end; term += 2) {
            const float *source = lines + (term[0] * width + term[1]) * CHANNEL_BLOCK;
#pragma GCC unroll 16
            for (int q = 0; q < PIXELS; q++) sum[q] += *(const vector *)(source + q * CHANNEL_BLOCK);
        }
#pragma GCC unroll 16
        for (int q = 0; q < PIXELS; q++) *(vector *)(target + c * stride + q * step) = sum[q];
    }
}

/* Mix the classes, (class, pixel), to the rings' features. */
INLINE void VARIANT(mix_classes)(const ring_job *job, const float *classes, float *features, int64_t step) {
    for (int64_t j = 0; j < job->rings; j++) {
        const float *mix = job->mix + j * job->classes;
        vector sum[PIXELS] = {0};
        for (int64_t c = 0; c < job->classes; c++) {
            if (mix[c] == 0) continue;
#pragma GCC unroll 16
            for (int q = 0; q < PIXELS; q++) sum[q] += mix[c] * *(const vector *)(classes + (c * PIXELS + q) * LANES);
        }
#pragma GCC unroll 16
        for (int q = 0; q < PIXELS; q++) *(vector *)(features + j * CHANNEL_BLOCK + q * step) = sum[q];
    }
}

/* Filter the channel block with every ring: the features of a tile, (pixel, ring, channel).
 *
 * A short window of the lines slides along the tile, so that they stay in the first-level cache. */
static void VARIANT(filter)(const ring_job *job, const ring_scratch *scratch, const int64_t centre[3], int64_t image,
                            int64_t channel, int64_t count, int64_t pixels) {
    const int64_t *size = job->in_size;
    VARIANT(source) source = {job->in, job->in_channels, job->batch * size[0] * size[1] * size[2] * job->in_channels,
                              count, {{0}}};
    for (int64_t c = 0; c < count; c++) source.keep[c / LANES][c % LANES] = UINT32_MAX;
    VARIANT(line_rows) *rows = (VARIANT(line_rows) *)scratch->rows;
    VARIANT(find_rows)(job, rows, centre, image, channel);

    const int64_t overlap = 2 * job->reach, width = WINDOW + overlap, stride = width * CHANNEL_BLOCK;
    const int64_t step = job->rings * CHANNEL_BLOCK, left = centre[2] - job->reach;
    VARIANT(sum_lines)(job, &source, rows, scratch->lines, stride, left, overlap);
    for (int64_t start = 0; start < pixels; start += WINDOW) {
        VARIANT(sum_lines)(job, &source, rows, scratch->lines + overlap * CHANNEL_BLOCK, stride, left + overlap + start,
                           WINDOW);
        for (int64_t p = 0; p < WINDOW; p += PIXELS)
            for (int64_t v = 0; v * LANES < count; v++) {
                const float *lines = scratch->lines + (p + job->reach) * CHANNEL_BLOCK + v * LANES;
                float *features = scratch->features + (start + p) * step + v * LANES;
                if (!job->mix) {
                    VARIANT(sum_classes)(job, lines, width, features, CHANNEL_BLOCK, step);
                } else { /* in pieces so small that the classes stay in the first-level cache, too */
                    VARIANT(sum_classes)(job, lines, width, scratch->classes, PIXELS * LANES, LANES);
                    VARIANT(mix_classes)(job, scratch->classes, features, step);
                }
            }
        if (start + WINDOW < pixels)
            for (int64_t l = 0; l < job->lines; l++)
                memmove(scratch->lines + l * stride, scratch->lines + l * stride + WINDOW * CHANNEL_BLOCK,
                        overlap * CHANNEL_BLOCK * sizeof(float));
    }
}

/* --- The product: sums[m, n] += sum_k a[m, k] b[k, n], a panel of b at a time ---
 *
 * In a product of bfloat16, k counts pairs: a word of a or b holds the pair that one float has otherwise. */

#ifdef DOT
#define PAIRED(job) ((job)->out_half)
#else
#define NO_DOT
#define PAIRED(job) 0
#define DOT(s, a, b) ((void)a, s)
#define NARROW(v) (VARIANT(halves)){0}
#define PAIR(a, b) ((void)b, a)
#endif

/* Write rows of floats as bfloat16, the first `count` of every CHANNEL_BLOCK. */
static void VARIANT(pair_channels)(const float *rows, int64_t step, int64_t blocks, int64_t count, int64_t number,
                                   float *words) {
    for (int64_t r = 0; r < number; r++, rows += step, words += blocks * CHANNEL_BLOCK / 2)
        for (int64_t b = 0; b < blocks * CHANNEL_BLOCK; b += CHANNEL_BLOCK)
            for (int64_t c = b; c < b + count; c += LANES)
                *(VARIANT(halves) *)((uint16_t *)words + c) = NARROW(*(const loose *)(rows + c));
}

/* Write every two rows of floats as one of pairs; beyond the last row are zeros. */
static void VARIANT(pair_rows)(const float *rows, int64_t step, int64_t number, float *words) {
    for (int64_t r = 0; r < number; r += 2)
        for (int64_t c = 0; c < step; c += LANES, words += LANES) {
            vector second = {0};
            if (r + 1 < number) second = *(const loose *)(rows + (r + 1) * step + c);
            *(vector *)words = PAIR(*(const loose *)(rows + r * step + c), second);
        }
}

typedef struct {
    const float *a;
    int64_t row_step, outer, outer_step, inner, inner_step; /* k runs over (outer, inner) */
    const float *b;
    int64_t b_step;
    float *sums;
    int64_t sums_step;
} VARIANT(product);

INLINE void VARIANT(multiply)(const VARIANT(product) *it, int64_t m, const int rows, const int columns,
                              const int paired) {
    vector sum[16][4];
    float *target = it->sums + m * it->sums_step;
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int c = 0; c < columns; c++) sum[r][c] = *(const vector *)(target + r * it->sums_step + c * LANES);
    const float *b = it->b, *outer = it->a + m * it->row_step;
    for (int64_t j = 0; j < it->outer; j++, outer += it->outer_step) {
        const float *a = outer;
        for (int64_t k = 0; k < it->inner; k++, a += it->inner_step, b += it->b_step) {
            vector column[4];
#pragma GCC unroll 4
            for (int c = 0; c < columns; c++) column[c] = *(const vector *)(b + c * LANES);
#pragma GCC unroll 16
            for (int r = 0; r < rows; r++) {
                const float value = a[r * it->row_step];
                const VARIANT(bits) pair = *(const VARIANT(word) *)(a + r * it->row_step) + (VARIANT(bits)){0};
#pragma GCC unroll 4
                for (int c = 0; c < columns; c++)
                    sum[r][c] = paired ? DOT(sum[r][c], pair, column[c]) : sum[r][c] + value * column[c];
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int c = 0; c < columns; c++) *(vector *)(target + r * it->sums_step + c * LANES) = sum[r][c];
}

/* All rows against one panel. Rows are done in groups that divide 16, to which all buffers are padded. */
INLINE void VARIANT(multiply_panel)(const VARIANT(product) *it, int64_t rows, int64_t columns, const int paired) {
    switch (columns) {
        case 1:
            for (int64_t m = 0; m < rows; m += 8) VARIANT(multiply)(it, m, 8, 1, paired);
            break;
        case 2:
            for (int64_t m = 0; m < rows; m += COLUMNS > 2 ? 8 : 4)
                VARIANT(multiply)(it, m, COLUMNS > 2 ? 8 : 4, 2, paired);
            break;
#if COLUMNS > 2
        case 3:
            for (int64_t m = 0; m < rows; m += 4) VARIANT(multiply)(it, m, 4, 3, paired);
            break;
        default:
            for (int64_t m = 0; m < rows; m += 4) VARIANT(multiply)(it, m, 4, 4, paired);
#endif
    }
}

static void VARIANT(multiply_rows)(const VARIANT(product) *it, int64_t rows, int64_t columns, int paired) {
    if (paired) VARIANT(multiply_panel)(it, rows, columns, 1);
    else VARIANT(multiply_panel)(it, rows, columns, 0);
}

/* --- One tile: some pixels of an output row --- */

INLINE float VARIANT(weight_at)(const ring_job *job, int64_t i, int64_t o, int64_t ring) {
    const int64_t *strides = job->weight_strides;
    return i < job->in_channels && o < job->out_channels ? job->weight[i * strides[0] + o * strides[1] + ring] : 0;
}

/* Bring the weights of a channel block into the order (panel, ring, channel, column), or of (pair of channels). A panel
 * of pairs leaves the second half of its room empty. */
static void VARIANT(pack_weight)(const ring_job *job, int64_t block, float *packed) {
    const int64_t first = block * CHANNEL_BLOCK, count = minimum(CHANNEL_BLOCK, job->in_channels - first);
    const int64_t padded = round_up(job->out_channels, LANES);
    for (int64_t panel = 0; panel < padded; panel += COLUMNS * LANES) {
        const int64_t columns = minimum(COLUMNS * LANES, padded - panel);
        float *word = packed;
        for (int64_t j = 0; j < job->rings; j++)
            for (int64_t c = first; c < first + count; c += PAIRED(job) ? 2 : 1)
                for (int64_t o = panel; o < panel + columns; o++, word++) {
                    *word = VARIANT(weight_at)(job, c, o, j);
                    if (!PAIRED(job)) continue;
                    const uint16_t low = VARIANT(round_half)(*word), high = VARIANT(round_half)(VARIANT(weight_at)(job, c + 1, o, j));
                    *(VARIANT(word) *)word = (uint32_t)high << 16 | low;
                }
        packed += job->rings * count * columns;
    }
}

static void VARIANT(start_sums)(float *sums, const float *bias, int64_t channels, int64_t pixels, int64_t padded) {
    memset(sums, 0, padded * sizeof(float));
    if (bias) memcpy(sums, bias, channels * sizeof(float));
    for (int64_t i = padded; i < pixels * padded; i += LANES) *(vector *)(sums + i) = *(vector *)(sums + i - padded);
}

/* Write pixels of the output. One that no cache can hold goes past them: they need not read it first, then. */
static void VARIANT(write_sums)(const ring_job *job, const float *sums, int64_t at, int64_t pixels, int64_t padded) {
    const int64_t channels = job->out_channels;
#ifdef STREAM
    const int64_t elements = job->batch * job->out_size[0] * job->out_size[1] * job->out_size[2] * channels;
    const int aligned = channels % LANES == 0 && (uintptr_t)job->out % sizeof(vector) == 0;
    if (!job->out_half && aligned && elements > STREAMED_ELEMENTS) {
        float *out = (float *)job->out + at * channels;
        for (int64_t i = 0; i < pixels * channels; i += LANES) STREAM(out + i, *(const vector *)(sums + i));
        FENCE();
        return;
    }
#endif
    for (int64_t p = 0; p < pixels; p++, sums += padded) {
        const int64_t first = (at + p) * channels;
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES)
            VARIANT(store)(job->out, first + c, *(const vector *)(sums + c), job->out_half);
        for (; c < channels; c++) VARIANT(store_one)(job->out, first + c, sums[c], job->out_half);
    }
}

/* Read pixels of a map as float32, `step` floats apart. */
static void VARIANT(read_pixels)(const void *map, int half, int64_t channels, float *target, int64_t at, int64_t pixels,
                                 int64_t step) {
    for (int64_t p = 0; p < pixels; p++, target += step) {
        const int64_t first = (at + p) * channels;
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES) *(loose *)(target + c) = VARIANT(load)(map, first + c, half);
        for (; c < channels; c++) target[c] = VARIANT(load_one)(map, first + c, half);
        for (; c < step && c % LANES; c++) target[c] = 0;
    }
}

/* Rows of channels, ring after ring, to be multiplied with weights. */
typedef struct {
    const float *words;
    int64_t row_step, ring_step, rings, channels, number; /* steps in words; rows */
    int paired;
} VARIANT(operand);

static VARIANT(operand) VARIANT(as_operand)(const float *rows, int64_t step, int64_t rings, int64_t channels,
                                            int64_t number, int paired, float *words) {
    if (!paired) return (VARIANT(operand)){rows, step, CHANNEL_BLOCK, rings, channels, number, 0};
    VARIANT(pair_channels)(rows, step, rings, channels, number, words);
    return (VARIANT(operand)){words, rings * CHANNEL_BLOCK / 2, CHANNEL_BLOCK / 2, rings, channels, number, 1};
}

/* sums[row] += weights * features for some channels; where the weights of the next ones start. */
static const float *VARIANT(add_product)(const VARIANT(operand) *a, const float *packed, float *sums, int64_t padded) {
    const int64_t inner = a->paired ? (a->channels + 1) / 2 : a->channels;
    for (int64_t panel = 0; panel < padded; panel += COLUMNS * LANES) {
        const int64_t columns = minimum(COLUMNS, (padded - panel) / LANES);
        const VARIANT(product) it = {a->words, a->row_step, a->rings, a->ring_step, inner, 1,
                                     packed, columns * LANES, sums + panel, padded};
        VARIANT(multiply_rows)(&it, a->number, columns, a->paired);
        packed += a->rings * a->channels * columns * LANES;
    }
    return packed;
}

/* gradient[feature] += sum over pixels of feature * partner. */
static void VARIANT(add_outer_product)(const float *features, int64_t number, const float *partner, int64_t pixels,
                                       float *gradient, int64_t padded, int paired, const ring_scratch *scratch) {
    int64_t inner = pixels;
    if (paired) {
        VARIANT(pair_rows)(features, number, pixels, scratch->words);
        VARIANT(pair_rows)(partner, padded, pixels, scratch->partner_words);
        features = scratch->words;
        partner = scratch->partner_words;
        inner = (pixels + 1) / 2;
    }
    for (int64_t panel = 0; panel < padded; panel += COLUMNS * LANES) {
        const VARIANT(product) it = {features, 1, 1, 0, inner, number, partner + panel, padded, gradient + panel, padded};
        VARIANT(multiply_rows)(&it, number, minimum(COLUMNS, (padded - panel) / LANES), paired);
    }
}

/* Compute pixels of a row; the kernel of the first is centred on the input's pixel `centre`. */
static void VARIANT(run_pixels)(const ring_job *job, const ring_scratch *scratch, int64_t image, const int64_t centre[3],
                                int64_t at, int64_t pixels) {
    const int64_t padded = round_up(job->out_channels, LANES), depth = job->rings * CHANNEL_BLOCK;
    if (job->out) VARIANT(start_sums)(scratch->sums, job->bias, job->out_channels, round_up(pixels, WINDOW), padded);
    if (job->partner)
        VARIANT(read_pixels)(job->partner, job->out_half, job->out_channels, scratch->partner, at, pixels, padded);
    const float *packed = scratch->packed;
    float *gradient = scratch->gradient;
    for (int64_t channel = 0; channel < job->in_channels; channel += CHANNEL_BLOCK, gradient += depth * padded) {
        const int64_t count = minimum(CHANNEL_BLOCK, job->in_channels - channel);
        VARIANT(filter)(job, scratch, centre, image, channel, count, pixels);
        if (job->out) {
            const VARIANT(operand) features = VARIANT(as_operand)(scratch->features, depth, job->rings, count, pixels,
                                                                  PAIRED(job), scratch->words);
            packed = VARIANT(add_product)(&features, packed, scratch->sums, padded);
        }
        if (job->partner)
            VARIANT(add_outer_product)(scratch->features, depth, scratch->partner, pixels, gradient, padded, PAIRED(job),
                                       scratch);
    }
    if (job->out) VARIANT(write_sums)(job, scratch->sums, at, pixels, padded);
}

static void VARIANT(run_tile)(const ring_job *job, const ring_scratch *scratch, int64_t row, int64_t start,
                              int64_t pixels) {
    const int64_t *size = job->out_size;
    const int64_t z = row / size[1] % size[0], y = row % size[1], image = row / (size[0] * size[1]);
    const int64_t centre[3] = {z + job->shift[0], y + job->shift[1], start + job->shift[2]};
    VARIANT(run_pixels)(job, scratch, image, centre, row * size[2] + start, pixels);
}

#include "harmonic_variant.h"

#undef vector
#undef loose
#undef VECTORS
#undef PIXELS
#undef INLINE
#undef PAIRED
#ifdef NO_DOT
#undef NO_DOT
#undef DOT
#undef NARROW
#undef PAIR
#endif
