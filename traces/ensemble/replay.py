"""Replaying a recording: the same choices in a new world, and what its last step shows judged anew."""

from attrs import frozen

from impl.world.choices import ChoiceError
from impl.world.world import World
from model.engines.verdict import HOLDS, VIOLATED
from traces.ensemble.recording import Recording, Row
from traces.ensemble.watch import FRESH, EnsembleWatch
from traces.replay import DIVERGED


@frozen
class Replayed:
    """What became of a recording: `verdict` is violated (again), holds (it does not happen any more), or diverged; `steps` were taken
    as recorded."""

    verdict: str
    steps: int
    reason: str
    rows: tuple[Row, ...]


def replay_recording(recording: Recording, *, strict: bool = True) -> Replayed:
    """Replay a recording. Strict: every choice must be possible, and every row as recorded; else what is impossible is skipped.

    Of Zab's promises only the one that the recording is about is looked at.
    """
    watch = EnsembleWatch(recording.config.ensemble.machine, only=(recording.property,))
    world = World(recording.config, observers=[watch])
    taken = 0
    for place, choice in enumerate(recording.choices):
        try:
            world.apply(choice)
        except ChoiceError as error:
            if strict:
                return Replayed(DIVERGED, taken, f"step {place + 1} cannot happen: {error}", tuple(watch.recorder.rows))
            continue
        row = watch.recorder.rows[-1]
        if strict and row != recording.rows[place]:
            why = f"step {place + 1} differs: {row.did} {row.told} {row.servers}"
            return Replayed(DIVERGED, taken, why, tuple(watch.recorder.rows))
        taken += 1
        if watch.finding is not None:
            break
    shown = judged(recording.property, world, watch)
    rows = tuple(watch.recorder.rows)
    if shown is None:
        return Replayed(HOLDS, taken, f"{recording.property} is not violated", rows)
    return Replayed(VIOLATED, taken, shown, rows)


def judged(name: str, world: World, watch: EnsembleWatch) -> str | None:
    """What breaks the property of this name in a world that was watched, in one line; None: nothing."""
    if name == FRESH:
        watch.require_fresh(world)
    elif watch.finding is None:
        watch.judge(world)
    return str(watch.finding) if watch.finding is not None and watch.finding.name == name else None
