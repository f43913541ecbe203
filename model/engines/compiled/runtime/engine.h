/* The tables of one search, how they are built, and how states are packed. */
#include "rows.h"

enum { BLOCK = 64, CHUNK_BITS = 16, CHUNKS = 1 << 16, MAX_WORDS = 8, MAX_THREADS = 64 };
enum { EXPLORE = 0, FIND = 1, CHECK = 2, EDGES = 3, LEADS = 4 };
enum { DEGREES = 64 }; /* out-degrees are counted up to one less, the last counts all higher ones */
enum { FLAG_CUT = 1, FLAG_EVENT = 2, FLAG_VERDICT = 4 };
#define SHORT (1ull << 63) /* in the value of a memo row, see memo.h */
#define MOVES 0xffffffull
enum { NOTED = 1 << 10 };
enum { MADE_BITS = 3 }; /* of a component value's first table, see patches.h */
enum { ENTRY = 1, PATCH = 2, FATAL = 4 }; /* what is missing for a state of a block, or that it violates */

/* A projection of a component's values to some of their places. */
typedef struct {
    u32 component, width, known; /* `known`: how many values have their alive bits */
    u32 *places;
    Rows values;
    u64 *alive; /* per value: bit per group, 0 where the group cannot do anything when it sees this */
    u64 *uses;  /* bit per group: the groups that look through this projection */
} Projection;

/* A component: its values, where its number is in a state, and per value a record: alive bits, place and bits of its table of what
 * patches make of it, projected values. */
typedef struct {
    u32 word, shift, bits, stride;
    u64 mask;
    u32 *record;
    u32 width, projections, first, ready; /* `ready`: how many values have complete records */
    Rows values;
    u64 cap;
} Component;

/* What a group looks at. A memo key is the group's number + 1 and, shifted into one or two words, the projected values. */
typedef struct {
    u32 component, slot; /* slot: where the projected value's number is in the component's record */
    u32 projection, word, shift, bits;
} View;

typedef struct {
    u32 views;
    View *view;
} Group;

/* The least state for which something happened, with the memo key as a miss would give it and the move's place in the entry. */
typedef struct {
    u64 state[MAX_WORDS];
    u32 move, used;
    i32 *key;
} Event;

typedef struct { u32 state, group; u64 at, key[2]; } Item;

/* A step, see edges.h: states (first in a block, then by their numbers), and a word in the code. */
typedef struct { u32 from, to, at; } Edge;

/* What one thread works with. */
typedef struct {
    u64 **chunks, n; /* the states that this thread found */
    u64 *postponed, *postponed_rest, npostponed, cappostponed; /* the rest: groups that wait, and steps taken already */
    u64 *waiting; /* the same for each state of a block */
    u8 missing[BLOCK];
    Rows key_misses, patch_misses;
    u64 *noted; /* keys of misses that were noted last, two words each */
    u64 *generated, *cut;
    u64 total, deadlocks;
    Event *events;
    u32 nevents;
    u32 *numbers;
    const u32 **records;
    Item *items;
    u64 *hashes, *successors;
    uint16_t *steps;
    u32 *cuts;
    u64 nsuccessors, nsteps, ncuts, capsteps;
    u64 orbits, degrees[DEGREES];
    u32 *ties;
    u64 *collected, ncollected, capcollected; /* states, each followed by an event's number */
    Edge *steps_taken, *edges;
    u64 nsteps_taken, capsteps_taken, nedges, capedges;
    char padding[64];
} Worker;

