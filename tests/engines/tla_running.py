"""Exported modules, read and run: what the tests of the TLA+ export share."""

from collections.abc import Mapping

from model.engines.explore import explore
from model.engines.export.tla import TlaModule, export_tla
from model.engines.verdict import Verdict
from model.language import Spec
from model.language.ground_spec import ground
from model.language.trace import trace
from tests.engines.tla_reader import read_module
from tests.engines.tla_states import Checker, Map
from tests.engines.tlc_figures import Figure


def explored(spec: Spec, bounds: Mapping[str, int], *, properties: bool = False) -> Verdict:
    """The explorer's verdict."""
    return explore(ground(trace(spec), bounds), spec.properties if properties else (), clock=lambda: 0.0)


def settings(module: TlaModule) -> dict[str, str]:
    """The constants in a configuration."""
    lines = module.cfg.split("\nSPECIFICATION", maxsplit=1)[0].splitlines()[1:]
    return {name: value for name, _, value in (line.strip().partition(" = ") for line in lines)}


def checker(module: TlaModule) -> Checker:
    """The module, read, with the constants of its configuration."""
    return Checker(read_module(module.text), settings(module))


def searched(spec: Spec, bounds: Mapping[str, int]) -> Figure:
    """What a breadth-first search of the module's text finds; every state has to satisfy the module's own TypeOK."""
    module = export_tla(spec, bounds)
    running = checker(module)
    actions = running.actions()
    counts = dict.fromkeys((name for name, _ in actions), 0)
    level = running.initial()
    seen = {Map(state) for state in level}
    generated, depth = len(level), 0
    while level:
        depth, following = depth + 1, []
        for state in level:
            assert running.holds("TypeOK", state)
            for name, action in actions:
                for new in running.steps(action, state):
                    counts[name] += 1
                    generated += 1
                    if Map(new) not in seen:
                        seen.add(Map(new))
                        following.append(new)
        level = following
    by_action = {action: counts[operator] for action, operator in module.actions.items()}
    return Figure(spec.name, bounds, len(seen), generated, depth, by_action)


def model_values(module: TlaModule) -> dict[str, str]:
    """The model values of a configuration, as a trace module declares them: each is itself."""
    sets = (value for value in settings(module).values() if value.startswith("{"))
    return {name.strip(): name.strip() for value in sets for name in value[1:-1].split(",")}
