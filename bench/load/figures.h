/*
 * What a load generator measures: exchanges, errors, bytes, and the time of each exchange.
 *
 * Times are kept in microseconds in a histogram whose buckets are at most 1/64 wide, so a percentile is right to 1.6 %.
 * An exchange that brought no byte of reply is an error, and its time is not counted.
 */
#pragma once
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { BUCKET_BITS = 6, BUCKETS = 40 << BUCKET_BITS };

static uint64_t counts[BUCKETS], done, errors, bytes, max_us;

static inline uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline int bucket_of(uint64_t us) {
    if (us < (1 << BUCKET_BITS)) return (int)us;
    int shift = 63 - __builtin_clzll(us) - BUCKET_BITS;
    return ((shift + 1) << BUCKET_BITS) + (int)((us >> shift) & ((1 << BUCKET_BITS) - 1));
}

static inline uint64_t value_of(int bucket) {
    if (bucket < (1 << BUCKET_BITS)) return (uint64_t)bucket;
    int shift = (bucket >> BUCKET_BITS) - 1;
    return ((uint64_t)((bucket & ((1 << BUCKET_BITS) - 1)) + (1 << BUCKET_BITS))) << shift;
}

static inline uint64_t percentile(double share) {
    uint64_t wanted = (uint64_t)(share * (double)done), seen = 0;
    for (int b = 0; b < BUCKETS; b++) {
        seen += counts[b];
        if (seen > wanted) return value_of(b);
    }
    return max_us;
}

static inline void count_exchange(int is_error, uint64_t received, uint64_t started_us) {
    if (is_error || received == 0) {
        errors++;
        return;
    }
    uint64_t us = now_us() - started_us;
    int bucket = bucket_of(us);
    counts[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    if (us > max_us) max_us = us;
    bytes += received;
    done++;
}

static inline void print_figures(uint64_t start_us) {
    double seconds = (double)(now_us() - start_us) / 1e6;
    printf("{\"requests\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"seconds\":%.3f,\"perSecond\":%.1f,\"p50Us\":%" PRIu64 ",\"p99Us\":%" PRIu64 ",\"maxUs\":%" PRIu64 "}\n",
           done, errors, bytes, seconds, (double)done / seconds, percentile(0.5), percentile(0.99), max_us);
}
