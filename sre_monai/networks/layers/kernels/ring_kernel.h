/* The ring convolution as plain data: what the caller describes, and what one variant of the kernel offers.
 *
 *     out[p] = bias + sum_j W_j F_j[p],    F_j = ring_j * in
 *
 * Maps are channels-last: a pixel is a run of channels. One or two spatial axes are three with leading ones. A kernel's
 * taps are grouped twice, so that the filters F cost few additions: the rows of the kernel that look alike are added up
 * to *lines*, and the taps of a line that have the same value in every ring are added up to *classes*. F is a small
 * linear mix of the classes; where every ring is a class of its own, it is the classes.
 */
#ifndef SRE_MONAI_RING_KERNEL_H
#define SRE_MONAI_RING_KERNEL_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define X86_VARIANTS /* the compiler makes code for more than one instruction set */
#endif

#define KERNELS_VERSION 1 /* to be raised with every change of what the functions mean, here and in library.py */

#define CHANNEL_BLOCK 32 /* channels that are filtered and multiplied together: two cache lines */
#define WINDOW 16        /* pixels that are filtered together; buffers hold a multiple of it */
#define MAX_ROWS 8       /* most rows of a line */

typedef struct {
    const void *in;          /* (batch, in_size..., in_channels) */
    void *out;               /* (batch, out_size..., out_channels), or NULL where only the weight gradient is wanted */
    const void *partner;     /* the layer's input, shaped like out, where the weight gradient is wanted; or NULL */
    const float *bias;       /* (out_channels), or NULL */
    const float *weight;     /* element (in i, out o, ring j) at i * strides[0] + o * strides[1] + j */
    float *weight_gradient;  /* sum over pixels p of F_j[p, i] partner[p, o], at (i, o, j) likewise */
    int64_t weight_strides[2], gradient_strides[2];
    int64_t batch, in_size[3], out_size[3];
    int64_t shift[3];        /* the kernel of output pixel p is centred on input pixel p + shift */
    int64_t in_channels, out_channels;
    int64_t in_half, out_half; /* 1 where in, or out and partner, are bfloat16; 0 where they are float32 */
    int64_t reach;           /* largest |dx| */
    int64_t rings, lines, classes;
    const int32_t *line_rows;   /* (dz, dy) pairs, line after line */
    const int32_t *line_ends;   /* (lines), in pairs */
    const int32_t *class_terms; /* (line, dx) pairs, class after class */
    const int32_t *class_ends;  /* (classes), in pairs */
    const float *mix;           /* (rings, classes), or NULL where the rings are the classes */
} ring_job;

/* Buffers of one call. Everything is padded to whole vectors. */
typedef struct {
    float *packed;   /* weights in the order in which the product reads them; shared by the threads */
    float *gradient; /* this thread's weight gradient, (channel block, ring, channel, padded out channel) */
    float *lines, *classes, *features, *sums, *partner; /* this thread's tile */
    float *words, *partner_words; /* its factors in pairs of bfloat16 */
    void *rows; /* the rows of its lines */
} ring_scratch;

static inline int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }
static inline int64_t minimum(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t maximum(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
