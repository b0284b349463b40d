/* Print what the compiled kernels compute from fixed numbers, for a variant given by name: for comparison between
 * compilers and processors where Python does not run. Without a name, print the variants. */
#include "harmonic_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ring_variant_name(int64_t index);
int64_t ring_convolve(const ring_job *job, const char *variant, int64_t threads);
int64_t harmonic_convolve(const harmonic_job *job, const char *variant, int64_t threads);

enum { BATCH = 2, HEIGHT = 19, WIDTH = 37, PIXELS = BATCH * HEIGHT * WIDTH, IN = 5, OUT = 7, PROFILES = 6, RINGS = 3 };
enum { MAPS = OUT + PROFILES };

/* A 3x3 kernel's centre, edges and corners, in the form of tap_plan.py. */
static const int32_t line_rows[] = {0, 0, -1, 0, 1, 0}, line_ends[] = {1, 3};
static const int32_t class_terms[] = {0, 0, 0, -1, 0, 1, 1, 0, 1, -1, 1, 1}, class_ends[] = {1, 4, 6};

static float *numbers(int64_t count, uint32_t state) {
    float *values = malloc(count * sizeof(float));
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / (1 << 23) - 1;
    }
    return values;
}

static void print(const char *name, const float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++) printf("%s %.9g\n", name, values[i]);
}

static ring_job describe(const float *in, float *out, const float *weight, int64_t out_channels) {
    ring_job job = {.in = in, .out = out, .weight = weight, .weight_strides = {out_channels * RINGS, RINGS},
                    .gradient_strides = {out_channels * RINGS, RINGS}, .batch = BATCH, .in_size = {HEIGHT, 1, WIDTH},
                    .out_size = {HEIGHT, 1, WIDTH}, .in_channels = IN, .out_channels = out_channels, .reach = 1,
                    .rings = RINGS, .lines = 2, .classes = RINGS, .line_rows = line_rows, .line_ends = line_ends,
                    .class_terms = class_terms, .class_ends = class_ends};
    return job;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        for (int64_t i = 0; ring_variant_name(i); i++) puts(ring_variant_name(i));
        return 0;
    }
    const int64_t threads = 3;
    float *in = numbers(PIXELS * IN, 1), *partner = numbers(PIXELS * MAPS, 2), *weight = numbers(IN * MAPS * RINGS, 3);
    float *bias = numbers(MAPS, 4), *mix = numbers(PROFILES * OUT, 5), *out = numbers(PIXELS * MAPS, 6);
    float *weight_gradient = numbers(IN * MAPS * RINGS, 7), *mix_gradient = numbers(PROFILES * OUT, 8);
    float *bias_gradient = numbers(MAPS, 9);

    ring_job ring = describe(in, out, weight, MAPS);
    ring.bias = bias;
    if (ring_convolve(&ring, argv[1], threads)) return 1;
    print("ring", out, PIXELS * MAPS);
    ring.bias = NULL;
    ring.partner = partner;
    ring.weight_gradient = weight_gradient;
    if (ring_convolve(&ring, argv[1], threads)) return 1;
    print("ring_gradient", weight_gradient, IN * MAPS * RINGS);

    harmonic_job harmonic = {.rings = describe(in, out, weight, MAPS), .mix = mix, .mix_strides = {OUT, 1}, .dims = 2,
                             .channels = OUT, .order = 1, .order_channels = PROFILES / 2, .activate = 1, .slope = 0.1};
    harmonic.rings.bias = bias;
    if (harmonic_convolve(&harmonic, argv[1], threads)) return 1;
    print("harmonic", out, PIXELS * OUT);
    harmonic.gradient = partner;
    harmonic.activate = 0;
    harmonic.rings.weight_gradient = weight_gradient;
    harmonic.mix_gradient = mix_gradient;
    harmonic.bias_gradient = bias_gradient;
    if (harmonic_convolve(&harmonic, argv[1], threads)) return 1;
    print("input_gradient", out, PIXELS * IN);
    print("weight_gradient", weight_gradient, IN * MAPS * RINGS);
    print("mix_gradient", mix_gradient, PROFILES * OUT);
    print("bias_gradient", bias_gradient, MAPS);
    return 0;
}
