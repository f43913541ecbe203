"""How the cost of the compiled explorer grows: states against CPU seconds and memory, from 10^4 to 10^8 states.

    pip install 'lockstep[plots]'
    python -m tests.benchmarks.plot_growth DIRECTORY [most states, such as 1e7] [threads]

Each point is a process of its own that searches `kraft` within bounds that hold more states than that, and stops when it has found
so many. It writes growth.csv, and growth.png where matplotlib is installed. 10^8 states take some minutes and gigabytes.
"""

import csv
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from model.engines.compiled.build import cache_directory
from tests.benchmarks.bench_explorer import process

SCOPE = "epochs=4,elections=4,values=2,log=4"
COLUMNS = ("distinct", "generated", "levels", "cpu", "wall", "peak", "bytes", "words", "evaluations")


def points(most: float) -> list[int]:
    """Three budgets of states per power of ten."""
    found = [round(factor * 10**power) for power in range(4, 9) for factor in (1, 2, 5)]
    return [states for states in found if states <= min(most, 1e8)]


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Two curves on logarithmic axes: seconds, and bytes of the whole process."""
    import matplotlib as mpl  # noqa: PLC0415 - optional: the figures are in growth.csv without it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of how to draw

    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    states = [row["distinct"] for row in rows]
    for axis, name, label in zip(axes, ("cpu", "peak"), ("CPU seconds", "peak memory in bytes"), strict=True):
        axis.loglog(states, [row[name] for row in rows], "o-")
        axis.set_xlabel("distinct states")
        axis.set_ylabel(label)
        axis.grid(which="both", alpha=0.3)
    figure.suptitle("lockstep check kraft: the cost of a search")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, write, draw."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    most = float(sys.argv[2]) if len(sys.argv) > 2 else 1e8
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    cache = cache_directory().parent
    process(SCOPE, threads, cache, 300_000)  # compiles what is not in the cache yet
    rows: list[dict[str, Any]] = []
    with (directory / "growth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for states in points(most):
            rows.append(process(SCOPE, threads, cache, states))
            writer.writerow(rows[-1])
            file.flush()
            print(
                f"{rows[-1]['distinct']:>12,} states {rows[-1]['cpu']:8.2f} CPU-s {rows[-1]['peak'] / 2**20:10,.0f} MiB"
            )
    if find_spec("matplotlib") is not None:
        draw(rows, directory / "growth.png")


if __name__ == "__main__":
    main()
