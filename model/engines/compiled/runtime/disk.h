/* States on their way to disk and back: levels that do not fit into memory.
 *
 * A state on disk is packed as in memory. Rows are ordered by their components from the last to the first, which is by words from
 * the last to the first: an order that does not depend on how many bits a component has. The part of a state (which parts of
 * a level can hold it) depends on its component numbers only, for the same reason. */
#include "round.h"

static u32 part_of(const Engine *e, const u64 *s, u32 parts) {
    u64 h = 0;
    for (u32 c = 0; c < e->components; c++) h = mix(h, number_in(e->component + c, s));
    return (u32)((h >> 32) * parts >> 32);
}

/* Which states of each thread the round has not taken yet. */
void explorer_left(const Engine *e, u64 *from, u64 *to) {
    for (u32 t = 0; t < e->threads; t++) to[t] = e->part_to[t], from[t] = e->cursor[t] < to[t] ? e->cursor[t] : to[t];
}

/* Nothing more to take in this round. */
void explorer_stop(Engine *e) { memset(e->cursor, 0, sizeof e->cursor), memset(e->part_to, 0, sizeof e->part_to); }

/* How many states of each thread are in memory. */
void explorer_found(const Engine *e, u64 *out) {
    for (u32 t = 0; t < e->threads; t++) out[t] = e->worker[t].n;
}

/* States [from, from + n) of a thread, ordered by part; `ends` gets the end of each part. */
void explorer_part(const Engine *e, i32 thread, u64 from, u64 n, i32 parts, u64 *out, u64 *ends) {
    u32 *part = resize(0, n * 4);
    u64 *next = calloc(parts + 1ull, 8);
    for (u64 i = 0; i < n; i++) next[1 + (part[i] = part_of(e, state_at(e, thread, from + i), parts))]++;
    for (i32 p = 0; p < parts; p++) next[p + 1] += next[p];
    for (u64 i = 0; i < n; i++) memcpy(out + next[part[i]]++ * e->words, state_at(e, thread, from + i), 8 * e->words);
    memcpy(ends, next, parts * 8ull);
    free(part), free(next);
}

/* Forget the states in memory, and begin a visited set of 2^bits entries; with fingerprints it stays as it is. The counters of steps go on. */
i32 explorer_forget(Engine *e, i32 bits) {
    for (u32 t = 0; t < e->threads; t++) drop_chunks(e->worker + t, e->words), e->worker[t].n = 0;
    if (e->fingerprints) return 1;
    e->count = 0;
    return table_of_states(e, bits);
}

/* A round over these states, which may be followed by others of the same level: shared between the threads. */
void explorer_feed(Engine *e, const u64 *rows, u64 n) {
    for (u32 t = 0; t < e->threads; t++) {
        u64 from = n * t / e->threads, to = n * (t + 1) / e->threads;
        free(e->pool[t]), free(e->pool_rest[t]);
        e->pool_rest[t] = 0, e->pool[t] = resize(0, (to - from) * 8 * e->words);
        memcpy(e->pool[t], rows + from * e->words, (to - from) * 8 * e->words);
        e->cursor[t] = 0, e->part_to[t] = to - from;
    }
    e->from_pool = 1;
}

/* How states are packed: per component its word, shift and bits. */
void explorer_layout(const Engine *e, u32 *out) {
    for (u32 c = 0; c < e->components; c++, out += 3)
        out[0] = e->component[c].word, out[1] = e->component[c].shift, out[2] = e->component[c].bits;
}

/* Rows that were packed by another layout, of `words` words, as they are packed now. */
void explorer_repack(const Engine *e, const u32 *layout, u32 words, const u64 *rows, u64 n, u64 *out) {
    Engine before = *e;
    before.words = words;
    before.component = calloc(e->components, sizeof(Component));
    for (u32 c = 0; c < e->components; c++, layout += 3)
        before.component[c] = (Component){.word = layout[0], .shift = layout[1], .bits = layout[2], .mask = (1ull << layout[2]) - 1};
    repack(e, &before, rows, out, n);
    free(before.component);
}

static inline int before_row(const u64 *a, const u64 *b, u32 words) {
    for (u32 w = words; w--;)
        if (a[w] != b[w]) return a[w] < b[w];
    return 0;
}

/* Sort rows, keep one of equal ones; returns how many are left. By digits of eight bits, without those that are the same in all rows. */
u64 rows_sort(u64 *rows, u64 n, u32 words) {
    u64 *other = resize(0, n * 8 * words), *from = rows, *to = other, count[256];
    for (u32 digit = 0; digit < 8 * words && n; digit++) {
        u32 word = digit / 8, shift = digit % 8 * 8;
        memset(count, 0, sizeof count);
        for (u64 i = 0; i < n; i++) count[from[i * words + word] >> shift & 255]++;
        if (count[from[word] >> shift & 255] == n) continue;
        for (u64 d = 0, sum = 0; d < 256; d++) {
            u64 here = count[d];
            count[d] = sum, sum += here;
        }
        for (u64 i = 0; i < n; i++) memcpy(to + count[from[i * words + word] >> shift & 255]++ * words, from + i * words, 8 * words);
        u64 *was = from;
        from = to, to = was;
    }
    u64 kept = 0;
    for (u64 i = 0; i < n; i++)
        if (!i || memcmp(from + i * words, from + (i - 1) * words, 8 * words)) memcpy(to + kept++ * words, from + i * words, 8 * words);
    if (to != rows) memcpy(rows, to, kept * 8 * words);
    free(other);
    return kept;
}

/* Mark those of `n` sorted rows that are among `m` sorted others; `*at` is where to begin, and where to go on with later others. */
void rows_mark(const u64 *rows, u64 n, u32 words, const u64 *others, u64 m, u64 *at, u8 *marks) {
    u64 i = *at;
    for (u64 j = 0; j < m && i < n; j++) {
        while (i < n && before_row(rows + i * words, others + j * words, words)) i++;
        if (i < n && !memcmp(rows + i * words, others + j * words, 8 * words)) marks[i++] = 1;
    }
    *at = i;
}

/* Keep the rows that are not marked; returns how many. */
u64 rows_unmarked(u64 *rows, u64 n, u32 words, const u8 *marks) {
    u64 kept = 0;
    for (u64 i = 0; i < n; i++)
        if (!marks[i]) memmove(rows + kept++ * words, rows + i * words, 8 * words);
    return kept;
}
