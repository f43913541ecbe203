"""The two cores that are proved, and what their tests ask of both."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from model.engines.induct.counterexample import Counterexample
from model.engines.induct.induct import InductionResult, run_induction
from model.kraft_core import actions as kraft_actions
from model.kraft_core import ghosts as kraft_ghosts
from model.kraft_core import lemmas as kraft_lemmas
from model.kraft_core.proofs import HINTS as KRAFT_HINTS
from model.kraft_core.spec import SPEC as KRAFT_SPEC
from model.language import Property, Spec
from model.language.hints import Hints
from model.language.plain import Stepper
from model.zab_core import actions as zab_actions
from model.zab_core import ghosts as zab_ghosts
from model.zab_core import lemmas as zab_lemmas
from model.zab_core.proofs import HINTS as ZAB_HINTS
from model.zab_core.spec import SPEC as ZAB_SPEC

DOCS = Path(__file__).resolve().parents[2] / "docs"


@frozen(eq=False)
class Core:
    """A core: its spec with all lemmas and planted bugs, which lemmas are inductive and which derived, and how they are proved.

    `protocol`: its actions without history; `wrapped`: those to which history is added; `page`: the name of the page on its proof.
    """

    spec: Spec
    inductive: tuple[Property, ...]
    safety: tuple[Property, ...]
    hints: Hints
    protocol: tuple[Any, ...]
    wrapped: Mapping[str, Any]
    page: str

    def __str__(self) -> str:
        return self.spec.name

    def without(self, *names: str) -> Spec:
        """The spec with all lemmas but these."""
        return self.spec.with_properties(p for p in self.spec.properties if p.name not in names)

    def induction(self, spec: Spec, bounds: Mapping[str, int]) -> InductionResult:
        """Every query about a variant of the core, where every message ever sent may arrive."""
        hints = self.hints.only(p.name for p in spec.properties)
        complete = self.spec.complete_bounds({**bounds, "stale": 1})
        return run_induction(spec, hints, complete, clock=time.process_time)

    def check_bug(self, bug: str) -> InductionResult:
        """The lemma that the bug is said to break is broken, by a counterexample that the plain reading confirms; and only then."""
        spec, replaced = self.spec.with_bug(bug), self.spec.bugs[bug]
        result = self.induction(spec, replaced.bounds)
        assert replaced.breaks in {f.claim for f in result.failures}
        bounds = self.spec.complete_bounds({**replaced.bounds, "stale": 1})
        for failure in result.failures:
            assert failure.counterexample is not None
            self._again(spec, bounds, failure.counterexample)
        return result

    def _again(self, spec: Spec, bounds: dict[str, int], found: Counterexample) -> None:
        """Take the step again, with the bug and without: only the bug makes it break the lemma."""
        lemma = next(p for p in self.spec.properties if p.name == found.lemma)
        stepper = Stepper(spec, bounds)
        assert stepper.holds(lemma, found.before)
        assert not stepper.holds(lemma, stepper.apply(found.before, found.action, found.args))
        correct = Stepper(self.spec, bounds)
        for place, args, after in correct.successors(found.before):
            if (self.spec.actions[place].name, args) == (found.action, found.args):
                assert correct.holds(lemma, after)


KRAFT_CORE = Core(
    KRAFT_SPEC.with_properties(kraft_lemmas.LEMMAS),
    kraft_lemmas.INDUCTIVE,
    kraft_lemmas.SAFETY,
    KRAFT_HINTS,
    kraft_actions.ACTIONS,
    kraft_ghosts.WRAPPED,
    "proof-of-kraft.md",
)

ZAB_CORE = Core(
    ZAB_SPEC.with_properties(zab_lemmas.LEMMAS),
    zab_lemmas.INDUCTIVE,
    zab_lemmas.SAFETY,
    ZAB_HINTS,
    zab_actions.ACTIONS,
    zab_ghosts.WRAPPED,
    "proof-of-zab.md",
)

CORES = (KRAFT_CORE, ZAB_CORE)
