/* One round: a block of states at a time, so that what is accessed at random has been prefetched. */
#include "symmetry.h"

static void event(const Engine *e, Worker *w, u32 number, const u64 *state, u32 group, const u32 *record_of[], u32 move) {
    if (e->collecting && e->mode == CHECK) collect(e, w, number, state);
    if (number >= w->nevents) {
        w->events = resize(w->events, e->events * sizeof(Event));
        memset(w->events + w->nevents, 0, (e->events - w->nevents) * sizeof(Event));
        w->nevents = e->events;
    }
    Event *x = w->events + number;
    if (x->used && !less(state, x->state, e->words)) return;
    if (!x->key) x->key = malloc((1 + e->max_views) * 4);
    x->used = 1, x->move = move;
    memcpy(x->state, state, 8 * e->words);
    const Group *g = e->group + group;
    x->key[0] = group;
    for (u32 v = 0; v < g->views; v++) x->key[1 + v] = record_of[g->view[v].component][g->view[v].slot];
}

static void missed(const Engine *e, Worker *w, u32 group, const u32 *record_of[]) {
    i32 miss[1 + e->max_views];
    const Group *g = e->group + group;
    memset(miss, 0, sizeof miss);
    miss[0] = group;
    for (u32 v = 0; v < g->views; v++) miss[1 + v] = record_of[g->view[v].component][g->view[v].slot];
    rows_intern(&w->key_misses, miss);
}

static void postpone(const Engine *e, Worker *w, const u64 *s) {
    if (w->npostponed == w->cappostponed) {
        w->cappostponed = 2 * w->cappostponed + 1024;
        w->postponed = resize(w->postponed, w->cappostponed * 8 * e->words);
    }
    memcpy(w->postponed + w->npostponed++ * e->words, s, 8 * e->words);
}

static void reserve(Worker *w, u64 steps, u32 words) {
    if (steps <= w->capsteps) return;
    w->capsteps = 2 * steps + 4096;
    w->hashes = resize(w->hashes, w->capsteps * 8);
    w->successors = resize(w->successors, w->capsteps * 8 * words);
    w->steps = resize(w->steps, w->capsteps * 2), w->cuts = resize(w->cuts, w->capsteps * 4);
    w->ties = resize(w->ties, w->capsteps * 4);
}

