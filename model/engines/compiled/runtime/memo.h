/* Component values and the memo of groups; both change only between rounds, in one thread. */
#include "engine.h"

/* ---- component values */
i32 explorer_intern(Engine *e, i32 component, const i32 *row) { return (i32)rows_intern(&e->component[component].values, row); }

/* Project the new values of all components. Values of projections that are new then are to be given their alive bits. */
void explorer_project(Engine *e) {
    for (u32 c = 0; c < e->components; c++) {
        Component *k = e->component + c;
        if (k->values.n > k->cap) {
            k->cap = k->values.n + k->values.n / 4ull + 16;
            k->record = resize_lines(k->record, k->ready * k->stride * 4ull, k->cap * k->stride * 4);
        }
        i32 *part = malloc((k->width + 1) * sizeof(i32));
        for (u32 v = k->ready; v < k->values.n; v++) {
            const i32 *row = k->values.rows + (u64)v * k->width;
            u32 *seen = k->record + (u64)v * k->stride + seen_at(e);
            seen[-2] = seen[-1] = 0;
            for (u32 p = 0; p < k->projections; p++) {
                Projection *q = e->projection + k->first + p;
                for (u32 i = 0; i < q->width; i++) part[i] = row[q->places[i]];
                seen[p] = rows_intern(&q->values, part);
            }
        }
        free(part);
    }
}

/* Values [*from, *to) of a projection have no alive bits yet. */
const i32 *explorer_unknown(Engine *e, i32 projection, i32 *from, i32 *to) {
    Projection *q = e->projection + projection;
    *from = (i32)q->known, *to = (i32)q->values.n;
    return q->values.rows + (u64)q->known * q->width;
}

/* Alive bits of the values after the known ones, one mask per value; bits of groups that do not use the projection are ignored. */
void explorer_set_alive(Engine *e, i32 projection, const u64 *masks, i32 n) {
    Projection *q = e->projection + projection;
    u32 mw = e->mask_words;
    q->alive = resize(q->alive, (q->known + (u64)n + 1) * mw * 8);
    for (i32 i = 0; i < n; i++)
        for (u32 w = 0; w < mw; w++) q->alive[(u64)(q->known + i) * mw + w] = masks[(u64)i * mw + w] | ~q->uses[w];
    q->known += n;
}

/* ---- the memo */
static inline u64 memo_place(u64 memo_mask, const u64 *key, const u32 K) {
    u64 h = K == 1 ? key[0] * 0x9e3779b97f4a7c15ull : mix(key[0], key[1]);
    return (h ^ h >> 32) & memo_mask;
}

static void memo_key(const Engine *e, const i32 *miss, u64 *key) {
    const Group *g = e->group + miss[0];
    key[0] = miss[0] + 1ull, key[1] = 0;
    for (u32 v = 0; v < g->views; v++) key[g->view[v].word] |= (u64)miss[1 + v] << g->view[v].shift;
    (void)e;
}

static void memo_insert(Engine *e, const u64 *row) {
    u32 K = e->key_words;
    u64 i = memo_place(e->memo_mask, row, K);
    while (e->memo[i * (K + 1)]) i = (i + 1) & e->memo_mask;
    memcpy(e->memo + i * (K + 1), row, (K + 1) * 8);
}

/* Give every view the bits that its projected values need and a share of what is left, and move the memo to the new keys. */
static int memo_layout(Engine *e) {
    u32 group_bits = 1, K = e->key_words ? e->key_words : 1, fits = e->key_words != 0;
    while (1ull << group_bits < e->groups + 2ull) group_bits++;
    for (u32 g = 0; g < e->groups; g++) {
        u32 need = group_bits;
        for (u32 v = 0; v < e->group[g].views; v++) {
            View *y = e->group[g].view + v;
            fits &= e->projection[y->projection].values.n <= 1ull << y->bits;
            u32 bits = 1;
            while (1ull << bits < e->projection[y->projection].values.n) bits++;
            need += bits;
        }
        if (need > 64) K = 2;
        if (need > 100) return 0; /* a word boundary may cost some bits */
    }
    if (fits) return 1;
    Engine before = *e;
    u64 size = e->memo ? e->memo_mask + 1 : 1 << 12;
    Group *old = malloc(e->groups * sizeof(Group) + 1);
    for (u32 g = 0; g < e->groups; g++) {
        old[g] = e->group[g];
        Group *x = e->group + g;
        View *view = malloc((x->views + 1) * sizeof(View));
        memcpy(view, x->view, x->views * sizeof(View));
        u32 left = K * 64 - group_bits - (K == 2 ? 28 : 0), word = 0, at = group_bits;
        for (u32 v = 0; v < x->views; v++) {
            view[v].bits = 1;
            while (1ull << view[v].bits < e->projection[view[v].projection].values.n) view[v].bits++;
            left -= view[v].bits;
        }
        for (u32 v = 0; v < x->views; v++) {
            u32 more = left / x->views;
            view[v].bits = view[v].bits + more < 31 ? view[v].bits + more : 31;
            if (at + view[v].bits > 64) word++, at = 0;
            view[v].word = word, view[v].shift = at, at += view[v].bits;
        }
        x->view = view;
    }
    e->key_words = K, e->memo_mask = size - 1, e->memo = calloc(size * (K + 1), 8);
    for (u64 j = 0; before.memo && j < size; j++) {
        const u64 *row = before.memo + j * (before.key_words + 1);
        if (!row[0]) continue;
        i32 miss[1 + e->max_views];
        u64 key[3];
        miss[0] = (i32)(row[0] & ((1ull << group_bits) - 1)) - 1;
        for (u32 v = 0; v < old[miss[0]].views; v++) {
            const View *y = old[miss[0]].view + v;
            miss[1 + v] = (i32)(row[y->word] >> y->shift & ((1ull << y->bits) - 1));
        }
        memo_key(e, miss, key);
        key[K] = row[before.key_words];
        memo_insert(e, key);
    }
    for (u32 g = 0; g < e->groups; g++) free(old[g].view);
    free(old), free(before.memo);
    return 1;
}

