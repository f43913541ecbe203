"""`lockstep export`: a spec as a TLA+ module for TLC, or the state graph of a small scope as a picture."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.text import Text

from model.engines.compiled.symmetry import NotSymmetric, check_symmetric
from model.engines.export.pictures import Pictures
from model.engines.export.tla import export_tla
from model.engines.graph import GraphTooLarge, state_graph
from model.language import Bounds, Spec
from model.language.ground_spec import ground
from model.language.trace import trace
from traces.commands.check import prepare
from traces.commands.engines import source_for
from traces.commands.out import DEFAULT_OUT, check_writable
from traces.commands.parse import parse_bounds
from traces.commands.report import EXIT_HOLDS, CommandError
from traces.render import bounds_text, facts

MOST_STATES = 2_000
"""A picture of more states is of no use to anybody."""


@frozen
class ExportReport:
    """What was written: the files in order, what they are, and how to use them."""

    spec: str
    format: str
    bounds: Bounds
    files: tuple[Path, ...]
    about: tuple[str, ...]
    use: str

    exit_code = EXIT_HOLDS

    def to_json(self) -> dict[str, Any]:
        """The files and what they are of."""
        return {
            "spec": self.spec,
            "format": self.format,
            "bounds": dict(self.bounds),
            "files": [str(file) for file in self.files],
        }

    def show(self, console: Console) -> None:
        """One line per file, and the command to go on with."""
        rows: list[tuple[str, str | Text]] = [("spec", self.spec), ("bounds", bounds_text(self.bounds.items()))]
        rows += [(str(file), what) for file, what in zip(self.files, self.about, strict=True)]
        console.print(facts([*rows, ("use", self.use)]), soft_wrap=True)


Exporter = Callable[[Spec, Bounds, Path], ExportReport]


def _tla(spec: Spec, bounds: Bounds, out: Path, *, symmetry: bool = False) -> ExportReport:
    module = export_tla(spec, bounds, symmetry=symmetry)
    texts = {
        f"{module.name}.tla": (module.text, "the module; the same for all bounds"),
        f"{module.name}.cfg": (module.cfg, "bounds, invariants and properties of steps"),
        f"{module.name}Reach.cfg": (module.reach, "what must be violated, because it denies what must be reachable"),
    }
    for companion, what in (
        (module.fair, "what is fair, to check liveness"),
        (module.symmetric, "up to the names of nodes"),
    ):
        if companion is not None:
            texts[f"{companion.name}.tla"] = (companion.text, what)
            texts[f"{companion.name}.cfg"] = (companion.cfg, "its configuration")
    use = f"java -cp tla2tools.jar tlc2.TLC -coverage 1 {module.name}.tla"
    return _written(spec, "tla", bounds, out, texts, use)


def _dot(spec: Spec, bounds: Bounds, out: Path) -> ExportReport:
    pictures = _pictures(spec, bounds)
    name = f"{spec.name}.dot"
    about = f"{len(pictures.graph)} states for Graphviz"
    return _written(spec, "dot", bounds, out, {name: (pictures.dot(), about)}, f"dot -Tsvg -O {name}")


def _mermaid(spec: Spec, bounds: Bounds, out: Path) -> ExportReport:
    pictures = _pictures(spec, bounds)
    texts = {f"{spec.name}.mmd": (pictures.mermaid(), f"{len(pictures.graph)} states as a Mermaid flowchart")}
    return _written(spec, "mermaid", bounds, out, texts, "paste it into a ```mermaid block of a Markdown file")


def _pictures(spec: Spec, bounds: Bounds) -> Pictures:
    try:
        return Pictures(spec, bounds, state_graph(source_for(spec, bounds), MOST_STATES))
    except GraphTooLarge as error:
        raise CommandError(f"{spec.name} is too large to draw: {error}") from None


def _written(
    spec: Spec, fmt: str, bounds: Bounds, out: Path, texts: Mapping[str, tuple[str, str]], use: str
) -> ExportReport:
    files = tuple(out / name for name in texts)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, (text, _) in zip(files, texts.values(), strict=True):
            file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"--out: cannot write to {out}: {error.strerror or error}") from None
    return ExportReport(spec.name, fmt, dict(bounds), files, tuple(about for _, about in texts.values()), use)


EXPORTERS: Mapping[str, Exporter] = {"tla": _tla, "dot": _dot, "mermaid": _mermaid}
"""tla: module and configurations for TLC. dot, mermaid: the state graph."""


def export_command(
    spec_name: str,
    bounds: str | None = None,
    fmt: str = "tla",
    out: Path = DEFAULT_OUT,
    bug: str | None = None,
    *,
    symmetry: bool = False,
) -> ExportReport:
    """Export a spec (with a bug, if one is named) within bounds to files in a directory. CommandError for what makes no sense."""
    if fmt not in EXPORTERS:
        raise CommandError(f"unknown format {fmt!r}", f"give --format {', '.join(EXPORTERS)}")
    spec, scope, _ = prepare(spec_name, bug=bug, bounds=parse_bounds(bounds))
    check_writable(out)
    if not symmetry:
        return EXPORTERS[fmt](spec, scope, out)
    if fmt != "tla":
        raise CommandError("--symmetry is for --format tla", "leave it out")
    try:
        check_symmetric(ground(trace(spec), scope), (p for p in spec.properties if p.kind != "eventually"))
    except NotSymmetric as error:
        raise CommandError(f"--symmetry: {error}", "leave it out") from None
    return _tla(spec, scope, out, symmetry=True)
