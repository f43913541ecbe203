"""`lockstep claims`: what is said about ZooKeeper mode and KRaft, each claim with its verdict and the evidence for it, made anew."""

from collections.abc import Callable
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.text import Text

from model.engines.verdict import HOLDS, UNKNOWN, VIOLATED
from model.language import unknown
from traces.commands.report import EXIT_CODES, CommandError
from traces.commands.simulate_runs import MODES
from traces.ensemble.recording_file import load_recording
from traces.ensemble.replay import replay_recording
from traces.ensemble.staleness import EVIDENCE
from traces.errors import TraceError
from traces.render import count_of, facts, status, styled, table

SEEDS, STEPS, NODES = 3, 500, 3
"""Of a simulation that is run as evidence."""


@frozen
class Evidence:
    """What an examination of a claim found: a verdict on the claim, how it was reached, why, what one sees, and how to see more."""

    verdict: str
    rung: str
    because: str
    lines: tuple[str, ...]
    see: str


@frozen
class Claim:
    """What is said, of which mode, and how it is examined."""

    id: str
    mode: str
    says: str
    examine: Callable[[], Evidence]


def _stale_read() -> Evidence:
    """A kept run in which a read is stale: the claim is that there is one."""
    see = f"lockstep replay {EVIDENCE}"
    try:
        recording = load_recording(EVIDENCE)
    except TraceError as error:
        return Evidence(UNKNOWN, "shown", str(error), (), see)
    replayed = replay_recording(recording)
    told = tuple(f"step {number}: client {row.told}" for number, row in enumerate(replayed.rows, 1) if row.told)
    verdict = HOLDS if replayed.verdict == VIOLATED else VIOLATED
    return Evidence(verdict, "shown", f"{count_of(replayed.steps, 'step')}: {replayed.reason}", told, see)


def _simulated(mode: str, what: str) -> Callable[[], Evidence]:
    """A few seeds in which nothing is found."""

    def examine() -> Evidence:
        chosen = MODES[mode](None)
        config = chosen.configuration("default", STEPS, NODES)
        see, operations = f"lockstep simulate {mode} --runs 100", 0
        for seed in range(SEEDS):
            result = chosen.run(seed, config)
            if result.verdict != HOLDS:
                return Evidence(result.verdict, "tested", f"seed {seed}: {result.reason}", (), see)
            operations += result.operations
        text = f"{count_of(SEEDS, 'run')} with faults, {count_of(operations, 'operation')}: {what}"
        return Evidence(HOLDS, "tested", text, (), see)

    return examine


CLAIMS = (
    Claim(
        "zookeeper-reads-are-eventually-consistent",
        "zookeeper",
        "ZooKeeper-based metadata is eventually consistent: a server answers reads from its own copy, so that a client can read what "
        "another client has already seen replaced",
        _stale_read,
    ),
    Claim(
        "zookeeper-writes-are-linearizable",
        "zookeeper",
        "writes, and reads after sync that no deposed leader answers, are linearizable; plain reads are sequentially consistent",
        _simulated("zookeeper", "every history is consistent"),
    ),
    Claim(
        "kraft-metadata-is-linearizable",
        "kraft",
        "writes and reads at KRaft's leader are linearizable",
        _simulated("kraft", "every history is linearizable"),
    ),
)
"""The ledger."""


@frozen
class ClaimsReport:
    """The claims that were examined."""

    found: tuple[tuple[Claim, Evidence], ...]
    planned: int

    @property
    def verdict(self) -> str:
        """violated if a claim is, unknown if one is undecided or was not examined, else holds."""
        verdicts = {evidence.verdict for _, evidence in self.found}
        if VIOLATED in verdicts:
            return VIOLATED
        return UNKNOWN if UNKNOWN in verdicts or len(self.found) < self.planned else HOLDS

    @property
    def exit_code(self) -> int:
        """As the verdict says."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """One object per claim."""
        return {
            "verdict": self.verdict,
            "claims": [
                {
                    "id": claim.id,
                    "mode": claim.mode,
                    "says": claim.says,
                    "verdict": evidence.verdict,
                    "rung": evidence.rung,
                    "because": evidence.because,
                    "evidence": list(evidence.lines),
                    "see": evidence.see,
                }
                for claim, evidence in self.found
            ],
        }

    def show(self, console: Console) -> None:
        """The ledger; of a single claim, its evidence too."""
        result = table("verdict", "claim", "rung", "evidence", folds=("claim", "evidence"))
        for claim, evidence in self.found:
            text = Text.assemble((claim.id, "bold"), f"\n{claim.says}")
            result.add_row(styled(evidence.verdict), text, evidence.rung, evidence.because)
        console.print(result)
        console.print()
        if len(self.found) == 1:
            _, evidence = self.found[0]
            for line in evidence.lines:
                console.print(Text(line))
            console.print(facts([("see", evidence.see)]), soft_wrap=True)
        console.print(Text.assemble(styled(self.verdict), f": {count_of(len(self.found), 'claim')} examined"))


def claims(name: str | None = None) -> ClaimsReport:
    """Examine the claims, or the one of this id. Raises CommandError for an unknown one; an interrupt ends it."""
    chosen = [claim for claim in CLAIMS if name in (None, claim.id)]
    if not chosen:
        raise CommandError(unknown("claim", str(name), [claim.id for claim in CLAIMS], "(see lockstep claims)"))
    found = []
    with status("claims") as tell:
        for claim in chosen:
            if tell is not None:
                tell(claim.id)
            try:
                found.append((claim, claim.examine()))
            except KeyboardInterrupt:
                break
    return ClaimsReport(tuple(found), len(chosen))
