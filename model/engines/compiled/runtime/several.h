/* More than one violation: states that violate are not gone on from; all of them can be listed, and which actions lead to them. */
#include "edges.h"

/* Events below `n` with a flag are fatal: the search does not go on from such states, nor by such steps. */
void explorer_fatal(Engine *e, const u8 *flags, i32 n) {
    e->fatal = resize(e->fatal, n), e->nfatal = n;
    memcpy(e->fatal, flags, n);
}

static inline int is_fatal(const Engine *e, u32 number) { return number < e->nfatal && e->fatal[number]; }

/* Whether rounds in mode CHECK keep every state for which an event happens. */
void explorer_collect(Engine *e, i32 on) {
    e->collecting = on;
    for (u32 t = 0; t < e->threads; t++) e->worker[t].ncollected = 0;
}

static void collect(const Engine *e, Worker *w, u32 number, const u64 *s) {
    u32 row = e->words + 1;
    if (w->ncollected == w->capcollected)
        w->collected = resize(w->collected, (w->capcollected = 2 * w->capcollected + 256) * 8 * row);
    memcpy(w->collected + w->ncollected * row, s, 8 * e->words);
    w->collected[w->ncollected++ * row + e->words] = number;
}

/* How many were kept, and (with `into`) what: per state its words and the event's number. */
u64 explorer_collected(const Engine *e, u64 *into) {
    u64 n = 0, row = e->words + 1;
    for (u32 t = 0; t < e->threads; t++) {
        const Worker *w = e->worker + t;
        if (into && w->ncollected) memcpy(into + n * row, w->collected, w->ncollected * 8 * row);
        n += w->ncollected;
    }
    return n;
}

/* The states to which LEADS looks for steps: rows as `explorer_collected` gives them. A step to one with number k is event
 * k * actions + action; with numbers below `numbers`. */
void explorer_targets(Engine *e, const u64 *rows, u64 n, i32 numbers) {
    u64 bits = 4, W = e->words;
    while (1ull << bits < 2 * n) bits++;
    e->target_mask = (1ull << bits) - 1;
    free(e->target_at);
    e->target_at = calloc(1ull << bits, 4);
    e->target_number = resize(e->target_number, n * 4), e->targets = resize(e->targets, n * 8 * W);
    for (u64 i = 0; i < n; i++) {
        const u64 *s = rows + i * (W + 1);
        u64 at = hash_state(s, e->words) & e->target_mask;
        while (e->target_at[at]) at = (at + 1) & e->target_mask;
        e->target_at[at] = (u32)i + 1, e->target_number[i] = (u32)s[W];
        memcpy(e->targets + i * W, s, 8 * W);
    }
    if ((u32)numbers * e->actions > e->events) e->events = numbers * e->actions;
}

/* The number of a target, or NOWHERE. */
static u32 target_of(const Engine *e, const u64 *s, u64 h) {
    for (u64 at = h & e->target_mask; e->target_at[at]; at = (at + 1) & e->target_mask)
        if (!memcmp(e->targets + (e->target_at[at] - 1ull) * e->words, s, 8 * e->words)) return e->target_number[e->target_at[at] - 1];
    return NOWHERE;
}
