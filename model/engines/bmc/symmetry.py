"""Nodes have no names of their own: of all runs that differ in the names of nodes, one is enough.

The nodes that actions take as parameters are, in the order of their first use, n1, n2, ...: a run from a state in which all nodes are
alike can be renamed so, and no property tells nodes apart, since the language has no words for it.
"""

from collections.abc import Sequence
from typing import Any

import z3

from model.engines.bmc.moves import Move
from model.engines.formulas import Formulas, Vectors
from model.language.graph import Term
from model.language.sorts import Bool, Node


class InOrder:
    """The constraint, step by step. `used[k]` says that node k has been a parameter before this moment."""

    def __init__(self, vectors: Vectors, nodes: int) -> None:
        self.vectors = vectors
        self.used: list[Any] = [vectors.truth(False) for _ in range(nodes)]

    def step(self, moves: Sequence[Move], flags: Sequence[Any], formulas: Formulas, number: int) -> list[Any]:
        """That this step uses no node before its turn; what was used is remembered for the next one."""
        found: list[Any] = []
        now: list[list[Any]] = [[used] for used in self.used]
        for move, flag in zip(moves, flags, strict=True):
            before = [list[Any]([used]) for used in self.used]
            for parameter in _nodes(move):
                value = formulas.formula(parameter)
                for k in range(1, len(self.used)):
                    found.append(z3.Implies(z3.And(flag, value == k), z3.Or(*before[k - 1])))
                for k in range(len(self.used)):
                    before[k].append(value == k)
                    now[k].append(z3.And(flag, value == k))
        after = [self.vectors.variable(f"used{k}@{number}", Bool) for k in range(len(self.used))]
        found += [variable == z3.Or(*reasons) for variable, reasons in zip(after, now, strict=True)]
        self.used = after
        return found


def _nodes(move: Move) -> list[Term]:
    """The parameters of a move that are nodes, in order."""
    pairs = zip(move.action.action.parameters, move.parameters, strict=True)
    return [owned[0] for p, owned in pairs if p.sort is Node]


__all__ = ["InOrder"]
