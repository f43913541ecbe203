/* Patches and what they make of component values, and misses; all of it changes only between rounds, in one thread. */
#include "memo.h"

static u64 hash_patch(u32 component, const i32 *pairs, u32 n) { return mix(hash_row(pairs, 2 * n), component); }

/* `component << 24 | number` of a patch; all ones if there are too many. */
u32 explorer_patch(Engine *e, u32 component, const i32 *pairs, u32 n) {
    u64 i = hash_patch(component, pairs, n) & e->patch_mask;
    for (u32 s; (s = e->patch_slots[i]); i = (i + 1) & e->patch_mask)
        if (e->patch_of[s - 1] == component && e->patch_len[s - 1] == n && !memcmp(e->pairs + e->patch_at[s - 1], pairs, n * 8ull))
            return component << 24 | (s - 1);
    if (e->npatches == 1 << 24) return UINT32_MAX;
    if (e->npatches == e->cappatches) {
        e->cappatches = 2 * e->cappatches + 64;
        e->patch_at = resize(e->patch_at, e->cappatches * 4ull);
        e->patch_len = resize(e->patch_len, e->cappatches * 4ull);
        e->patch_of = resize(e->patch_of, e->cappatches * 4ull);
    }
    if (e->npairs + 2 * n > e->cappairs) e->pairs = resize(e->pairs, (e->cappairs = 2 * (e->npairs + 2 * n) + 64) * 4);
    u32 p = e->npatches++;
    e->patch_at[p] = (u32)e->npairs, e->patch_len[p] = n, e->patch_of[p] = component;
    memcpy(e->pairs + e->npairs, pairs, n * 8ull);
    e->npairs += 2 * n;
    e->patch_slots[i] = p + 1;
    if (e->npatches * 2ull > e->patch_mask) {
        e->patch_mask = 2 * e->patch_mask + 1;
        free(e->patch_slots);
        e->patch_slots = calloc(e->patch_mask + 1, 4);
        for (u32 k = 0; k < e->npatches; k++) {
            u64 j = hash_patch(e->patch_of[k], e->pairs + e->patch_at[k], e->patch_len[k]) & e->patch_mask;
            while (e->patch_slots[j]) j = (j + 1) & e->patch_mask;
            e->patch_slots[j] = k + 1;
        }
    }
    return component << 24 | p;
}

/* ---- what patches make of component values
 *
 * Per component value there is a small table of its own, so that all that is looked up for a state is in few lines of memory: patch + 1
 * below, the value that it makes above. Place 0 of all of it stays free, for values without a table. */
static inline u32 made_place(u32 patch, u32 bits) { return patch * 0x9e3779b1u >> (32 - bits); }

/* The value's record says where its table is and of how many bits. Returns the entry, 0 if there is none. */
static inline u64 made_by(const u64 *made, const u32 *record, u32 made_at, u32 patch) {
    const u32 bits = record[made_at + 1], mask = (1u << bits) - 1;
    const u64 *table = made + record[made_at];
    for (u32 i = bits ? made_place(patch, bits) : 0;; i = (i + 1) & mask) {
        u64 x = table[i];
        if (!x || (u32)x == patch + 1) return x;
    }
}

static void made_put(u64 *table, u32 bits, u64 entry) {
    u32 mask = (1u << bits) - 1, i = made_place((u32)entry - 1, bits);
    while (table[i]) i = (i + 1) & mask;
    table[i] = entry;
}

/* Note what a patch makes of a value; 0 if there is no room in numbers of 32 bits. */
static int made_insert(Engine *e, u32 *record, u32 patch, u32 to) {
    const u32 at = 2 * e->mask_words, bits = record[at + 1];
    u32 used = 0;
    for (u32 i = 0; bits && i < 1u << bits; i++) used += e->made[record[at] + i] != 0;
    if (!bits || (used + 1) * 8 > 7u << bits) {
        u32 more = bits ? bits + 1 : MADE_BITS;
        if (e->made_end + (1ull << more) > UINT32_MAX) return 0;
        if (e->made_end + (1ull << more) > e->made_cap) {
            u64 cap = 2 * (e->made_end + (1ull << more));
            e->made = resize_lines(e->made, e->made_end * 8, cap * 8);
            memset(e->made + e->made_end, 0, (cap - e->made_end) * 8);
            e->made_cap = cap;
        }
        for (u32 i = 0; bits && i < 1u << bits; i++)
            if (e->made[record[at] + i]) made_put(e->made + e->made_end, more, e->made[record[at] + i]);
        record[at] = (u32)e->made_end, record[at + 1] = more;
        e->made_end += 1ull << more;
    }
    made_put(e->made + record[at], record[at + 1], (u64)to << 32 | (patch + 1));
    e->made_n++;
    return 1;
}

static u32 sort_width; /* only used between rounds, by one thread */
static int compare_rows(const void *a, const void *b) {
    const i32 *x = a, *y = b;
    for (u32 i = 0; i < sort_width; i++)
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* The misses of all threads, each once, sorted. */
static Rows *gather(Engine *e, int patches) {
    Rows *all = patches ? &e->worker[0].patch_misses : &e->worker[0].key_misses;
    for (u32 t = 0; !patches && t < e->threads; t++) memset(e->worker[t].noted, 0, 2 * NOTED * 8);
    for (u32 t = 1; t < e->threads; t++) {
        Rows *r = patches ? &e->worker[t].patch_misses : &e->worker[t].key_misses;
        for (u32 i = 0; i < r->n; i++) rows_intern(all, r->rows + (u64)i * r->width);
        rows_clear(r);
    }
    sort_width = all->width;
    qsort(all->rows, all->n, all->width * sizeof(i32), compare_rows);
    return all;
}

const i32 *explorer_misses(Engine *e, i32 *n) {
    Rows *all = gather(e, 0);
    *n = (i32)all->n;
    return all->rows;
}

/* Apply the missing patches (the other misses have been filled in); 0 if there are too many. */
i32 explorer_apply(Engine *e) {
    Rows *all = gather(e, 1);
    for (u32 i = 0; i < all->n; i++) {
        u32 c = all->rows[3 * i], patch = all->rows[3 * i + 1], from = all->rows[3 * i + 2];
        Component *k = e->component + c;
        i32 row[k->width];
        memcpy(row, k->values.rows + (u64)from * k->width, k->width * sizeof(i32));
        const i32 *pairs = e->pairs + e->patch_at[patch];
        for (u32 j = 0; j < e->patch_len[patch]; j++) row[pairs[2 * j]] = pairs[2 * j + 1];
        u32 to = rows_intern(&k->values, row);
        if (!made_insert(e, k->record + (u64)from * k->stride, patch, to)) return 0;
    }
    rows_clear(all);
    rows_clear(&e->worker[0].key_misses);
    return 1;
}
