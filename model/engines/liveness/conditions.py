"""The fairness conditions of a spec, numbered as they are met: one per fair action, or per choice of its arguments."""

from typing import Any

from model.engines.liveness.graph import UNFAIR
from model.language import Spec
from model.language.spec import FAIRNESS


class Conditions:
    """Numbers for fairness conditions. `strong[c]` says whether condition c is strong.

    `fair` are the places of the fair actions in the spec.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        kinds = [FAIRNESS[spec.fairness[a.name]] if a.name in spec.fairness else None for a in spec.actions]
        self._kinds = kinds
        self._numbers: dict[tuple[int, tuple[Any, ...] | None], int] = {}
        self.strong: list[bool] = []
        self.fair = tuple(place for place, kind in enumerate(kinds) if kind is not None)

    def number(self, place: int, args: tuple[Any, ...]) -> int:
        """The condition that a step of the action at this place belongs to, or UNFAIR."""
        kind = self._kinds[place]
        if kind is None:
            return UNFAIR
        strong, each = kind
        key = (place, args if each else None)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.strong)
            self.strong.append(strong)
        return number

    def __str__(self) -> str:
        """`a: weak; b, c: strong per instance`, in the order of the spec."""
        by_kind: dict[str, list[str]] = {}
        for place in self.fair:
            name = self.spec.actions[place].name
            by_kind.setdefault(self.spec.fairness[name], []).append(name)
        return "; ".join(f"{', '.join(names)}: {kind}" for kind, names in by_kind.items()) or "none"
