"""The same seed twice: a simulation that depends on anything but its seed is found here, at the first step that differs."""

from attrs import frozen

from impl.world.record import StepRecord
from impl.world.simulator import SimulationConfig, Simulator


@frozen
class Difference:
    """Where two runs of the same seed part: the step, and what each did in it (None: it had ended)."""

    step: int
    first: StepRecord | None
    second: StepRecord | None

    def __str__(self) -> str:
        return f"two runs of one seed part at step {self.step}:\n  first:  {self.first}\n  second: {self.second}"


def self_check(seed: int, config: SimulationConfig | None = None) -> Difference | None:
    """Run the seed twice, side by side, and compare what is done and the state of the world after every step.

    None when they agree to the end, else the first difference.
    """
    first, second = Simulator(seed, config), Simulator(seed, config)
    ours, theirs = first.steps(), second.steps()
    while True:
        one, two = next(ours, None), next(theirs, None)
        if one is None and two is None:
            return None
        if one != two or first.world.digest() != second.world.digest():
            return Difference(first.world.steps - 1 if one else second.world.steps - 1, one, two)