/* Records of the new component values, once their projections have alive bits; 0 if keys do not fit into two words. */
i32 explorer_ready(Engine *e) {
    u32 mw = e->mask_words;
    for (u32 c = 0; c < e->components; c++) {
        Component *k = e->component + c;
        for (; k->ready < k->values.n; k->ready++) {
            u32 *record = k->record + (u64)k->ready * k->stride;
            for (u32 w = 0; w < mw; w++) {
                u64 bits = ~0ull;
                for (u32 p = 0; p < k->projections; p++)
                    bits &= e->projection[k->first + p].alive[(u64)record[seen_at(e) + p] * mw + w];
                memcpy(record + 2 * w, &bits, 8);
            }
        }
    }
    return memo_layout(e);
}

/* The value of a memo row says where the code of the entry begins and how many moves it has. An entry of one short move, as most are,
 * is in the value itself: SHORT, head, patch. */
static u64 append_code(Engine *e, u32 moves, const u32 *code, u32 n) {
    u64 value = e->ncode << 24 | moves;
    if (e->ncode + n > e->capcode) e->code = resize(e->code, (e->capcode = 2 * (e->ncode + n) + 1024) * 4);
    memcpy(e->code + e->ncode, code, n * 4);
    e->ncode += n;
    return value;
}

/* 0 if the entry is not that short. */
static u64 short_form(u32 moves, const u32 *code, u32 n) {
    if (moves != 1 || n > 2 || code[0] & (FLAG_EVENT | FLAG_VERDICT) || code[0] >> 31) return 0;
    return SHORT | (u64)code[0] << 32 | (n == 2 ? code[1] : 0);
}

/* Give all entries code of their own, those to come too: a word in the code then says which move it is. */
static void spell_out(Engine *e) {
    for (u64 j = 0; !e->explicit && e->memo && j <= e->memo_mask; j++) {
        u64 *value = e->memo + j * (e->key_words + 1) + e->key_words;
        u32 code[2] = {(u32)(*value >> 32) & INT32_MAX, (u32)*value};
        if (*value & SHORT) *value = append_code(e, 1, code, code[0] & FLAG_CUT ? 1 : 1 + (code[0] >> 8 & 255));
    }
    e->explicit = 1;
}

static void put(Engine *e, const i32 *miss, u32 moves, const u32 *code, u32 n) {
    u32 K = e->key_words;
    if (e->memo_n * 2 > e->memo_mask) {
        u64 *old = e->memo, size = e->memo_mask + 1;
        e->memo_mask = 2 * size - 1, e->memo = calloc(2 * size * (K + 1), 8);
        for (u64 j = 0; j < size; j++)
            if (old[j * (K + 1)]) memo_insert(e, old + j * (K + 1));
        free(old);
    }
    u64 row[3];
    memo_key(e, miss, row);
    row[K] = e->explicit ? 0 : short_form(moves, code, n);
    if (!row[K]) row[K] = append_code(e, moves, code, n);
    memo_insert(e, row);
    e->memo_n++;
}

/* Fill in misses: per entry [group, projected values..., moves, words of code, code...]. */
void explorer_put(Engine *e, const u32 *entries, i32 n) {
    while (n--) {
        const u32 *rest = entries + 1 + e->group[entries[0]].views;
        put(e, (const i32 *)entries, rest[0], rest + 2, rest[1]);
        entries = rest + 2 + rest[1];
    }
}

/* Event numbers below `n` may happen from now on. */
void explorer_events(Engine *e, i32 n) { e->events = n; }

/* Fill in one. */
void explorer_put_one(Engine *e, const i32 *miss, u32 moves, const u32 *code, u32 n) { put(e, miss, moves, code, n); }

/* The value of a projection, by number. */
const i32 *explorer_seen(const Engine *e, i32 component, i32 projection, i32 value) {
    const Projection *q = e->projection + e->component[component].first + projection;
    return q->values.rows + (u64)value * q->width;
}
