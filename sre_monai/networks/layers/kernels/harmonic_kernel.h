/* The harmonic convolution as plain data.
 *
 *     out = act(bias + W F + M |harmonics of (V F)|),    F_j = ring_j * in
 *
 * W F are the isotropic channels and V F the *profiles*. The harmonics of a profile are its derivatives along the axes
 * (order 1), or stretches and shears (order 2); their norm is the *magnitude*:
 *
 *     magnitude = sqrt(sum_n (D_n * profile)^2 + FLOOR^2)
 *
 * Axes are (slow, middle, fast): two dimensions have a middle axis of size 1, so that images and volumes are one case. A
 * tile slides along the slow axis and keeps the few *slabs* of profiles that the stencils reach. Nothing else is stored.
 */
#ifndef SRE_MONAI_HARMONIC_KERNEL_H
#define SRE_MONAI_HARMONIC_KERNEL_H

#include "ring_kernel.h"

#define REACH 2 /* pixels, of a stencil */
#define SLABS (2 * REACH + 1)
#define FLOOR 0.01f
#define CHUNK 64        /* most pixels of a row that are computed together */
#define MOST_PARTS 6    /* derivatives of one order in three dimensions */
#define BAND 8          /* slabs of gradients that are filtered together */

typedef struct {
    ring_job rings;          /* in, weight and taps; its output channels are the isotropic ones, then the profiles.
                                Forward: bias and out. Backward: out is the gradient of in, or NULL; weight_gradient */
    const float *mix;        /* (profile channel, output channel) at i * mix_strides[0] + o * mix_strides[1] */
    int64_t mix_strides[2];
    const void *gradient;    /* of the output; NULL forward */
    float *mix_gradient;     /* (profile channels, output channels) */
    float *bias_gradient;    /* (output channels, then profile channels) */
    int64_t dims, channels;  /* spatial axes; output channels */
    int64_t order, order_channels; /* that of the first profiles, of which there are so many; then comes the other one */
    int64_t activate;        /* 1: negative outputs are multiplied by `slope` */
    double slope;
} harmonic_job;

/* Pixels [first, last) along each axis of one image. */
typedef struct {
    int64_t image, first[3], last[3];
} harmonic_tile;

/* The products of a job, as ring jobs, with their packed weights. */
typedef struct {
    ring_job isotropic, profiles; /* W and V */
    ring_job mix, mix_adjoint;    /* M and its transpose, of one "ring" each */
    ring_job adjoint;             /* from the gradients of isotropic channels and profiles to that of the input */
    float *isotropic_weight, *profile_weight, *mix_weight, *mix_adjoint_weight, *adjoint_weight;
} harmonic_products;

/* Buffers of one thread. */
typedef struct {
    ring_scratch ring;
    float *profiles;      /* (slab, middle, fast, padded profile channel) */
    float *isotropic;     /* forward: of the slabs that wait for their magnitudes, without margins */
    float *parts;         /* backward: (part, slab, middle, fast, padded profile channel) */
    float *band;          /* backward: (slab, middle, fast, output and profile channels): gradients before the filters */
    float *magnitudes, *upstream, *magnitude_gradient; /* of a chunk */
    float *mix_gradient, *bias_gradient;
    uint32_t *second;     /* (padded profile channel): all ones where the order is 2 */
    int64_t tile[3];      /* most pixels of a tile along each axis */
} harmonic_scratch;

/* The farthest tap of the rings along any axis, in pixels. */
static inline int64_t ring_reach(const ring_job *job) {
    int64_t reach = job->reach;
    for (int64_t r = 0; r < 2 * job->line_ends[job->lines - 1]; r++)
        reach = maximum(reach, job->line_rows[r] < 0 ? -job->line_rows[r] : job->line_rows[r]);
    return reach;
}

/* Pixels by which the profiles' slabs are larger than a tile, on each side. */
static inline int64_t harmonic_margin(const harmonic_job *job) {
    return job->gradient ? 2 * REACH + ring_reach(&job->rings) : REACH;
}

#endif
