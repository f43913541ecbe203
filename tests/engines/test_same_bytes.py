"""The same verdicts, byte for byte, in processes with different hash seeds."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Every field of the verdicts, which repr shows but for the traces, and those; a clock that stands still.
PROGRAM = """
from model.engines.explore import explore
from model.engines.graph import covering_paths, state_graph
from model.engines.walk import walk
from model.language.ground_spec import ground
from model.language.plain import Stepper
from model.language.trace import trace
from properties.registry import SPECS, find_bug

def show(verdict):
    print(verdict)
    for p in verdict.properties:
        if p.trace is not None:
            print(p.name, p.trace, p.trace.states)

def still():
    return 0.0

two_phase, kraft = SPECS["two-phase"], find_bug("M5")
bounds = kraft.complete_bounds(kraft.bugs["M5"].bounds)
derived = ground(trace(kraft), bounds)
show(explore(Stepper(two_phase, {"nodes": 3}), two_phase.properties, clock=still))
show(explore(Stepper(kraft, bounds), kraft.properties, clock=still))
show(explore(derived, kraft.properties, clock=still))
show(walk(Stepper(two_phase, {"nodes": 4}), two_phase.properties, seed=1, runs=5, steps=20, clock=still))
print(derived.source)
print(list(covering_paths(state_graph(Stepper(two_phase, {"nodes": 2})))))
"""


def output(hash_seed: str) -> str:
    """What the program prints in a process with this hash seed."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_engines_give_the_same_bytes_in_every_process() -> None:
    """Counts, levels, coverage, guards, hashes, traces, walks, generated code and covering paths do not depend on hash()."""
    first, second = output("1"), output("2")
    assert first == second
    assert first.count("Verdict(spec=") == 4
    assert "SpecTrace(" in first
