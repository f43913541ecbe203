"""Which strongly connected parts of a graph carry a fair run: weak and strong fairness, all components at once, on arrays."""

import numpy as np
from numpy.typing import NDArray

from model.engines.liveness.graph import OUTSIDE, UNFAIR, Flags, Ints, OwingGraph, components

NO_COMPONENT = -1


def fair_components(graph: OwingGraph, among: Flags | None = None) -> Ints:
    """Per state the component of states that a fair run can visit again and again, all of them, or NO_COMPONENT.

    Only states of `among` (default: all) are considered. Every state may be stayed in, so a single state is a component too. The
    components are numbered in no particular order.
    """
    found = np.full(graph.states, NO_COMPONENT, dtype=np.int32)
    open_ = np.ones(graph.states, dtype=np.bool_) if among is None else among.copy()
    numbered = 0
    fair_steps = np.flatnonzero(graph.conditions != UNFAIR)
    while open_.any():
        number, labels = components(graph, open_)
        sizes = np.bincount(labels, minlength=number)
        fair_steps = fair_steps[open_[graph.sources[fair_steps]]]
        unmet, drop = _unmet(graph, labels, sizes, fair_steps, open_)
        fair = open_ & ~unmet[labels]
        if fair.any():
            _, renumbered = np.unique(labels[fair], return_inverse=True)
            found[fair] = renumbered.astype(np.int32) + numbered
            numbered = int(found.max()) + 1
        open_ &= unmet[labels]
        open_ &= ~drop
    return found


def _unmet(
    graph: OwingGraph, labels: Ints, sizes: NDArray[np.int64], fair_steps: NDArray[np.int64], open_: Flags
) -> tuple[Flags, Flags]:
    """Per component whether a condition is not met in it; per state whether no fair run of its component visits it for ever.

    Of a component in which a weak condition is not met those are all its states, of one in which strong conditions are not met the
    states where these are enabled.
    """
    unmet = np.zeros(len(sizes), dtype=np.bool_)
    drop = np.zeros(graph.states, dtype=np.bool_)
    alone = sizes[labels] == 1
    # A state by itself: nothing is taken, so whatever is enabled is not met.
    single = fair_steps[alone[graph.sources[fair_steps]]]
    unmet[labels[graph.sources[single]]] = True
    drop[graph.sources[single]] = True

    steps = fair_steps[~alone[graph.sources[fair_steps]]]
    if not len(steps):
        return unmet, drop
    width = len(graph.strong)
    at = labels[graph.sources[steps]].astype(np.int64) * width + graph.conditions[steps]
    enabled_at = np.sort(graph.sources[steps].astype(np.int64) * width + graph.conditions[steps])
    enabled_at = enabled_at[np.append(True, enabled_at[1:] != enabled_at[:-1])]  # np.unique is slower on large arrays
    pairs, enabled_in = np.unique(
        labels[enabled_at // width].astype(np.int64) * width + enabled_at % width, return_counts=True
    )
    targets = graph.targets[steps]
    within = targets != OUTSIDE
    within[within] = open_[targets[within]] & (labels[targets[within]] == labels[graph.sources[steps[within]]])
    taken = np.isin(pairs, at[within])
    strong = graph.strong[pairs % width]
    component = pairs // width
    weak_unmet = ~taken & ~strong & (enabled_in == sizes[component])
    strong_unmet = ~taken & strong
    unmet[component[weak_unmet | strong_unmet]] = True

    hopeless = np.zeros(len(sizes), dtype=np.bool_)
    hopeless[component[weak_unmet]] = True
    drop |= hopeless[labels] & ~alone
    drop[graph.sources[steps[np.isin(at, pairs[strong_unmet])]]] = True
    return unmet, drop
