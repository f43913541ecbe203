/* One round: a block of states at a time, so that what is accessed at random has been prefetched.
 *
 * Nothing but the visited set and what belongs to one thread changes in a round. The compiler cannot know that, and would load the
 * places of tables anew after each store: so they are kept in locals. W words per state and K words per memo key are constants. */
#include "later.h"

#define INLINE static inline __attribute__((always_inline))

static void reserve(Worker *w, u64 steps, u32 words) {
    if (steps <= w->capsteps) return;
    w->capsteps = 2 * steps + 4096;
    w->hashes = resize(w->hashes, w->capsteps * 8);
    w->successors = resize(w->successors, w->capsteps * 8 * words);
    w->steps = resize(w->steps, w->capsteps * 2), w->cuts = resize(w->cuts, w->capsteps * 4);
    w->ties = resize(w->ties, w->capsteps * 4);
}

/* 1. The records of the components, and the groups that are alive for all of them; returns how many items that makes. */
INLINE u64 select_groups(const Engine *e, Worker *w, const u64 *states, const u64 *rest, u32 n, const u32 W, const u32 K) {
    const u32 C = e->components, mw = e->mask_words;
    const u64 *const memo = e->memo, memo_mask = e->memo_mask;
    const Group *const groups = e->group;
    Item *const items = w->items;
    u64 nitems = 0;

    for (u32 c = 0; c < C; c++) {
        const Component *k = e->component + c;
        const u32 word = k->word, shift = k->shift, stride = k->stride, *base = k->record;
        const u64 mask = k->mask;
        for (u32 q = 0; q < n; q++) {
            u32 number = (u32)(states[q * W + word] >> shift & mask);
            w->numbers[q * C + c] = number;
            w->records[q * C + c] = base + (u64)number * stride;
            __builtin_prefetch(w->records[q * C + c]);
            if (stride > 16) __builtin_prefetch(w->records[q * C + c] + 16);
        }
    }
    const u64 *const made = e->made;
    for (u32 q = 0; q < n; q++) {
        const u32 **record_of = w->records + q * C;
        for (u32 c = 0; c < C; c++) __builtin_prefetch(made + record_of[c][2 * mw]);
        for (u32 m = 0; m < mw; m++) {
            u64 bits = e->wanted[m];
            if (rest) bits &= rest[q * (mw + 1) + m];
            for (u32 c = 0; c < C; c++) bits &= ((const u64 *)record_of[c])[m];
            for (; bits; bits &= bits - 1) {
                u32 g = m * 64 + __builtin_ctzll(bits);
                const Group *group = groups + g;
                Item *x = items + nitems++;
                u64 key[2] = {g + 1, 0};
                for (const View *y = group->view, *end = y + group->views; y < end; y++)
                    key[K == 1 ? 0 : y->word] |= (u64)record_of[y->component][y->slot] << y->shift;
                x->state = q, x->group = g, x->key[0] = key[0];
                if (K == 2) x->key[1] = key[1];
                x->at = memo_place(memo_mask, key, K);
                __builtin_prefetch(memo + x->at * (K + 1));
            }
        }
    }
    return nitems;
}

/* 2. Their memo entries; returns how many of the items have any moves or a verdict, and how many moves these have. */
INLINE u64 look_up(const Engine *e, Worker *w, u64 nitems, u64 *moves, const u32 K) {
    const u64 *const memo = e->memo, memo_mask = e->memo_mask;
    const u32 *const code = e->code;
    Item *const items = w->items;
    u64 kept = 0;

    for (u64 i = 0; i < nitems; i++) {
        Item x = items[i];
        const u64 *row = memo + x.at * (K + 1);
        while (row[0] != x.key[0] || (K == 2 && row[1] != x.key[1])) {
            if (!row[0]) break;
            x.at = (x.at + 1) & memo_mask;
            row = memo + x.at * (K + 1);
        }
        u64 value = row[K];
        if (__builtin_expect(!row[0], 0)) {
            missed(e, w, x.group, items[i].key, K, w->records + x.state * e->components);
            put_off(e, w, x.state, x.group);
            w->missing[x.state] |= ENTRY;
        } else if (value & (SHORT | MOVES)) {
            if (!(value & SHORT)) {
                __builtin_prefetch(code + (value >> 24));
                __builtin_prefetch(code + (value >> 24) + 16);
            }
            x.at = value;
            items[kept++] = x;
            *moves += value & SHORT ? 1 : value & MOVES;
        }
    }
    return kept;
}

