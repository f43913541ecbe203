"""Why "two majorities have a node in common" holds for every number of nodes: the one thing that proofs suppose of quorums.

Sets are split into regions (a node is in each of the sets or not), and only the sizes of regions matter: 2^k non-negative integers for k
sets, and linear arithmetic over them, so that the statement is decided for every number of nodes at once.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import z3


class Sets:
    """Some named sets of nodes by the sizes of their regions."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.regions: Mapping[tuple[bool, ...], Any] = {
            inside: z3.Int("region " + "".join("01"[i] for i in inside))
            for inside in product((False, True), repeat=len(self.names))
        }

    def sizes_are_natural(self) -> Any:
        """That no region has fewer than no nodes."""
        return z3.And(*(size >= 0 for size in self.regions.values()))

    def size(self, *within: str, outside: Sequence[str] = ()) -> Any:
        """How many nodes are in all sets of `within` and in none of `outside`."""
        places = {name: i for i, name in enumerate(self.names)}
        return z3.Sum(
            [
                size
                for inside, size in self.regions.items()
                if all(inside[places[n]] for n in within) and not any(inside[places[n]] for n in outside)
            ]
        )

    def is_majority(self, quorum: str, of: str) -> Any:
        """That one set is a majority of another: part of it, and more than half."""
        return z3.And(self.size(quorum, outside=(of,)) == 0, 2 * self.size(quorum) > self.size(of))


def majorities_intersect(changed: int = 0) -> dict[str, int] | None:
    """Whether any majority of some voters and any majority of others, of whom `changed` are added or removed, have a node in common.

    None if so, for every number of voters; else a smallest counterexample found, as sizes: voters before and after, and the two majorities.
    """
    sets = Sets(("old voters", "new voters", "first", "second"))
    solver = z3.Solver()
    difference = sets.size("old voters", outside=("new voters",)) + sets.size("new voters", outside=("old voters",))
    solver.add(
        sets.sizes_are_natural(),
        difference == changed,
        sets.is_majority("first", of="old voters"),
        sets.is_majority("second", of="new voters"),
        sets.size("first", "second") == 0,
    )
    for nodes in range(2 * changed + 3):
        solver.push()
        solver.add(sets.size("old voters") <= nodes)
        if solver.check() == z3.sat:
            model = solver.model()
            return {name: model.eval(sets.size(name)).as_long() for name in sets.names}
        solver.pop()
    if solver.check() == z3.unsat:
        return None
    model = solver.model()
    return {name: model.eval(sets.size(name)).as_long() for name in sets.names}
