/* The explorer's inner loops. Nothing here knows a spec: what it is about comes in as tables.
 *
 * A state is some words of packed component numbers. For a block of states at a time, a round
 *   1. selects the groups that are alive for all of a state's components (one bit mask per component value),
 *   2. looks up the memo of each such group under the projections of its components: a list of moves, or a verdict,
 *   3. makes the successors: each move's patches make other values of components, (patch, component number) -> component number,
 *   4. inserts these into the visited set, which holds full states.
 * Where the memo or a patch is missing for a group, the state is postponed for that group. Between rounds (in one thread) the missing
 * entries are made, in sorted order, so that no number depends on how threads ran. During a round only the visited set and what
 * belongs to one thread change.
 *
 * rows.h: interning; engine.h: the tables; memo.h: groups; patches.h: patches and misses; visited.h: states; edges.h: steps between
 * states; several.h: more than one violation; symmetry.h: states up to the names of nodes; later.h: what waits for misses; round.h: the
 * loops above; disk.h: levels that do not fit into memory.
 */
#include "disk.h"

/* Work on this round until it is done (1), or until `most` states were taken or the visited set is full (0). */
i32 explorer_run(Engine *e, i32 me, u64 most) {
    Worker *w = e->worker + me;
    u64 taken = 0, pad[BLOCK * MAX_WORDS];
    for (u32 k = 0; k < e->threads; k++) {
        u32 part = (me + k) % e->threads;
        for (;;) {
            if (taken >= most || __atomic_load_n(&e->count, __ATOMIC_RELAXED) > e->limit) return 0;
            u64 from = __atomic_fetch_add(e->cursor + part, BLOCK, __ATOMIC_RELAXED), to = e->part_to[part], before = w->n;
            if (from >= to) break;
            u32 n = to - from < BLOCK ? to - from : BLOCK;
            const u64 *states, *rest = 0;
            if (e->from_pool) {
                states = e->pool[part] + from * e->words;
                if (e->pool_rest[part]) rest = e->pool_rest[part] + from * (e->mask_words + 1);
            }
            else if ((from >> CHUNK_BITS) == ((from + n - 1) >> CHUNK_BITS)) states = state_at(e, part, from);
            else {
                for (u32 q = 0; q < n; q++) memcpy(pad + q * e->words, state_at(e, part, from + q), 8 * e->words);
                states = pad;
            }
            any_block(e, w, me, states, rest, n);
            if (w->n != before) __atomic_fetch_add(&e->count, w->n - before, __ATOMIC_RELAXED);
            taken += n;
        }
    }
    return 1;
}

/* A round over the states [from, to) of each thread. */
void explorer_level(Engine *e, const u64 *from, const u64 *to, i32 mode) {
    for (u32 t = 0; t < e->threads; t++) {
        e->cursor[t] = from[t], e->part_to[t] = to[t];
        for (u32 i = 0; i < e->worker[t].nevents; i++) e->worker[t].events[i].used = 0;
    }
    e->from_pool = 0, e->mode = mode;
}

/* A round over the states that were postponed; returns their number. */
u64 explorer_again(Engine *e) {
    u64 n = 0;
    for (u32 t = 0; t < e->threads; t++) {
        Worker *w = e->worker + t;
        free(e->pool[t]), free(e->pool_rest[t]);
        e->pool[t] = w->postponed, e->pool_rest[t] = w->postponed_rest, e->cursor[t] = 0, e->part_to[t] = w->npostponed;
        n += w->npostponed;
        w->postponed = w->postponed_rest = 0, w->npostponed = w->cappostponed = 0;
    }
    e->from_pool = 1;
    return n;
}

/* ---- what Python asks and says */
void explorer_add(Engine *e, i32 thread, const u32 *numbers) {
    u64 s[MAX_WORDS];
    pack(e, numbers, s);
    u32 ties = e->permutations ? least_image(e, s) : 0;
    int new = visit(e, e->worker + thread, thread, s, hash_state(s, e->words), e->words);
    if (new && ties) e->worker[thread].orbits += e->permutations / ties;
    e->count += new;
}