/* Note the verdicts on states; mark those that violate, which have no successors if several violations are looked for. */
INLINE void verdicts(const Engine *e, Worker *w, const u64 *states, u64 kept, const u32 W) {
    for (u64 i = 0; i < kept; i++) {
        const Item *x = w->items + i;
        if (x->at & SHORT) continue;
        const u32 *code = e->code + (x->at >> 24);
        if (*code != FLAG_VERDICT) continue;
        if (e->mode == EXPLORE || e->mode == CHECK)
            event(e, w, code[1], states + x->state * W, x->group, w->records + x->state * e->components, 0);
        if (e->mode != CHECK && is_fatal(e, code[1])) w->missing[x->state] |= FATAL;
    }
}

/* Whether nothing of a state is done: it is known or not known yet whether it violates. */
static inline int held(const Engine *e, const Worker *w, u32 q) {
    return w->missing[q] & FATAL || (e->nfatal && w->missing[q] & ENTRY);
}

/* What is done with a step's successor, which is in the block's list, beside the visited set. */
INLINE void lead(const Engine *e, Worker *w, const u64 *s, const Item *x, u32 move, u32 action, u32 at_word, const u32 W) {
    const u64 last = w->nsuccessors - 1, h = w->hashes[last], *to = w->successors + last * W;
    const u32 **records = w->records + x->state * e->components;
    if (e->mode == EDGES) {
        step_taken(w, x->state, at_word, (u32)last);
        __builtin_prefetch(e->index + (h >> e->index_shift));
    } else if (e->mode == LEADS) {
        u32 number = target_of(e, to, h);
        if (number != NOWHERE) event(e, w, number * e->actions + action, s, x->group, records, move);
    } else if (e->mode == FIND && !memcmp(to, e->target, 8 * W)) event(e, w, 0, s, x->group, records, move);
}

/* 3. The successors of one item. If any patch is missing all of it waits: what was made is taken back. */
INLINE void step(const Engine *e, Worker *w, const u64 *s, const Item *x, const u32 W) {
    const u64 *const made = e->made;
    const u32 *const start = e->code, C = e->components, made_at = 2 * e->mask_words;
    const Component *const components = e->component;
    const int mode = e->mode;
    const u32 q = x->state, in_short[2] = {x->at >> 32 & INT32_MAX, (u32)x->at};
    const u32 *code = x->at & SHORT ? in_short : start + (x->at >> 24), *numbers = w->numbers + q * C, **records = w->records + q * C;
    const u64 steps = w->nsteps, cuts = w->ncuts, successors = w->nsuccessors, taken = w->nsteps_taken;
    u32 count = x->at & SHORT ? 1 : x->at & MOVES;
    int lacking = 0;

    if (*code == FLAG_VERDICT) code += 2, count--;
    for (u32 m = 0; m < count; m++) {
        const u32 at_word = (u32)(code - start), head = *code++; /* the word counts in mode EDGES, where no entry is short */
        u64 to[MAX_WORDS], changed = 0;
        int doomed = 0;
        if (__builtin_expect(head & (FLAG_EVENT | FLAG_CUT), 0)) {
            if (head & FLAG_CUT) {
                w->cuts[w->ncuts++] = head >> 8;
                if (mode == EDGES) step_taken(w, q, at_word, NOWHERE);
                continue;
            }
            u32 number = *code++;
            if (mode == EXPLORE) event(e, w, number, s, x->group, records, m);
            doomed = is_fatal(e, number);
        }
        for (u32 k = 0; k < W; k++) to[k] = s[k];
        for (u32 writes = head >> 8 & 255; writes; writes--, code++) {
            const u32 c = *code >> 24, patch = *code & 0xffffff;
            u64 found = made_by(made, records[c], made_at, patch);
            if (__builtin_expect(!found, 0)) {
                i32 miss[3] = {(i32)c, (i32)patch, (i32)numbers[c]};
                rows_intern(&w->patch_misses, miss);
                lacking = 1;
                continue;
            }
            const Component *k = components + c;
            u64 difference = (found >> 32 ^ numbers[c]) << k->shift;
            to[W == 1 ? 0 : k->word] ^= difference;
            changed |= difference;
        }
        w->steps[w->nsteps++] = head >> 16;
        if (!changed || doomed || lacking) continue; /* back to the same state, or not gone on from */
        if (e->permutations) w->ties[w->nsuccessors] = least_image(e, to);
        u64 h = hash_state(to, W);
        for (u32 k = 0; k < W; k++) w->successors[w->nsuccessors * W + k] = to[k];
        w->hashes[w->nsuccessors++] = h;
        if (mode == EXPLORE) __builtin_prefetch(e->table + (h >> e->table_shift), 1);
        else lead(e, w, s, x, m, head >> 16, at_word, W);
    }
    if (__builtin_expect(lacking, 0)) {
        w->nsteps = steps, w->ncuts = cuts, w->nsuccessors = successors, w->nsteps_taken = taken;
        put_off(e, w, q, x->group);
        w->missing[q] |= PATCH;
    }
}

