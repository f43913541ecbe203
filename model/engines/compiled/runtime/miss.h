/* What the generated evaluators of misses share: contents of slots, what a step does to them, and how a move is noted.
 *
 * A generated file defines WIDTH (places of basic values), SLOTS, NGROUPS and NPROJECTIONS, includes this, and ends with the tables
 * GROUPS and ALIVE. It decides nothing in doubtful cases: whatever the reading in Python would report as an error is left to that reading (ASK).
 */
#include "rows.h"

enum { DISABLED = 0, STEP = 1, CUT = 2, ASK = 3, EVENT = 4 };
enum { UNREAD = INT32_MIN, ARENA = 1 << 20 };

/* The messages of a slot, sorted: `n` of them, `size` integers in all. */
typedef struct { u32 n, size; i32 at[]; } Content;

/* Basic values, UNREAD where they are not known, and contents of slots, 0 where they are not known. */
typedef struct {
    i32 v[WIDTH + 1];
    const Content *c[SLOTS + 1];
} State;

typedef struct {
    void *engine;
    const i32 *(*row)(void *, i32 component, i32 projection, i32 value);
    i32 (*patch)(void *, i32 component, const i32 *pairs, i32 n);
    void (*put)(void *, const i32 *miss, u32 moves, const u32 *code, u32 n);
} Host;

typedef struct {
    Host host;
    State before, after;
    Content **contents; /* by number; 0 is the empty one */
    u32 ncontents, capcontents, mask, *slots;
    u64 *events; /* table of names, mask, number */
    u32 nevents;
    u64 wanted[2]; /* the event that has no number yet */
    u32 *code, ncode, capcode, moves;
    u32 *cuts, ncuts, capcuts; /* action, times */
    i32 *pairs;
    u64 used;
    char *arena;
} Evaluator;

static const Content EMPTY;

static inline Content *fresh(Evaluator *e, u64 size) {
    u64 bytes = (sizeof(Content) + size * sizeof(i32) + 7) & ~7ull;
    if (e->used + bytes > ARENA) return 0;
    Content *made = (Content *)(e->arena + e->used);
    e->used += bytes;
    return made;
}

