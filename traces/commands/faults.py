"""The values of `--faults`: a named plan, or rates of single faults."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve

from impl.world.faults import NO_FAULTS, Episodes, FaultPlan
from traces.commands.parse import pairs
from traces.commands.report import CommandError

_DEFAULT = FaultPlan()
_SECOND = 1_000_000
_FRACTIONS = ("loss", "duplication", "reordering", "reset", "drift", "mid_step")
_EPISODES = ("crash", "pause", "symmetric", "asymmetric", "flapping")
_EXAMPLE = "none, light, default, heavy, or loss=0.1,crash=0.5"


def _scaled(factor: float) -> FaultPlan:
    """The default plan with every fault `factor` times as frequent."""
    changes: dict[str, Any] = {}
    for name in ("loss", "duplication", "reordering", "reset"):
        changes[name] = min(1.0, getattr(_DEFAULT, name) * factor)
    for name in _EPISODES:
        episodes: Episodes = getattr(_DEFAULT, name)
        changes[name] = evolve(episodes, every=int(episodes.every / factor))
    return evolve(_DEFAULT, **changes)


FAULTS: Mapping[str, Callable[[], FaultPlan]] = {
    "none": lambda: NO_FAULTS,
    "light": lambda: _scaled(1 / 3),
    "default": lambda: _DEFAULT,
    "heavy": lambda: _scaled(4),
}
"""Named plans: delays only; a third of the default rates; the default; four times the default rates."""


def parse_faults(text: str) -> FaultPlan:
    """A named plan, or only the named faults.

    loss, duplication, reordering, reset (of the connection): probability per message; drift: fraction by which clocks run wrong;
    mid_step: probability that a crash comes in the middle of a step; crash, pause, symmetric, asymmetric, flapping: how often per
    virtual second.
    """
    if text in FAULTS:
        return FAULTS[text]()
    if "=" not in text:
        raise CommandError(f"--faults: unknown plan {text!r}", f"write {_EXAMPLE}")
    changes: dict[str, Any] = {}
    for name, value in pairs("--faults", text, "loss=0.1,crash=0.5").items():
        if name not in (*_FRACTIONS, *_EPISODES):
            raise CommandError(f"--faults: unknown fault {name!r}", f"there are {', '.join((*_FRACTIONS, *_EPISODES))}")
        rate = _rate(name, value)
        if name in _FRACTIONS:
            changes[name] = rate
        elif rate > 0:
            changes[name] = evolve(getattr(_DEFAULT, name), every=max(1, int(_SECOND / rate)))
    return evolve(NO_FAULTS, **changes)


def _rate(name: str, value: str) -> float:
    highest = 1.0 if name in _FRACTIONS else 1000.0
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= highest:
        what = "a fraction from 0 to 1" if name in _FRACTIONS else "a number per virtual second from 0 to 1000"
        raise CommandError(f"--faults: {name}={value}", f"give {what}")
    return rate