/* A state's items are done, but for those that wait. */
INLINE void taken(Engine *e, Worker *w, const u64 *s, u32 q, u64 degree) {
    const u32 mw = e->mask_words;
    u64 *waiting = w->waiting + q * (mw + 1);
    if (__builtin_expect(w->missing[q] & (ENTRY | PATCH), 0)) {
        if (held(e, w, q)) memset(waiting, 255, 8 * mw);
        waiting[mw] = degree;
        postpone(e, w, s, q);
    } else if (e->mode == EXPLORE && !w->missing[q]) {
        w->degrees[degree < DEGREES ? degree : DEGREES - 1]++;
        w->deadlocks += !degree;
    }
}

/* `rest`: for states that were postponed, what waits. */
INLINE void block(Engine *e, Worker *w, u32 me, const u64 *states, const u64 *rest, u32 n, const u32 W, const u32 K) {
    const u32 mw = e->mask_words;
    u64 moves = 0;

    memset(w->missing, 0, n), memset(w->waiting, 0, 8ull * n * (mw + 1));
    const u64 nitems = select_groups(e, w, states, rest, n, W, K), kept = look_up(e, w, nitems, &moves, K);
    reserve(w, moves, W);
    verdicts(e, w, states, kept, W);

    const Item *x = w->items, *const end = x + kept;
    for (u32 q = 0; q < n; q++) {
        const u64 *s = states + q * W, steps = w->nsteps;
        for (; x < end && x->state == q; x++)
            if (e->mode != CHECK && !held(e, w, q)) step(e, w, s, x, W);
        taken(e, w, s, q, w->nsteps - steps + (rest ? rest[q * (mw + 1) + mw] : 0));
    }

    /* 4. The visited set, or the edges. */
    if (e->mode == EXPLORE) {
        for (u64 k = 0; k < w->nsuccessors; k++) {
            int new = visit(e, w, me, w->successors + k * W, w->hashes[k], W);
            if (e->permutations && new) w->orbits += e->permutations / w->ties[k];
        }
        for (u64 k = 0; k < w->nsteps; k++) w->generated[w->steps[k]]++;
        for (u64 k = 0; k < w->ncuts; k++) w->cut[w->cuts[k] >> 8] += w->cuts[k] & 255;
        w->total += w->nsteps;
    } else if (e->mode == EDGES) note_edges(e, w, states, n, W);
    w->nsuccessors = w->nsteps = w->ncuts = 0;
}

static void any_block(Engine *e, Worker *w, u32 me, const u64 *states, const u64 *rest, u32 n) {
    if (e->key_words == 1) switch (e->words) {
        case 1: block(e, w, me, states, rest, n, 1, 1); break;
        case 2: block(e, w, me, states, rest, n, 2, 1); break;
        default: block(e, w, me, states, rest, n, e->words, 1);
    }
    else block(e, w, me, states, rest, n, e->words, 2);
}
