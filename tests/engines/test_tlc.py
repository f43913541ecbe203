"""The exported modules under TLC itself, where LOCKSTEP_TLC names its jar: counts, verdicts, and traces both ways.

Not collected without the jar: what TLC said is pinned in `tlc_figures.py`, and the other tests compare with that.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from model.engines.explore import explore
from model.engines.export.tla import TlaModule, export_tla
from model.engines.export.tlc_traces import read_tlc_trace, trace_module
from model.engines.verdict import PropertyVerdict, SpecTrace
from model.language import Spec
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.trace import trace
from tests.engines.tlc import JAR, run_tlc
from tests.engines.tlc_figures import FIGURES, SPECS, VIOLATIONS, Figure, Violation

__test__ = JAR is not None


def write(directory: Path, module: TlaModule, cfg: str) -> None:
    """A module and one of its configurations as TLC wants them."""
    (directory / f"{module.name}.tla").write_text(module.text, encoding="utf-8")
    (directory / f"{module.name}.cfg").write_text(cfg, encoding="utf-8")


def without_properties(cfg: str) -> str:
    """A configuration for all states, whatever is violated in them, but with the module's own types."""
    return cfg.split("\nINVARIANTS", maxsplit=1)[0].split("\nPROPERTIES", maxsplit=1)[0] + "\nINVARIANT TypeOK\n"


def verdicts(spec: Spec, bounds: Mapping[str, int]) -> dict[str, PropertyVerdict]:
    """The explorer's verdicts by property."""
    found = explore(ground(trace(spec), bounds), spec.properties, clock=lambda: 0.0)
    return {p.name: p for p in found.properties}


@pytest.mark.parametrize("figure", FIGURES, ids=str)
def test_tlc_says_what_is_pinned(figure: Figure, tmp_path: Path) -> None:
    """Distinct and generated states, depth, generated states per action: a failure shows the row for `tlc_figures.py`."""
    module = export_tla(SPECS[figure.spec], figure.bounds)
    write(tmp_path, module, without_properties(module.cfg))
    run = run_tlc(tmp_path, module.name)
    actions = {action: run.actions.get(operator, 0) for action, operator in module.actions.items()}
    assert Figure(figure.spec, figure.bounds, run.distinct, run.generated, run.depth, actions) == figure


@pytest.mark.parametrize("figure", [f for f in FIGURES if f.spec in ("kraft", "two-phase", "zab-core")], ids=str)
def test_tlc_holds_what_the_explorer_holds(figure: Figure, tmp_path: Path) -> None:
    """All invariants and step properties of the protocols hold under TLC as well."""
    module = export_tla(SPECS[figure.spec], figure.bounds)
    write(tmp_path, module, module.cfg)
    assert run_tlc(tmp_path, module.name).violated is None


@pytest.mark.parametrize("violation", VIOLATIONS, ids=str)
def test_tlc_finds_the_bug_and_traces_are_exchanged(violation: Violation, tmp_path: Path) -> None:
    """The same property after as many states; TLC's trace is a path of the spec, the explorer's a behaviour of the module."""
    spec = SPECS["kraft"].with_bug(violation.bug)
    bounds = spec.complete_bounds(violation.bounds)
    module = export_tla(spec, bounds)
    write(tmp_path, module, module.cfg)
    run = run_tlc(tmp_path, module.name, dump=True)
    assert (run.violated, run.states) == (module.properties[violation.property], violation.states)
    assert run.dump is not None

    theirs = read_tlc_trace(module, bounds, run.dump)
    assert len(theirs.states) == violation.states
    assert broken(spec, bounds, violation.property, theirs)
    ours = verdicts(spec, bounds)[violation.property].trace
    assert ours is not None
    assert accepted(tmp_path, module, bounds, ours)
    assert accepted(tmp_path, module, bounds, theirs)
    assert not accepted(tmp_path, module, bounds, SpecTrace(ours.steps[:1], (ours.states[0], ours.states[2])))


def broken(spec: Spec, bounds: Mapping[str, int], name: str, path: SpecTrace) -> bool:
    """Whether the end of a path violates a property of the spec, and what comes before does not."""
    stepper = Stepper(spec, bounds)
    prop = next(p for p in spec.properties if p.name == name)
    pairs = list(zip(path.states, path.states[1:], strict=False))
    truths = [stepper.holds(prop, *(pair if prop.kind == "step" else pair[1:])) for pair in pairs]
    return all(truths[:-1]) and not truths[-1]


def accepted(directory: Path, module: TlaModule, bounds: Mapping[str, int], path: SpecTrace) -> bool:
    """Whether TLC follows a path to its end."""
    follower = trace_module(module, bounds, path)
    (directory / f"{follower.name}.tla").write_text(follower.text, encoding="utf-8")
    (directory / f"{follower.name}.cfg").write_text(follower.cfg, encoding="utf-8")
    run = run_tlc(directory, follower.name)
    assert run.violated in (None, follower.violated)
    return run.violated is not None


@pytest.mark.parametrize("name", ["sets", "networks", "rows", "logs", "forks"])
def test_tlc_violates_what_the_explorer_violates(name: str, tmp_path: Path) -> None:
    """The small specs have invariants that are false somewhere; their traces are as short and are exchanged, bags included."""
    spec = SPECS[name]
    bounds = spec.complete_bounds({})
    module = export_tla(spec, bounds)
    write(tmp_path, module, module.cfg)
    run = run_tlc(tmp_path, module.name, dump=True)
    mine = next(p for p in verdicts(spec, bounds).values() if p.kind == "always" and p.verdict == "violated")
    assert mine.trace is not None
    assert (run.violated, run.states) == (module.properties[mine.name], len(mine.trace.states))
    assert run.dump is not None
    assert len(read_tlc_trace(module, bounds, run.dump).states) == run.states
    assert accepted(tmp_path, module, bounds, mine.trace)


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("two-phase", {"nodes": 3}),
        ("kraft", {"nodes": 2, "epochs": 2, "elections": 2, "log": 2, "values": 1, "restarts": 1, "stale": 0}),
    ],
)
def test_tlc_reaches_what_must_be_reachable(name: str, bounds: dict[str, int], tmp_path: Path) -> None:
    """The denial of a `sometimes` is violated iff the explorer reaches it, after as many states."""
    spec = SPECS[name]
    module = export_tla(spec, bounds)
    found = verdicts(spec, bounds)
    head = without_properties(module.cfg).removesuffix("\nINVARIANT TypeOK\n")
    for prop in spec.properties:
        if prop.kind == "sometimes":
            word = "INVARIANT" if prop.states == 1 else "PROPERTY"
            write(tmp_path, module, f"{head}\n{word} Never{module.properties[prop.name]}\n")
            run = run_tlc(tmp_path, module.name)
            mine = found[prop.name].trace
            assert run.states == (0 if mine is None else len(mine.states)), prop.name


def test_the_comparison_would_notice(tmp_path: Path) -> None:
    """A disjunction without `= TRUE` changes what TLC generates, and nothing else."""
    figure = next(f for f in FIGURES if f.spec == "logs")
    module = export_tla(SPECS["logs"], figure.bounds)
    bare = evolve(module, text=module.text.replace(") = TRUE\n", ")\n"))
    assert bare.text != module.text
    write(tmp_path, bare, without_properties(module.cfg))
    run = run_tlc(tmp_path, module.name)
    assert run.distinct == figure.distinct
    assert run.generated > figure.generated