/* W words per state and K words per memo key are constants where this is used. */
static inline __attribute__((always_inline)) void block(
    Engine *e, Worker *w, u32 me, const u64 *states, u32 n, const u32 W, const u32 K) {
    const u32 C = e->components, mw = e->mask_words;
    u64 nitems = 0, kept = 0, nwrites = 0, moves = 0;
    u8 missing[BLOCK] = {0};

    /* 1. The records of the components, and the groups that are alive for all of them. */
    for (u32 c = 0; c < C; c++) {
        const Component *k = e->component + c;
        const u32 word = k->word, shift = k->shift, stride = k->stride, *base = k->record;
        const u64 mask = k->mask;
        for (u32 q = 0; q < n; q++) {
            u32 number = (u32)(states[q * W + word] >> shift & mask);
            w->numbers[q * C + c] = number;
            w->records[q * C + c] = base + (u64)number * stride;
            __builtin_prefetch(w->records[q * C + c]);
        }
    }
    for (u32 q = 0; q < n; q++) {
        const u32 **record_of = w->records + q * C;
        for (u32 m = 0; m < mw; m++) {
            u64 bits = e->wanted[m];
            for (u32 c = 0; c < C; c++) bits &= ((const u64 *)record_of[c])[m];
            for (; bits; bits &= bits - 1) {
                u32 g = m * 64 + __builtin_ctzll(bits);
                const Group *group = e->group + g;
                Item *x = w->items + nitems++;
                x->state = q, x->group = g, x->key[0] = g + 1;
                if (K == 2) x->key[1] = 0;
                for (const View *y = group->view, *end = y + group->views; y < end; y++)
                    x->key[K == 1 ? 0 : y->word] |= (u64)record_of[y->component][y->slot] << y->shift;
                x->at = memo_place(e, x->key, K);
                __builtin_prefetch(e->memo + x->at * (K + 1));
            }
        }
    }

    /* 2. Their memo entries. */
    for (u64 i = 0; i < nitems; i++) {
        Item *x = w->items + i;
        const u64 *row = e->memo + x->at * (K + 1);
        while (row[0] != x->key[0] || (K == 2 && row[1] != x->key[1])) {
            if (!row[0]) break;
            x->at = (x->at + 1) & e->memo_mask;
            row = e->memo + x->at * (K + 1);
        }
        u64 value = row[K];
        if (__builtin_expect(!row[0], 0)) {
            missed(e, w, x->group, w->records + x->state * C);
            missing[x->state] = 1;
        } else if (value & 0xffffff) {
            __builtin_prefetch(e->code + (value >> 24));
            __builtin_prefetch(e->code + (value >> 24) + 16);
            w->items[kept] = *x;
            w->items[kept++].at = value;
            moves += value & 0xffffff;
        }
    }
    reserve(w, moves, W);

    /* States that violate have no successors, if several violations are looked for. */
    for (u64 i = 0; e->nfatal && i < kept && e->mode != CHECK; i++) {
        const Item *x = w->items + i;
        const u32 *code = e->code + (x->at >> 24);
        if (*code != FLAG_VERDICT || !is_fatal(e, code[1])) continue;
        if (e->mode == EXPLORE) event(e, w, code[1], states + x->state * W, x->group, w->records + x->state * C, 0);
        missing[x->state] |= 4;
    }

    /* 3. The patches of their moves (unless only verdicts are asked for; then nothing is postponed for lack of patches). */
    for (u64 i = 0; i < kept; i++) {
        const Item *x = w->items + i;
        if (missing[x->state]) continue;
        const u32 *code = e->code + (x->at >> 24), *numbers = w->numbers + x->state * C;
        for (u64 m = x->at & 0xffffff; m; m--) {
            u32 head = *code++, writes = head >> 8 & 255;
            if (head & FLAG_CUT) break;
            code += (head & (FLAG_EVENT | FLAG_VERDICT)) != 0;
            if (__builtin_expect(nwrites + writes > w->capwrites, 0))
                w->writes = resize(w->writes, (w->capwrites = 2 * (nwrites + writes) + 4096) * sizeof(Write));
            for (; writes; writes--, code++) {
                u64 key = made_key(e, *code & 0xffffff, numbers[*code >> 24]), at = made_place(e, key);
                w->writes[nwrites++] = (Write){at, key};
                __builtin_prefetch(e->made + at);
            }
        }
    }

    /* 4. The successors; a state with anything missing is taken back and postponed. */
    const u64 made_mask = (1ull << e->made_bits) - 1;
    const Write *y = w->writes;
    u64 i = 0;
    for (u32 q = 0; q < n; q++) {
        const u64 *s = states + q * W, steps = w->nsteps, cuts = w->ncuts, successors = w->nsuccessors, taken = w->nsteps_taken;
        for (; i < kept && w->items[i].state == q; i++) {
            if (missing[q] & 5) continue;
            const Item *x = w->items + i;
            const u32 *code = e->code + (x->at >> 24);
            u32 count = x->at & 0xffffff, m = 0;
            if (*code == FLAG_VERDICT) {
                if (e->mode == EXPLORE || e->mode == CHECK) event(e, w, code[1], s, x->group, w->records + q * C, 0);
                code += 2, count--;
            }
            for (; m < count; m++) {
                const u32 at_word = (u32)(code - e->code), head = *code++;
                u32 writes = head >> 8 & 255;
                u64 to[MAX_WORDS], changed = 0;
                int doomed = 0;
                if (__builtin_expect(head & (FLAG_EVENT | FLAG_CUT), 0)) {
                    if (head & FLAG_CUT) {
                        w->cuts[w->ncuts++] = head >> 8;
                        if (e->mode == EDGES) step_taken(w, q, at_word, NOWHERE);
                        continue;
                    }
                    u32 number = *code++;
                    if (e->mode == EXPLORE) event(e, w, number, s, x->group, w->records + q * C, m);
                    doomed = is_fatal(e, number);
                }
                for (u32 k = 0; k < W; k++) to[k] = s[k];
                for (; writes; writes--, code++, y++) {
                    u64 at = y->at, made = e->made[at];
                    while (made && (made & ~made_mask) != y->key) at = (at + 1) & e->made_mask, made = e->made[at];
                    if (__builtin_expect(!made, 0)) {
                        i32 miss[3] = {(i32)(*code >> 24), (i32)(*code & 0xffffff), (i32)w->numbers[q * C + (*code >> 24)]};
                        rows_intern(&w->patch_misses, miss);
                        missing[q] |= 2;
                        continue;
                    }
                    const Component *k = e->component + (*code >> 24);
                    u64 difference = (((made & made_mask) - 1) ^ (y->key >> e->made_bits & made_mask)) << k->shift;
                    to[W == 1 ? 0 : k->word] ^= difference;
                    changed |= difference;
                }
                w->steps[w->nsteps++] = head >> 16;
                if (!changed || doomed) continue; /* back to the same state, or not gone on from */
                if (e->permutations) w->ties[w->nsuccessors] = missing[q] ? 0 : least_image(e, to);
                u64 h = hash_state(to, W);
                for (u32 k = 0; k < W; k++) w->successors[w->nsuccessors * W + k] = to[k];
                w->hashes[w->nsuccessors++] = h;
                if (e->mode == EXPLORE) __builtin_prefetch(e->table + (h >> e->table_shift), 1);
                else if (e->mode == EDGES) {
                    step_taken(w, q, at_word, (u32)w->nsuccessors - 1);
                    __builtin_prefetch(e->index + (h >> e->index_shift));
                } else if (e->mode == LEADS) {
                    u32 number = missing[q] ? NOWHERE : target_of(e, to, h);
                    if (number != NOWHERE) event(e, w, number * e->actions + (head >> 16), s, x->group, w->records + q * C, m);
                } else if (!missing[q] && !memcmp(to, e->target, 8 * W)) event(e, w, 0, s, x->group, w->records + q * C, m);
            }
        }
        if (missing[q] & 3) {
            w->nsteps = steps, w->ncuts = cuts, w->nsuccessors = successors, w->nsteps_taken = taken;
            postpone(e, w, s);
        } else if (e->mode == EXPLORE && !missing[q]) {
            u64 degree = w->nsteps - steps;
            w->degrees[degree < DEGREES ? degree : DEGREES - 1]++;
            w->deadlocks += !degree;
        }
    }

    /* 5. The visited set, or the edges. */
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

static void any_block(Engine *e, Worker *w, u32 me, const u64 *states, u32 n) {
    if (e->key_words == 1) switch (e->words) {
        case 1: block(e, w, me, states, n, 1, 1); break;
        case 2: block(e, w, me, states, n, 2, 1); break;
        default: block(e, w, me, states, n, e->words, 1);
    }
    else block(e, w, me, states, n, e->words, 2);
}
