"""The specs that Lockstep checks, each with its properties. One place where a name becomes a spec."""

from collections.abc import Mapping

from model.engines.refine.refinement import Refinement
from model.kraft.live import SPEC as KRAFT_LIVE
from model.kraft.spec import SPEC as KRAFT
from model.kraft_core.lemmas import LEMMAS as KRAFT_CORE_LEMMAS
from model.kraft_core.proofs import HINTS as KRAFT_CORE_HINTS
from model.kraft_core.spec import SPEC as KRAFT_CORE
from model.language import Property, Spec, unknown
from model.language.hints import Hints
from model.two_phase.spec import SPEC as TWO_PHASE
from model.zab_core.lemmas import LEMMAS as ZAB_CORE_LEMMAS
from model.zab_core.proofs import HINTS as ZAB_CORE_HINTS
from model.zab_core.spec import SPEC as ZAB_CORE
from model.zookeeper.controller.spec import SPEC as ZK_CONTROLLER
from model.zookeeper.service.spec import SPEC as ZOOKEEPER
from model.zookeeper.zab.ensemble import ENSEMBLE as ZAB_ENSEMBLE
from model.zookeeper.zab.spec import ASYNC as ZAB_ASYNC
from model.zookeeper.zab.spec import SPEC as ZAB
from properties.kraft import PROPERTIES as KRAFT_PROPERTIES
from properties.kraft.liveness import LIVENESS
from properties.kraft.refinement import REFINES_CORE as KRAFT_REFINES_CORE
from properties.zookeeper import ZAB_PROPERTIES
from properties.zookeeper.controller import PROPERTIES as ZK_CONTROLLER_PROPERTIES
from properties.zookeeper.refinement import REFINES_CORE as ZAB_REFINES_CORE
from properties.zookeeper.service import SERVICE

SPECS: Mapping[str, Spec] = {
    KRAFT.name: KRAFT.with_properties(KRAFT_PROPERTIES),
    KRAFT_LIVE.name: KRAFT_LIVE.with_properties(LIVENESS),
    KRAFT_CORE.name: KRAFT_CORE.with_properties(KRAFT_CORE_LEMMAS),
    ZAB_CORE.name: ZAB_CORE.with_properties(ZAB_CORE_LEMMAS),
    TWO_PHASE.name: TWO_PHASE,
    ZOOKEEPER.name: ZOOKEEPER.with_properties(SERVICE),
    ZK_CONTROLLER.name: ZK_CONTROLLER.with_properties(ZK_CONTROLLER_PROPERTIES),
    ZAB.name: ZAB.with_properties(ZAB_PROPERTIES),
    # One proposal leads to no snapshot; more take longer than a default should.
    ZAB_ASYNC.name: ZAB_ASYNC.with_properties(p for p in ZAB_PROPERTIES if p.name != "a_learner_gets_a_snapshot"),
    ZAB_ENSEMBLE.name: ZAB_ENSEMBLE.with_properties(ZAB_PROPERTIES),
}

HINTS: Mapping[str, Hints] = {KRAFT_CORE.name: KRAFT_CORE_HINTS, ZAB_CORE.name: ZAB_CORE_HINTS}
"""How the properties of a spec are proved, for the specs that have lemmas for it."""

REFINEMENTS: Mapping[str, Refinement] = {
    KRAFT.name: KRAFT_REFINES_CORE,
    ZAB.name: ZAB_REFINES_CORE,
    ZAB_ASYNC.name: ZAB_REFINES_CORE,
}
"""Which proved core a spec refines, and how."""


def find_spec(name: str) -> Spec:
    """The spec of this name with its properties; LookupError with the nearest name otherwise."""
    if name not in SPECS:
        raise LookupError(unknown("spec", name, SPECS, "(see lockstep list specs)"))
    return SPECS[name]


def choose_properties(spec: Spec, names: tuple[str, ...]) -> tuple[Property, ...]:
    """The named properties of a spec, or all of them for no names; LookupError with the nearest name otherwise."""
    known = {p.name: p for p in spec.properties}
    for name in names:
        if name not in known:
            raise LookupError(unknown("property", name, known, f"of spec {spec.name}"))
    return tuple(known[name] for name in names) if names else spec.properties


def known_bugs() -> Mapping[str, Spec]:
    """Every bug by its id, and the spec that tells it: of several, the first. `zab-ensemble` has many bugs of `zab` too."""
    found: dict[str, Spec] = {}
    for spec in SPECS.values():
        for bug in spec.bugs:
            found.setdefault(bug, spec)
    return found


def find_bug(bug: str) -> Spec:
    """The spec that knows a bug, with the bug planted; LookupError with the nearest id otherwise."""
    known = known_bugs()
    if bug not in known:
        raise LookupError(unknown("bug", bug, known, "(see lockstep list bugs)"))
    return known[bug].with_bug(bug)