typedef struct {
    u32 components, groups, actions, threads, words, mask_words, max_views, word_bits, projections, slack;
    Component *component;
    Projection *projection;
    Group *group;
    /* the memo: rows of [key..., offset << 24 | moves], or of [key..., SHORT | move] */
    u32 key_words;
    u64 memo_mask, memo_n, *memo;
    int explicit; /* no row's value is SHORT */
    /* moves: [action << 16 | writes << 8 | flags, event if FLAG_EVENT, component << 24 | patch ...]. Before them comes
     * a verdict on the state (FLAG_VERDICT, then its event), after them [action << 16 | times << 8 | FLAG_CUT] for cut steps */
    u32 *code;
    u64 ncode, capcode;
    /* patches: place/value pairs */
    u32 npatches, cappatches, *patch_at, *patch_len, *patch_of, *patch_slots;
    u64 patch_mask;
    i32 *pairs;
    u64 npairs, cappairs;
    /* what patches make of component values, see patches.h */
    u64 *made, made_end, made_cap, made_n;
    /* visited */
    u64 *table, table_mask, count, limit;
    u32 table_shift;
    int fingerprints;
    /* numbers of states, for edges.h: per place in the index a state's number + 1 */
    u32 *index, index_shift;
    u64 index_mask, first[MAX_THREADS];
    /* this round: parts of states, one per thread, taken in pieces */
    u64 part_to[MAX_THREADS], cursor[MAX_THREADS], *pool[MAX_THREADS], *pool_rest[MAX_THREADS];
    int from_pool, mode;
    u64 target[MAX_WORDS], *wanted;
    u32 events;
    /* several violations, see several.h: fatal events, whether to collect states, and the states that LEADS looks for */
    u8 *fatal;
    u32 nfatal, collecting, *target_at, *target_number;
    u64 *targets, target_mask;
    /* symmetry, see symmetry.h: per permutation and component which one it becomes, and what each value becomes */
    u32 permutations, *becomes, **images;
    Worker *worker;
} Engine;

/* Where the projected values begin in a record; before them come the place and the bits of the value's table, see patches.h. */
static inline u32 seen_at(const Engine *e) { return 2 * e->mask_words + 2; }

static inline u64 *state_at(const Engine *e, u32 thread, u64 i) {
    return e->worker[thread].chunks[i >> CHUNK_BITS] + (i & ((1u << CHUNK_BITS) - 1)) * e->words;
}

static inline u32 number_in(const Component *c, const u64 *s) { return (u32)(s[c->word] >> c->shift & c->mask); }

static inline int less(const u64 *a, const u64 *b, u32 words) {
    for (u32 w = 0; w < words; w++)
        if (a[w] != b[w]) return a[w] < b[w];
    return 0;
}

static inline u64 hash_state(const u64 *s, const u32 words) {
    u64 h = mix(s[0], 0x589965cc75374cc3ull);
    for (u32 w = 1; w < words; w++) h = mix(h, s[w]);
    return h;
}

static void pack(const Engine *e, const u32 *numbers, u64 *s) {
    memset(s, 0, 8 * e->words);
    for (u32 c = 0; c < e->components; c++) s[e->component[c].word] |= (u64)numbers[c] << e->component[c].shift;
}

static void repack(const Engine *e, const Engine *before, const u64 *states, u64 *into, u64 n) {
    u32 numbers[256];
    for (u64 i = 0; i < n; i++) {
        for (u32 c = 0; c < e->components; c++) numbers[c] = number_in(before->component + c, states + i * before->words);
        pack(e, numbers, into + i * e->words);
    }
}

/* ---- building: `cfg` is components, groups, actions, threads, word bits, slack, fingerprints; per component its width and projections, each
 * with its width and places; per group its views as (component, projection) pairs */
