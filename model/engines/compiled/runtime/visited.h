/* The visited set and the packing of states. */
#include "patches.h"

/* What the table holds of a state where it is not (tag, thread, index): the state itself if it is one word, or its fingerprint. */
static inline u64 entry_of(const u64 *s, u64 h, const u32 W) { return W == 1 ? s[0] + 1 : h + !h; }

/* Insert a state; whether it is new. With one word the set holds word + 1 itself, else (tag, thread, index) of a state, or its
 * fingerprint if the user gave up exactness. */
static inline __attribute__((always_inline)) int visit(Engine *e, Worker *w, u32 me, const u64 *s, u64 h, const u32 W) {
    u64 i = h >> e->table_shift, n = w->n;
    const int whole = W == 1 || e->fingerprints;
    if (whole) {
        u64 key = entry_of(s, h, W);
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
    if (!whole) {
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

static inline void place_entry(Engine *e, u64 i, u64 entry) {
    while (e->table[i]) i = (i + 1) & e->table_mask;
    e->table[i] = entry;
}

static int new_table(Engine *e, u32 bits) {
    u64 *table = map(8ull << bits);
    if (!table) return 0;
    e->table = table, e->table_mask = (1ull << bits) - 1, e->table_shift = 64 - bits, e->limit = (1ull << bits) / 8 * 5;
    return 1;
}

/* A new table of 2^bits entries with all states in memory in it; 0 if there is no memory for it. */
static int table_of_states(Engine *e, u32 bits) {
    if (e->table) munmap(e->table, (e->table_mask + 1) * 8), e->table = 0;
    if (!new_table(e, bits)) return 0;
    for (u32 t = 0; t < e->threads; t++)
        for (u64 n = 0; n < e->worker[t].n; n++) {
            const u64 *s = state_at(e, t, n), h = hash_state(s, e->words);
            const int whole = e->words == 1 || e->fingerprints;
            place_entry(e, h >> e->table_shift, whole ? entry_of(s, h, e->words) : ((h & 0xffffff) | 1) << 40 | (u64)t << 32 | n);
        }
    return 1;
}

/* A table of 2^bits entries; 0 if there is no memory for it. Where an entry says its hash, the old table is moved: in the order of
 * hashes, so from its beginning to its end, and what was moved is given back at once. Fingerprints are of all states, also of those
 * on disk, so only that will do. */
i32 explorer_table(Engine *e, i32 bits) {
    if ((!e->fingerprints && e->words != 1) || !e->table) return table_of_states(e, bits);
    const u64 size = e->table_mask + 1, piece = 1 << 21;
    u64 *old = e->table;
    if (!new_table(e, bits)) return 0;
    for (u64 j = 0; j < size; j++) {
        if (old[j]) {
            u64 s = old[j] - 1;
            place_entry(e, (e->words == 1 ? hash_state(&s, 1) : old[j]) >> e->table_shift, old[j]);
        }
        if ((j + 1) % piece == 0 && j + 1 < size) munmap(old + j + 1 - piece, piece * 8);
    }
    const u64 moved = (size - 1) / piece * piece;
    munmap(old + moved, (size - moved) * 8);
    return 1;
}

/* Put states that are on disk into the table, after they were repacked: there must be room for them. */
void explorer_enter(Engine *e, const u64 *rows, u64 n) {
    for (u64 k = 0; k < n; k++, rows += e->words) {
        u64 h = hash_state(rows, e->words);
        place_entry(e, h >> e->table_shift, entry_of(rows, h, e->words));
    }
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
    u64 *postponed = malloc(w->cappostponed * 8 * e->words + 8);
    repack(e, before, w->postponed, postponed, w->npostponed);
    free(w->postponed);
    w->postponed = postponed;
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
    return table_of_states(e, bits);
}
