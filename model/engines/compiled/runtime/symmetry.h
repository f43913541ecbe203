/* Symmetry: of the states that are the same but for the names of the nodes, only the least is kept.
 *
 * A permutation of the nodes maps a component to a component, and each of its values to one of that component's: tables say which.
 * States are compared by their components from the last to the first, an order that does not depend on how many bits these have. */
#include "several.h"

/* Permutation `p` (0 is the identity): per component which it becomes. */
void explorer_permutation(Engine *e, i32 p, const i32 *components) {
    u64 n = p + 1ull;
    if (n > e->permutations) {
        e->becomes = resize(e->becomes, n * e->components * sizeof(u32));
        e->images = resize(e->images, n * e->components * sizeof(u32 *));
        memset(e->images + e->permutations * e->components, 0, (n - e->permutations) * e->components * sizeof(u32 *));
        e->permutations = (u32)n;
    }
    for (u32 c = 0; c < e->components; c++) e->becomes[p * e->components + c] = components[c];
}

/* What permutation `p` makes of values 0 .. n - 1 of a component. */
void explorer_images(Engine *e, i32 p, i32 component, const u32 *images, u64 n) {
    u32 **at = e->images + p * e->components + component;
    *at = resize(*at, n * 4);
    memcpy(*at, images, n * 4);
}

/* Replace a state by the least of its images; returns how many permutations lead there, which is how many leave the state as it is. */
static u32 least_image(const Engine *e, u64 *s) {
    u64 best[MAX_WORDS], image[MAX_WORDS];
    u32 ties = 1, W = e->words, C = e->components, numbers[256];
    for (u32 c = 0; c < C; c++) numbers[c] = number_in(e->component + c, s);
    memcpy(best, s, 8 * W);
    for (u32 p = 1; p < e->permutations; p++) {
        const u32 *becomes = e->becomes + p * C;
        u32 *const *images = e->images + p * C;
        memset(image, 0, 8 * W);
        for (u32 c = 0; c < C; c++) {
            const Component *k = e->component + becomes[c];
            image[k->word] |= (u64)images[c][numbers[c]] << k->shift;
        }
        int order = 0;
        for (u32 w = W; w-- && !order;) order = image[w] < best[w] ? -1 : image[w] > best[w];
        if (order < 0) memcpy(best, image, 8 * W), ties = 1;
        else ties += !order;
    }
    memcpy(s, best, 8 * W);
    return ties;
}

/* How many states there would be without symmetry, of those that were inserted. */
u64 explorer_orbits(const Engine *e) {
    u64 n = 0;
    for (u32 t = 0; t < e->threads; t++) n += e->worker[t].orbits;
    return n;
}