static inline int compared(const i32 *a, const i32 *b, u32 width) {
    for (u32 i = 0; i < width; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static inline int same(const Content *a, const Content *b) {
    return a == b || (a && b && a->n == b->n && a->size == b->size && !memcmp(a->at, b->at, a->size * sizeof(i32)));
}

static inline int has(const Content *c, const i32 *message, u32 width) {
    for (u32 i = 0; i < c->n; i++)
        if (!compared(c->at + i * width, message, width)) return 1;
    return 0;
}

/* Whether message `i` is the first of its equals: in a bag there may be several. */
static inline int first(const Content *c, u32 i, u32 width) { return !i || compared(c->at + (i - 1) * width, c->at + i * width, width); }

/* With a message more, in its place; where `keys` is not 0, without those that have the same values at the key's places. */
static const Content *inserted(Evaluator *e, const Content *c, const i32 *message, u32 width, const u32 *key, u32 keys) {
    Content *made = fresh(e, c->size + width);
    if (!made) return 0;
    u32 n = 0, done = 0;
    for (u32 i = 0; i < c->n; i++) {
        const i32 *x = c->at + i * width;
        u32 equal = 0;
        while (equal < keys && x[key[equal]] == message[key[equal]]) equal++;
        if (keys && equal == keys) continue;
        if (!done && compared(message, x, width) < 0) memcpy(made->at + n++ * width, message, width * sizeof(i32)), done = 1;
        memcpy(made->at + n++ * width, x, width * sizeof(i32));
    }
    if (!done) memcpy(made->at + n++ * width, message, width * sizeof(i32));
    made->n = n, made->size = n * width;
    return made;
}

static const Content *removed(Evaluator *e, const Content *c, const i32 *message, u32 width) {
    Content *made = fresh(e, c->size);
    if (!made) return 0;
    u32 n = 0, done = 0;
    for (u32 i = 0; i < c->n; i++) {
        if (!done && !compared(c->at + i * width, message, width)) done = 1;
        else memcpy(made->at + n++ * width, c->at + i * width, width * sizeof(i32));
    }
    made->n = n, made->size = n * width;
    return done ? made : 0;
}

/* ---- numbers of contents, in the order in which they are met */
static u64 hash_content(const Content *c) { return mix(hash_row(c->at, c->size), c->n); }

static u32 number_of(Evaluator *e, const Content *c) {
    if (!c->n) return 0;
    u32 i = (u32)hash_content(c) & e->mask;
    for (u32 s; (s = e->slots[i]); i = (i + 1) & e->mask)
        if (same(e->contents[s], c)) return s;
    if (e->ncontents == e->capcontents) {
        e->capcontents *= 2;
        e->contents = resize(e->contents, e->capcontents * sizeof *e->contents);
    }
    u64 bytes = sizeof(Content) + c->size * sizeof(i32);
    memcpy(e->contents[e->ncontents] = resize(0, bytes), c, bytes);
    e->slots[i] = e->ncontents++;
    if (e->ncontents * 2ull > e->mask) {
        e->mask = 2 * e->mask + 1;
        free(e->slots);
        e->slots = calloc(e->mask + 1ull, sizeof(u32));
        for (u32 k = 1; k < e->ncontents; k++) {
            u32 j = (u32)hash_content(e->contents[k]) & e->mask;
            while (e->slots[j]) j = (j + 1) & e->mask;
            e->slots[j] = k;
        }
    }
    return e->ncontents - 1;
}

/* ---- noting what a group does: the code of a memo entry, see engine.h */
static inline void say(Evaluator *e, u32 word) {
    if (e->ncode == e->capcode) e->code = resize(e->code, (e->capcode = 2 * e->capcode + 256) * sizeof(u32));
    e->code[e->ncode++] = word;
}

static int event_number(Evaluator *e, u32 table, u64 mask, u32 *number) {
    for (u32 i = 0; i < e->nevents; i++)
        if (e->events[3 * i] == table && e->events[3 * i + 1] == mask) return *number = (u32)e->events[3 * i + 2], 1;
    e->wanted[0] = table, e->wanted[1] = mask;
    return 0;
}

/* An entry begins with the verdict on the state, whose number is looked up at the end, as Python does. */
static void begin(Evaluator *e, u64 decided) {
    if (decided) say(e, 4), say(e, 0), e->moves++;
}

static int end(Evaluator *e, u32 table, u64 decided) {
    u32 number;
    if (!decided) return STEP;
    if (!event_number(e, table, decided, &number)) return EVENT;
    e->code[1] = number;
    return STEP;
}

static void cut(Evaluator *e, u32 action) {
    for (u32 i = 0; i < e->ncuts; i++)
        if (e->cuts[2 * i] == action) {
            e->cuts[2 * i + 1]++;
            return;
        }
    if (e->ncuts == e->capcuts) e->cuts = resize(e->cuts, (e->capcuts = 2 * e->capcuts + 16) * 2 * sizeof(u32));
    e->cuts[2 * e->ncuts] = action, e->cuts[2 * e->ncuts++ + 1] = 1;
}

/* A step from `before` to `after`. `writes`: number of components, then of each its number, how many places, (place, place in it). */
static int moved(Evaluator *e, u32 action, u32 table, u64 mask, const i32 *writes) {
    u32 at = e->ncode, event = 0, patches = 0;
    if (mask && !event_number(e, table, mask, &event)) return EVENT;
    say(e, 0);
    if (event) say(e, event);
    for (i32 components = *writes++; components; components--) {
        i32 component = *writes++, n = 0;
        for (i32 k = *writes++; k; k--, writes += 2) {
            i32 place = writes[0], value;
            if (place < WIDTH) {
                if (e->before.v[place] == (value = e->after.v[place])) continue;
            } else {
                const Content *c = e->after.c[place - WIDTH];
                if (same(e->before.c[place - WIDTH], c)) continue;
                value = (i32)number_of(e, c);
            }
            e->pairs[2 * n] = writes[1], e->pairs[2 * n++ + 1] = value;
        }
        if (!n) continue;
        u32 patch = (u32)e->host.patch(e->host.engine, component, e->pairs, n);
        if (patch == UINT32_MAX) return ASK;
        say(e, patch), patches++;
    }
    e->code[at] = action << 16 | patches << 8 | (event ? 2 : 0);
    e->moves++;
    return STEP;
}

/* What one component shows of itself: the places of a projection and the values there. */
static void show(Evaluator *e, State *s, const i32 *places, i32 n, const i32 *row) {
    for (i32 i = 0; i < n; i++) {
        if (places[i] < WIDTH) s->v[places[i]] = row[i];
        else s->c[places[i] - WIDTH] = row[i] ? e->contents[row[i]] : &EMPTY;
    }
}

static void blank(State *s) {
    for (u32 i = 0; i < WIDTH; i++) s->v[i] = UNREAD;
    for (u32 i = 0; i < SLOTS; i++) s->c[i] = 0;
}

typedef struct { i32 component, projection, n; const i32 *places; } Seen;
typedef struct { i32 views; const Seen *const *view; int (*run)(Evaluator *); } GroupCode;
typedef struct { const Seen *seen; void (*run)(const State *, u64 *mask); } AliveCode;

static const GroupCode GROUPS[NGROUPS + 1];
static const AliveCode ALIVE[NPROJECTIONS + 1];

/* ---- what Python calls */
Evaluator *misses_new(const Host *host) {
    Evaluator *e = calloc(1, sizeof *e);
    e->host = *host;
    e->contents = resize(0, (e->capcontents = 64) * sizeof *e->contents);
    e->contents[e->ncontents++] = 0;
    e->slots = calloc((e->mask = 127) + 1, sizeof(u32));
    e->pairs = resize(0, (WIDTH + SLOTS + 1) * 2 * sizeof(i32));
    e->arena = resize(0, ARENA);
    blank(&e->before);
    return e;
}

void misses_free(Evaluator *e) {
    for (u32 i = 1; i < e->ncontents; i++) free(e->contents[i]);
    free(e->contents), free(e->slots), free(e->events), free(e->code), free(e->cuts), free(e->pairs), free(e->arena), free(e);
}

/* Number a content that Python has met: [messages, integers, integers...]. */
i32 misses_content(Evaluator *e, const i32 *content) { return (i32)number_of(e, (const Content *)content); }

const i32 *misses_contents(const Evaluator *e, i32 number) { return (const i32 *)e->contents[number]; }

i32 misses_known(const Evaluator *e) { return (i32)e->ncontents; }

void misses_event(Evaluator *e, u64 table, u64 mask, u64 number) {
    e->events = resize(e->events, (e->nevents + 1ull) * 3 * sizeof(u64));
    u64 *x = e->events + 3 * e->nevents++;
    x[0] = table, x[1] = mask, x[2] = number;
}

void misses_wanted(const Evaluator *e, u64 *out) { memcpy(out, e->wanted, sizeof e->wanted); }

/* Evaluate keys [from, to), `width` apart, until one of them needs Python; `*why` says what for. Returns how far it came. */
i32 misses_fill(Evaluator *e, const i32 *keys, i32 width, i32 from, i32 to, i32 *why) {
    for (; from < to; from++) {
        const i32 *key = keys + (u64)from * width;
        const GroupCode *g = GROUPS + key[0];
        for (i32 v = 0; v < g->views; v++) {
            const Seen *y = g->view[v];
            show(e, &e->before, y->places, y->n, e->host.row(e->host.engine, y->component, y->projection, key[1 + v]));
        }
        e->ncode = e->moves = e->ncuts = 0;
        int done = g->run(e);
        for (i32 v = 0; v < g->views; v++)
            for (i32 i = 0; i < g->view[v]->n; i++) {
                i32 place = g->view[v]->places[i];
                if (place < WIDTH) e->before.v[place] = UNREAD;
                else e->before.c[place - WIDTH] = 0;
            }
        if (done != STEP) return *why = done, from;
        for (u32 i = 0; i < e->ncuts; i++)
            for (u32 left = e->cuts[2 * i + 1], most; left; left -= most) { /* at the end, each with how often it counts */
                most = left < 255 ? left : 255;
                say(e, e->cuts[2 * i] << 16 | most << 8 | 1);
                e->moves++;
            }
        e->host.put(e->host.engine, key, e->moves, e->code, e->ncode);
    }
    return from;
}

/* The alive bits of `n` rows of a projection, `words` for each, as for explorer_set_alive. */
void misses_alive(Evaluator *e, i32 projection, const i32 *rows, i32 n, i32 words, u64 *masks) {
    const AliveCode *a = ALIVE + projection;
    State s;
    blank(&s);
    for (i32 i = 0; i < n; i++) {
        show(e, &s, a->seen->places, a->seen->n, rows + (u64)i * a->seen->n);
        memset(masks + (u64)i * words, 0, words * sizeof(u64));
        a->run(&s, masks + (u64)i * words);
    }
}
