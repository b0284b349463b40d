/* What one variant of the kernels offers, and what both operations share. */
#ifndef SRE_MONAI_VARIANTS_H
#define SRE_MONAI_VARIANTS_H

#include "harmonic_kernel.h"

typedef struct {
    const char *name;
    int64_t lanes; /* floats of a vector: output channels are padded to a multiple */
    void (*pack_weight)(const ring_job *, int64_t block, float *packed);
    void (*run_tile)(const ring_job *, const ring_scratch *, int64_t row, int64_t start, int64_t pixels);
    void (*harmonic_forward)(const harmonic_job *, const harmonic_products *, const harmonic_scratch *,
                             const harmonic_tile *);
    void (*harmonic_backward)(const harmonic_job *, const harmonic_products *, const harmonic_scratch *,
                              const harmonic_tile *);
} ring_variant;

/* The variant of that name, where this machine runs it; else NULL. */
const ring_variant *ring_find_variant(const char *name);

/* Add the threads' gradients for one input channel to the weight's, always in the same order. */
void ring_add_gradients(const ring_job *job, int64_t channel, const float *gradient, int64_t team, int64_t step,
                        int64_t padded);

#endif
