"""What an engine says: holds, violated (with a trace) or unknown (with the reason), and what was really done to say it."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

HOLDS, VIOLATED, UNKNOWN = "holds", "violated", "unknown"

RUNGS = ("tested", "explored", "bounded model checking", "inductive", "proved")
"""The ladder of evidence, weakest first: tested (n runs) < explored (all states within bounds) < bounded model checking
(k steps) < inductive (bounded instance) < proved (any size)."""

EVERY_ACTION_FIRES = "every_action_fires"
"""The implied `sometimes` of every spec: an action that never fires was never checked."""


@frozen
class TraceStep:
    """One step of a counterexample: the action's name and its plain arguments."""

    action: str
    args: tuple[Any, ...]


@frozen
class SpecTrace:
    """A path of a spec: n steps and the n + 1 plain frozen states around them.

    With `loop` it is a lasso: from its last state the run goes on at states[loop], by a step of the spec, and so on for ever; if
    that is the last state itself, the run stays there.
    """

    steps: tuple[TraceStep, ...]
    states: tuple[tuple[Any, ...], ...] = field(repr=False)
    loop: int | None = None


@frozen
class PropertyVerdict:
    """The verdict on one property. `trace` shows a violation, or how a `sometimes` was reached."""

    name: str
    kind: str
    verdict: str
    reason: str = ""
    trace: SpecTrace | None = field(default=None, repr=False)


@frozen
class Verdict:
    """The verdict of one run of one engine on one spec.

    `distinct` states, `generated` steps (plus one for each initial state, as TLC counts), `depth` in states of the longest
    shortest path explored, `levels` distinct states per depth; `coverage` steps per action; `blocked` per action the guard
    (file:line) that was false most often and how often; `cut` per action the steps beyond the bounds; `more`:
    further counterexamples of properties that are violated; `orbits`, if symmetry was used, per depth how many states the distinct ones
    stand for; `out_degrees` per number of steps how many states have so many; `guards` per action and guard (file:line) how often it
    disabled the action, in some states (explore) or all (reference); `seconds` are CPU seconds.
    `note`: further evidence in a few words.
    `odds` bounds the chance that a state was taken for another one, because only fingerprints were compared (0: states were).
    `paths`: per action the steps of another spec that its steps stand for (refinement), and how often.
    """

    spec: str
    engine: str
    bounds: Mapping[str, int]
    verdict: str
    reason: str
    rung: str
    properties: tuple[PropertyVerdict, ...]
    distinct: int
    generated: int
    depth: int
    seconds: float
    coverage: Mapping[str, int]
    spec_hash: str
    bug: str | None = None
    seed: int | None = None
    levels: tuple[int, ...] = ()
    deadlocks: int = 0
    blocked: Mapping[str, tuple[str, int]] = field(factory=dict)
    cut: Mapping[str, int] = field(factory=dict)
    more: tuple[PropertyVerdict, ...] = ()
    orbits: tuple[int, ...] = ()
    out_degrees: Mapping[int, int] = field(factory=dict)
    guards: tuple[tuple[str, str, int], ...] = ()
    odds: float = 0.0
    paths: Mapping[str, Mapping[str, int]] = field(factory=dict)
    note: str = ""

    @property
    def violation(self) -> PropertyVerdict | None:
        """The first violated property, if any."""
        return next((p for p in self.properties if p.verdict == VIOLATED), None)


def overall(properties: tuple[PropertyVerdict, ...]) -> str:
    """One verdict for several: violated if one is, else unknown if one is, else holds."""
    verdicts = [p.verdict for p in properties]
    return VIOLATED if VIOLATED in verdicts else UNKNOWN if UNKNOWN in verdicts else HOLDS
