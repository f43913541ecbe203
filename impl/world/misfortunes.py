"""What a simulation draws from its fault plan: when episodes begin, whom they strike, and how they end."""

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from impl.world.choices import (
    Choice,
    Crash,
    CrashDuring,
    Cut,
    Deliver,
    Fire,
    Heal,
    Pause,
    Redeliver,
    Restart,
    Resume,
)
from impl.world.draws import Draws
from impl.world.faults import Episodes, FaultPlan
from impl.world.host import UP
from impl.world.partitions import client_links, partition_links
from impl.world.world import World


@frozen
class Begin:
    """An episode of the fault of this name in the plan begins."""

    fault: str


Later: TypeAlias = Restart | Resume | Heal | Cut
"""Decided when an episode begins; it may have become impossible, or needless, when its time comes."""

_DOOM_WITHIN = 8
"""A crash in mid-step strikes one of so many next steps of its node: some kinds of steps never come first after a pause."""


class Misfortunes:
    """The episodes of one run. `post` puts on the simulator's agenda what is to happen at a time (µs); `counts` by fault."""

    def __init__(self, plan: FaultPlan, draws: Draws, world: World, post: Callable[[int, Begin | Later], None]) -> None:
        self._plan, self._draws, self._world, self._post = plan, draws, world, post
        self._episodes = {**plan.episodes, **(plan.client_episodes if world.processes else {})}
        self._doomed: dict[int, int] = {}
        self.counts: dict[str, int] = dict.fromkeys((*self._episodes, "mid_step"), 0)

    def schedule(self) -> None:
        """Draw when each kind of fault strikes first."""
        for fault in self._episodes:
            self._schedule(fault, 0)

    def begin(self, fault: str, at: int) -> Choice | None:
        """An episode begins, if there is anything for it to strike; the next of its kind is drawn."""
        if fault in self._plan.client_episodes:
            return self._begin_at_client(fault, at)
        voters = self._world.voters
        up = [node for node in voters if self._world.status(node) == UP and node not in self._doomed]
        if (not up) if fault in ("crash", "pause") else len(voters) == 1:
            # Nobody is left to fail, or there is no link to cut.
            self._schedule(fault, at)
            return None
        self.counts[fault] += 1
        end = at + self._duration(self._plan.episodes[fault])
        choice: Choice | None = None
        match fault:
            case "crash":
                choice = self._begin_crash(self._draws.one_of(up), at)
            case "pause":
                node = self._draws.one_of(up)
                self._post(end, Resume(node))
                choice = Pause(node, at=at)
            case _:
                self._begin_partition(fault, at, end)
        self._schedule(fault, at)
        return choice

    def strike(self, choice: Choice) -> Choice:
        """A doomed node takes a step: it may pass, or the power goes in its middle."""
        if not self._doomed or not isinstance(choice, Deliver | Redeliver | Fire):
            return choice
        node = choice.node if isinstance(choice, Fire) else self._world.sent[choice.message_id].dst
        left = self._doomed.get(node)
        if left is None:
            return choice
        if left > 0:
            self._doomed[node] = left - 1
            return choice
        effects = self._world.preview(choice)
        after = self._draws.between(0, len(effects))
        kept = self._draws.between(*self._world.kept_range(node, effects[:after]))
        return CrashDuring(choice, after, kept)

    def died(self, node: int) -> None:
        """A process is gone, by a fault or of itself: draw when it starts again."""
        self._doomed.pop(node, None)
        episodes = self._plan.client_crash if node in self._world.processes else self._plan.crash
        self._post(self._world.now + self._duration(episodes), Restart(node))

    def spare_all(self) -> None:
        """Nobody is doomed any more."""
        self._doomed.clear()

    def _schedule(self, fault: str, now: int) -> None:
        episodes = self._episodes[fault]
        if episodes.every and self.counts[fault] < episodes.at_most:
            pause = self._draws.between(episodes.every // 2, episodes.every + episodes.every // 2)
            self._post(now + pause, Begin(fault))

    def _duration(self, episodes: Episodes) -> int:
        return self._draws.between(episodes.shortest, episodes.longest)

    def _begin_at_client(self, fault: str, at: int) -> Choice | None:
        """A process beside the nodes crashes, pauses or is cut off; one that takes the workload's operations never crashes."""
        world, draws = self._world, self._draws
        up = [process for process in world.processes if world.status(process) == UP]
        if fault == "client_crash":
            up = [process for process in up if process not in world.client_addresses]
        choice: Choice | None = None
        if up:
            self.counts[fault] += 1
            end = at + self._duration(self._episodes[fault])
            process = draws.one_of(up)
            match fault:
                case "client_crash":
                    choice = Crash(process, draws.between(*world.kept_range(process)), at=at)
                case "client_pause":
                    self._post(end, Resume(process))
                    choice = Pause(process, at=at)
                case _:
                    for src, dst in client_links(process, world.voters, draws):
                        self._post(at, Cut(src, dst))
                        self._post(end, Heal(src, dst))
        self._schedule(fault, at)
        return choice

    def _begin_crash(self, node: int, at: int) -> Choice | None:
        """Power loss now, or in the middle of one of the node's next steps."""
        if self._draws.chance(self._plan.mid_step):
            self.counts["mid_step"] += 1
            self._doomed[node] = self._draws.below(_DOOM_WITHIN)
            return None
        return Crash(node, self._draws.between(*self._world.kept_range(node)), at=at)

    def _begin_partition(self, fault: str, at: int, end: int) -> None:
        links = partition_links(fault, self._world.voters, self._draws)
        periods = [(at, end)]
        if fault == "flapping":
            period = self._plan.flap_period
            periods = [(time, min(time + period, end)) for time in range(at, end, 2 * period)]
        for cut_at, heal_at in periods:
            for src, dst in links:
                self._post(cut_at, Cut(src, dst))
                self._post(heal_at, Heal(src, dst))
