/* What a round leaves for later: events, misses, and what waits for these to be filled in. */
#include "symmetry.h"

/* Whether a move of a state is before the one that an event has: the least state counts, then the least group and move. */
static int precedes(const Engine *e, const u64 *state, u32 group, u32 move, const Event *x) {
    if (memcmp(state, x->state, 8 * e->words)) return less(state, x->state, e->words);
    return group != (u32)x->key[0] ? group < (u32)x->key[0] : move < x->move;
}

static void event(const Engine *e, Worker *w, u32 number, const u64 *state, u32 group, const u32 *record_of[], u32 move) {
    if (e->collecting && e->mode == CHECK) collect(e, w, number, state);
    if (number >= w->nevents) {
        w->events = resize(w->events, e->events * sizeof(Event));
        memset(w->events + w->nevents, 0, (e->events - w->nevents) * sizeof(Event));
        w->nevents = e->events;
    }
    Event *x = w->events + number;
    if (x->used && !precedes(e, state, group, move, x)) return;
    if (!x->key) x->key = malloc((1 + e->max_views) * 4);
    x->used = 1, x->move = move;
    memcpy(x->state, state, 8 * e->words);
    const Group *g = e->group + group;
    x->key[0] = group;
    for (u32 v = 0; v < g->views; v++) x->key[1 + v] = record_of[g->view[v].component][g->view[v].slot];
}

/* Note a memo key that is missing. Many states of a level miss the same: what was noted last is known by its key. */
static __attribute__((noinline)) void missed(const Engine *e, Worker *w, u32 group, const u64 *key, const u32 K, const u32 *record_of[]) {
    u64 *noted = w->noted + (memo_place(~0ull, key, K) & (NOTED - 1)) * 2;
    if (noted[0] == key[0] && (K == 1 || noted[1] == key[1])) return;
    noted[0] = key[0];
    if (K == 2) noted[1] = key[1];
    i32 miss[1 + e->max_views];
    const Group *g = e->group + group;
    memset(miss, 0, sizeof miss);
    miss[0] = group;
    for (u32 v = 0; v < g->views; v++) miss[1 + v] = record_of[g->view[v].component][g->view[v].slot];
    rows_intern(&w->key_misses, miss);
}

/* A group of the block's state `q` waits. */
static inline void put_off(const Engine *e, Worker *w, u32 q, u32 group) {
    w->waiting[q * (e->mask_words + 1) + group / 64] |= 1ull << group % 64;
}

/* The block's state `q` is taken again, for the groups that wait; the steps of the others count with those of now. */
static void postpone(const Engine *e, Worker *w, const u64 *s, u32 q) {
    const u32 rest = e->mask_words + 1;
    if (w->npostponed == w->cappostponed) {
        w->cappostponed = 2 * w->cappostponed + 1024;
        w->postponed = resize(w->postponed, w->cappostponed * 8 * e->words);
        w->postponed_rest = resize(w->postponed_rest, w->cappostponed * 8 * rest);
    }
    memcpy(w->postponed + w->npostponed * e->words, s, 8 * e->words);
    memcpy(w->postponed_rest + w->npostponed++ * rest, w->waiting + q * rest, 8 * rest);
}
