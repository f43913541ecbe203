/* The steps between the states that were found, for whoever needs the graph and not only its states: one round in mode EDGES. */
#include "visited.h"

enum { NOWHERE = 0xffffffffu };

/* Number the states of all threads, the first thread's first; 0 if there is no memory for the index or there are too many. */
i32 explorer_index(Engine *e) {
    u64 n = 0, bits = 12;
    for (u32 t = 0; t < e->threads; t++) e->first[t] = n, n += e->worker[t].n;
    if (n >= NOWHERE) return 0;
    spell_out(e);
    while (1ull << bits < 2 * n) bits++;
    if (e->index) munmap(e->index, (e->index_mask + 1) * 4);
    if (!(e->index = map(4ull << bits))) return 0;
    e->index_mask = (1ull << bits) - 1, e->index_shift = 64 - bits;
    for (u32 t = 0; t < e->threads; t++)
        for (u64 i = 0; i < e->worker[t].n; i++) {
            u64 at = hash_state(state_at(e, t, i), e->words) >> e->index_shift;
            while (e->index[at]) at = (at + 1) & e->index_mask;
            e->index[at] = (u32)(e->first[t] + i + 1);
        }
    return 1;
}

static u32 number_of(const Engine *e, const u64 *s, u64 h, const u32 W) {
    for (u64 at = h >> e->index_shift; e->index[at]; at = (at + 1) & e->index_mask) {
        u32 n = e->index[at] - 1, t = e->threads - 1;
        while (e->first[t] > n) t--;
        if (!memcmp(state_at(e, t, n - e->first[t]), s, 8 * W)) return n;
    }
    return NOWHERE; /* every successor of a state within bounds was found */
}

/* A step of a block's state `from`: its word in the code, and the place of its successor in the block's list (NOWHERE: it is cut). */
static void step_taken(Worker *w, u32 from, u32 at, u32 to) {
    if (w->nsteps_taken == w->capsteps_taken)
        w->steps_taken = resize(w->steps_taken, (w->capsteps_taken = 2 * w->capsteps_taken + 4096) * sizeof(Edge));
    w->steps_taken[w->nsteps_taken++] = (Edge){from, to, at};
}

/* The block's steps with the numbers of their states. */
static void note_edges(const Engine *e, Worker *w, const u64 *states, u32 n, const u32 W) {
    u32 from[BLOCK];
    for (u32 q = 0; q < n; q++) from[q] = number_of(e, states + q * W, hash_state(states + q * W, W), W);
    if (w->nedges + w->nsteps_taken > w->capedges)
        w->edges = resize(w->edges, (w->capedges = 2 * (w->nedges + w->nsteps_taken)) * sizeof(Edge));
    for (u64 i = 0; i < w->nsteps_taken; i++) {
        Edge x = w->steps_taken[i];
        u32 to = x.to == NOWHERE ? NOWHERE : number_of(e, w->successors + x.to * W, w->hashes[x.to], W);
        w->edges[w->nedges++] = (Edge){from[x.from], to, x.at};
    }
    w->nsteps_taken = 0;
}

/* How many steps were noted since they were last taken away. */
u64 explorer_edges(const Engine *e) {
    u64 n = 0;
    for (u32 t = 0; t < e->threads; t++) n += e->worker[t].nedges;
    return n;
}

/* Take them away: per step the numbers of its states and its word in the code. */
void explorer_take_edges(Engine *e, u32 *edges) {
    for (u32 t = 0; t < e->threads; t++) {
        Worker *w = e->worker + t;
        if (w->nedges) memcpy(edges, w->edges, w->nedges * sizeof(Edge));
        edges += 3 * w->nedges, w->nedges = 0;
    }
}

/* What words in the code stand for, for all memo entries: per entry with moves its key as a miss would give it, and per move its word,
 * the entry, and its number among those that are not cut, or -1 - action for cut steps of an action. Counts only where `keys` is 0. */
void explorer_moves(const Engine *e, i32 *keys, i32 *moves, u64 *entries, u64 *words) {
    u32 K = e->key_words, group_bits = 1;
    *entries = *words = 0;
    while (1ull << group_bits < e->groups + 2ull) group_bits++;
    for (u64 j = 0; e->memo && j <= e->memo_mask; j++) {
        const u64 *row = e->memo + j * (K + 1);
        u64 left = row[K] & MOVES;
        if (!row[0] || !left) continue;
        if (keys) {
            i32 *key = keys + *entries * (1 + e->max_views);
            const Group *g = e->group + (key[0] = (i32)(row[0] & ((1ull << group_bits) - 1)) - 1);
            for (u32 v = 0; v < g->views; v++)
                key[1 + v] = (i32)(row[g->view[v].word] >> g->view[v].shift & ((1ull << g->view[v].bits) - 1));
        }
        const u32 *code = e->code + (row[K] >> 24);
        if (*code == FLAG_VERDICT) code += 2, left--;
        for (i32 m = 0; left; left--) {
            u32 head = *code;
            if (keys) {
                i32 *out = moves + 3 * *words;
                out[0] = (i32)(code - e->code), out[1] = (i32)*entries;
                out[2] = head & FLAG_CUT ? -1 - (i32)(head >> 16) : m;
            }
            m++, ++*words;
            code += head & FLAG_CUT ? 1 : 1 + (head >> 8 & 255) + (head & FLAG_EVENT ? 1 : 0);
        }
        ++*entries;
    }
}