/* States [from, from + n) of a thread as component numbers, and back. */
void explorer_dump(const Engine *e, i32 thread, u64 from, u64 n, u32 *numbers) {
    for (u64 i = 0; i < n; i++)
        for (u32 c = 0; c < e->components; c++) *numbers++ = number_in(e->component + c, state_at(e, thread, from + i));
}

void explorer_load(Engine *e, u64 n, const u32 *numbers) {
    for (u64 i = 0; i < n; i++) explorer_add(e, 0, numbers + i * e->components);
}

void explorer_numbers(const Engine *e, const u64 *state, u32 *numbers) {
    for (u32 c = 0; c < e->components; c++) numbers[c] = number_in(e->component + c, state);
}

void explorer_target(Engine *e, const u64 *state) { memcpy(e->target, state, 8 * e->words); }

void explorer_want(Engine *e, const u64 *mask) { memcpy(e->wanted, mask, 8 * e->mask_words); }

const i32 *explorer_row(const Engine *e, i32 component, i32 value) {
    return e->component[component].values.rows + (u64)value * e->component[component].width;
}

i32 explorer_words(const Engine *e) { return (i32)e->words; }

/* The least state for which an event happened in this level (over all threads); 0 if it did not happen. */
i32 explorer_event(const Engine *e, i32 number, u64 *state, i32 *key, i32 *move) {
    const Event *best = 0;
    for (u32 t = 0; t < e->threads; t++) {
        const Worker *w = e->worker + t;
        if ((u32)number < w->nevents && w->events[number].used)
            if (!best || less(w->events[number].state, best->state, e->words)) best = w->events + number;
    }
    if (!best) return 0;
    memcpy(state, best->state, 8 * e->words);
    memcpy(key, best->key, (1 + e->group[best->key[0]].views) * 4);
    *move = (i32)best->move;
    return 1;
}

enum { COUNTERS = 8 };

/* [states in the visited set, words, deadlocks, steps, bytes of all but states and visited set, memo entries, patches, made], then steps
 * per action, then cut steps per action, then values per component. */
void explorer_stats(const Engine *e, u64 *out) {
    u64 tables = e->made_cap * 8 + e->capcode * 4;
    u64 *generated = out + COUNTERS, *cut = generated + e->actions, *values = cut + e->actions;
    memset(out, 0, (COUNTERS + 2 * e->actions) * 8);
    for (u32 t = 0; t < e->threads; t++) {
        const Worker *w = e->worker + t;
        out[2] += w->deadlocks, out[3] += w->total;
        for (u32 a = 0; a < e->actions; a++) generated[a] += w->generated[a], cut[a] += w->cut[a];
    }
    for (u32 c = 0; c < e->components; c++) {
        const Component *k = e->component + c;
        tables += k->values.cap * 4ull * k->width + k->cap * 4ull * k->stride;
        values[c] = k->values.n;
    }
    for (u32 p = 0; p < e->projections; p++)
        tables += e->projection[p].values.cap * (4ull * e->projection[p].width + 8ull * e->mask_words);
    if (e->memo) tables += (e->memo_mask + 1) * 8 * (e->key_words + 1);
    out[0] = e->count, out[1] = e->words, out[4] = tables;
    out[5] = e->memo_n, out[6] = e->npatches, out[7] = e->made_n;
}

/* Per number of steps how many states have so many. */
void explorer_degrees(const Engine *e, u64 *out) {
    memset(out, 0, DEGREES * 8);
    for (u32 t = 0; t < e->threads; t++)
        for (u32 d = 0; d < DEGREES; d++) out[d] += e->worker[t].degrees[d];
}

/* Count on from what a checkpoint says. */
void explorer_restore(Engine *e, u64 deadlocks, u64 total, const u64 *generated, const u64 *cut, const u64 *degrees) {
    Worker *w = e->worker;
    w->deadlocks = deadlocks, w->total = total;
    memcpy(w->generated, generated, e->actions * 8), memcpy(w->cut, cut, e->actions * 8);
    memcpy(w->degrees, degrees, DEGREES * 8);
}
