/* The visited set and the packing of states. */
#include "memo.h"

/* Insert a state; whether it is new. With one word the set holds word + 1 itself, else (tag, thread, index) of a state. */
static inline __attribute__((always_inline)) int visit(Engine *e, Worker *w, u32 me, const u64 *s, u64 h, const u32 W) {
    u64 i = h >> e->table_shift, n = w->n;
    if (W == 1) {
        u64 key = s[0] + 1;
        for (;;) {
            u64 x = __atomic_load_n(e->table + i, __ATOMIC_RELAXED);
            if (x == key) return 0;
            if (!x) {
                if (e->threads == 1) e->table[i] = key;
                else if (!__atomic_compare_exchange_n(e->table + i, &x, key, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
                    if (x == key) return 0;
                    i = (i + 1) & e->table_mask;
                    continue;
                }
                break;
            }
            i = (i + 1) & e->table_mask;
        }
    }
    if (__builtin_expect(!w->chunks[n >> CHUNK_BITS], 0))
        if (!(w->chunks[n >> CHUNK_BITS] = map((1ull << CHUNK_BITS) * 8 * W))) abort();
    u64 *place = w->chunks[n >> CHUNK_BITS] + (n & ((1u << CHUNK_BITS) - 1)) * W;
    for (u32 k = 0; k < W; k++) place[k] = s[k];
    if (W > 1) {
        u64 tag = h & 0xffffff, mine = (tag | 1) << 40 | (u64)me << 32 | n;
        for (;;) {
            u64 x = __atomic_load_n(e->table + i, __ATOMIC_ACQUIRE);
            if (!x) {
                if (__atomic_compare_exchange_n(e->table + i, &x, mine, 0, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) break;
                continue;
            }
            if (x >> 40 == (tag | 1) && !memcmp(state_at(e, x >> 32 & 255, (u32)x), s, 8 * W)) return 0;
            i = (i + 1) & e->table_mask;
        }
    }
    w->n++;
    return 1;
}

/* A new table of 2^bits entries with all states in it; 0 if there is no memory for it. */
i32 explorer_table(Engine *e, i32 bits) {
    u64 size = 1ull << bits;
    if (e->table) munmap(e->table, (e->table_mask + 1) * 8);
    u64 *table = e->table = map(size * 8);
    if (!table) return 0;
    e->table_mask = size - 1, e->table_shift = 64 - bits, e->limit = size / 8 * 5;
    for (u32 t = 0; t < e->threads; t++)
        for (u64 n = 0; n < e->worker[t].n; n++) {
            const u64 *s = state_at(e, t, n);
            u64 h = hash_state(s, e->words), i = h >> e->table_shift;
            while (table[i]) i = (i + 1) & e->table_mask;
            table[i] = e->words == 1 ? s[0] + 1 : ((h & 0xffffff) | 1) << 40 | (u64)t << 32 | n;
        }
    return 1;
}

static void repack_worker(Engine *e, const Engine *before, Worker *w) {
    for (u64 i = 0; i < CHUNKS && w->chunks[i]; i++) {
        u64 *chunk = map((1ull << CHUNK_BITS) * 8 * e->words), first = i << CHUNK_BITS;
        u64 left = w->n > first ? w->n - first : 0;
        if (!chunk) abort();
        repack(e, before, w->chunks[i], chunk, left < 1 << CHUNK_BITS ? left : 1 << CHUNK_BITS);
        munmap(w->chunks[i], (1ull << CHUNK_BITS) * 8 * before->words);
        w->chunks[i] = chunk;
    }
    u64 *postponed = malloc(w->npostponed * 8 * e->words + 8);
    repack(e, before, w->postponed, postponed, w->npostponed);
    free(w->postponed);
    w->postponed = postponed, w->cappostponed = w->npostponed;
    for (u32 i = 0; i < w->nevents; i++) {
        u64 state[MAX_WORDS];
        memcpy(state, w->events[i].state, sizeof state);
        if (w->events[i].used) repack(e, before, state, w->events[i].state, 1);
    }
    free(w->successors), w->successors = 0, w->capsteps = 0;
}

/* Give every component the bits that its numbers need, and move all states to the new form. 0: no room for them. */
i32 explorer_widen(Engine *e) {
    int needed = !e->words;
    for (u32 c = 0; c < e->components; c++) needed |= e->component[c].values.n > 1ull << e->component[c].bits;
    if (!needed) return 1;
    Engine before = *e;
    before.component = malloc(e->components * sizeof(Component));
    memcpy(before.component, e->component, e->components * sizeof(Component));
    u32 word = 0, used = 0;
    for (u32 c = 0; c < e->components; c++) {
        Component *k = e->component + c;
        u32 bits = 0;
        while (1ull << bits < k->values.n) bits++;
        bits += e->slack + !bits;
        if (used + bits > e->word_bits) word++, used = 0;
        k->word = word, k->shift = used, k->bits = bits, k->mask = (1ull << bits) - 1;
        used += bits;
    }
    e->words = word + 1;
    if (e->words > MAX_WORDS) {
        e->words = before.words;
        memcpy(e->component, before.component, e->components * sizeof(Component));
        free(before.component);
        return 0;
    }
    for (u32 t = 0; t < e->threads && before.words; t++) repack_worker(e, &before, e->worker + t);
    free(before.component);
    u32 bits = 0;
    while (1ull << bits < e->table_mask + 1) bits++;
    return explorer_table(e, bits);
}