Engine *explorer_new(const i32 *cfg) {
    Engine *e = calloc(1, sizeof *e);
    e->components = *cfg++, e->groups = *cfg++, e->actions = *cfg++, e->threads = *cfg++;
    e->word_bits = *cfg++, e->slack = *cfg++, e->fingerprints = *cfg++;
    u32 mw = e->mask_words = (e->groups + 63) / 64;
    e->component = calloc(e->components, sizeof(Component));
    for (u32 c = 0; c < e->components; c++) {
        Component *k = e->component + c;
        k->width = *cfg++, k->projections = *cfg++, k->first = e->projections;
        k->stride = (2 * mw + 2 + k->projections + 1) & ~1u;
        rows_init(&k->values, k->width);
        e->projections += k->projections;
        e->projection = resize(e->projection, e->projections * sizeof(Projection));
        for (u32 p = 0; p < k->projections; p++) {
            Projection *q = e->projection + k->first + p;
            memset(q, 0, sizeof *q);
            q->component = c, q->width = *cfg++;
            q->places = calloc(q->width, sizeof(u32));
            for (u32 i = 0; i < q->width; i++) q->places[i] = *cfg++;
            rows_init(&q->values, q->width);
            q->uses = calloc(mw, 8);
        }
    }
    e->group = calloc(e->groups, sizeof(Group));
    for (u32 g = 0; g < e->groups; g++) {
        Group *x = e->group + g;
        x->views = *cfg++;
        x->view = calloc(x->views + 1, sizeof(View));
        if (x->views > e->max_views) e->max_views = x->views;
        for (u32 v = 0; v < x->views; v++) {
            View *y = x->view + v;
            y->component = *cfg++, y->slot = seen_at(e) + *cfg;
            y->projection = e->component[y->component].first + *cfg++;
            e->projection[y->projection].uses[g / 64] |= 1ull << g % 64;
        }
    }
    e->patch_mask = 63, e->patch_slots = calloc(64, 4);
    e->made_end = 1 << MADE_BITS, e->made_cap = 1 << 12;
    e->made = resize_lines(0, 0, e->made_cap * 8), memset(e->made, 0, e->made_cap * 8);
    e->wanted = calloc(mw + 1, 8);
    e->events = 1; /* number 0 is the predecessor that FIND looks for */
    e->worker = aligned_alloc(64, (sizeof(Worker) * e->threads + 63) & ~63ull);
    memset(e->worker, 0, sizeof(Worker) * e->threads);
    for (u32 t = 0; t < e->threads; t++) {
        Worker *w = e->worker + t;
        w->chunks = map(CHUNKS * sizeof *w->chunks);
        rows_init(&w->key_misses, 1 + e->max_views);
        rows_init(&w->patch_misses, 3);
        w->generated = calloc(e->actions, 8), w->cut = calloc(e->actions, 8);
        w->numbers = calloc(BLOCK * e->components + 1, 4), w->records = calloc(BLOCK * e->components + 1, sizeof(void *));
        w->noted = calloc(2 * NOTED, 8);
        w->waiting = calloc(BLOCK * (mw + 1ull), 8);
        w->items = calloc((u64)BLOCK * e->groups + 1, sizeof(Item));
    }
    return e;
}

static void drop_chunks(Worker *w, u32 words) {
    for (u64 i = 0; i < CHUNKS && w->chunks[i]; i++) munmap(w->chunks[i], (1ull << CHUNK_BITS) * 8 * words), w->chunks[i] = 0;
}

void explorer_free(Engine *e) {
    for (u32 t = 0; t < e->threads; t++) {
        Worker *w = e->worker + t;
        drop_chunks(w, e->words);
        munmap(w->chunks, CHUNKS * sizeof *w->chunks);
        rows_free(&w->key_misses), rows_free(&w->patch_misses);
        for (u32 i = 0; i < w->nevents; i++) free(w->events[i].key);
        free(w->events), free(w->generated), free(w->cut), free(w->numbers), free(w->records), free(w->items);
        free(w->hashes), free(w->successors), free(w->steps), free(w->cuts);
        free(w->postponed), free(w->postponed_rest), free(w->waiting), free(w->noted), free(e->pool[t]), free(e->pool_rest[t]), free(w->steps_taken), free(w->edges), free(w->collected), free(w->ties);
    }
    for (u32 c = 0; c < e->components; c++) rows_free(&e->component[c].values), free(e->component[c].record);
    for (u32 p = 0; p < e->projections; p++) {
        rows_free(&e->projection[p].values);
        free(e->projection[p].places), free(e->projection[p].alive), free(e->projection[p].uses);
    }
    for (u32 g = 0; g < e->groups; g++) free(e->group[g].view);
    free(e->component), free(e->projection), free(e->group), free(e->memo), free(e->code), free(e->patch_at);
    for (u32 i = 0; i < e->permutations * e->components; i++) free(e->images[i]);
    free(e->images), free(e->becomes), free(e->fatal), free(e->target_at), free(e->target_number), free(e->targets);
    free(e->patch_len), free(e->patch_of), free(e->patch_slots), free(e->pairs), free(e->made), free(e->wanted), free(e->worker);
    if (e->table) munmap(e->table, (e->table_mask + 1) * 8);
    if (e->index) munmap(e->index, (e->index_mask + 1) * 4);
    free(e);
}
