/* Rows of integers, numbered in the order of their insertion; and memory. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef uint8_t u8;
typedef int32_t i32;
typedef uint32_t u32;
typedef uint64_t u64;

static inline u64 mix(u64 a, u64 b) {
    __uint128_t x = (__uint128_t)(a ^ 0x9e3779b97f4a7c15ull) * (b ^ 0xe7037ed1a0b428dbull);
    return (u64)x ^ (u64)(x >> 64);
}

static void *resize(void *old, u64 bytes) {
    void *p = realloc(old, bytes ? bytes : 1);
    if (!p) abort();
    return p;
}

/* The same on whole lines of the cache; `used` bytes are kept. */
static void *resize_lines(void *old, u64 used, u64 bytes) {
    void *p = aligned_alloc(64, (bytes + 64) & ~63ull);
    if (!p) abort();
    if (used) memcpy(p, old, used);
    free(old);
    return p;
}

/* Zeroed memory on huge pages where the system has them: the visited set is accessed at random. */
static void *map(u64 bytes) {
    void *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return 0;
#ifdef MADV_HUGEPAGE
    if (bytes >= 1 << 21) madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

typedef struct {
    u32 width, n, cap, mask;
    i32 *rows;
    u32 *slots; /* number + 1, 0 is free */
} Rows;

static u64 hash_row(const i32 *row, u32 width) {
    u64 h = width;
    for (u32 i = 0; i < width; i++) h = mix(h, (u32)row[i] + 1ull);
    return h;
}

static void rows_init(Rows *r, u32 width) {
    memset(r, 0, sizeof *r);
    r->width = width;
    r->mask = 15;
    r->slots = calloc(16, sizeof(u32));
}

static void rows_clear(Rows *r) {
    r->n = 0;
    memset(r->slots, 0, (r->mask + 1ull) * sizeof(u32));
}

static void rows_free(Rows *r) {
    free(r->rows);
    free(r->slots);
}

static u32 rows_intern(Rows *r, const i32 *row) {
    u64 h = hash_row(row, r->width);
    u32 i = (u32)h & r->mask;
    for (u32 s; (s = r->slots[i]); i = (i + 1) & r->mask)
        if (!memcmp(r->rows + (u64)(s - 1) * r->width, row, r->width * sizeof(i32))) return s - 1;
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 16;
        r->rows = resize(r->rows, (u64)r->cap * r->width * sizeof(i32));
    }
    memcpy(r->rows + (u64)r->n * r->width, row, r->width * sizeof(i32));
    r->slots[i] = ++r->n;
    if (r->n * 2ull > r->mask) {
        r->mask = 2 * r->mask + 1;
        r->slots = resize(r->slots, (r->mask + 1ull) * sizeof(u32));
        memset(r->slots, 0, (r->mask + 1ull) * sizeof(u32));
        for (u32 k = 0; k < r->n; k++) {
            u32 j = (u32)hash_row(r->rows + (u64)k * r->width, r->width) & r->mask;
            while (r->slots[j]) j = (j + 1) & r->mask;
            r->slots[j] = k + 1;
        }
    }
    return r->n - 1;
}
