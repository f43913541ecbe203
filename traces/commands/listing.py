"""`lockstep list`: what there is to check."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import fields_dict, frozen
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from impl.zookeeper.bugs import BUGS as ENSEMBLE_BUGS
from impl.zookeeper.rules import Rules
from model.language import Spec
from properties.registry import SPECS, known_bugs
from traces.commands.report import EXIT_HOLDS, CommandError
from traces.hunts import ALL_HUNTS
from traces.render import bounds_text, show_all, table

ALL = "all"


@frozen
class ListReport:
    """Sections of the catalogue, by name."""

    sections: tuple[str, ...]

    exit_code = EXIT_HOLDS

    def to_json(self) -> dict[str, Any]:
        """One list of objects per section."""
        return {name: _SECTIONS[name].rows() for name in self.sections}

    def show(self, console: Console) -> None:
        """One table per section, or per spec."""
        show_all(console, [part for name in self.sections for part in _SECTIONS[name].parts()])


def listing(what: str) -> ListReport:
    """A section of the catalogue by name, or `all` of them."""
    if what == "claims":
        raise CommandError("claims are not listed but examined", "run lockstep claims")
    if what != ALL and what not in _SECTIONS:
        raise CommandError(f"cannot list {what!r}", f"list {', '.join(_SECTIONS)} or {ALL}")
    return ListReport(tuple(_SECTIONS) if what == ALL else (what,))


@frozen
class _Section:
    rows: Callable[[], list[dict[str, Any]]]
    parts: Callable[[], list[RenderableType]]


def _parameters(action: Any) -> str:
    """`n: Node, request: VoteRequest`."""
    return ", ".join(f"{p.name}: {p.sort!r}" for p in action.parameters)


def _spec_rows() -> list[dict[str, Any]]:
    return [
        {
            "name": spec.name,
            "title": spec.title,
            "bounds": dict(spec.bounds),
            "actions": len(spec.actions),
            "properties": len(spec.properties),
            "bugs": len(spec.bugs),
            "spec_hash": spec.digest(),
        }
        for spec in SPECS.values()
    ]


def _spec_table() -> Table:
    numbers = ("actions", "properties", "bugs")
    result = table("spec", "title and default bounds", *numbers, numbers=numbers, folds=("title and default bounds",))
    for row in _spec_rows():
        title = Text.assemble(row["title"], (f"\n{bounds_text(row['bounds'])}", "dim"))
        result.add_row(row["name"], title, *(str(row[name]) for name in numbers))
    return result


def _property_rows() -> list[dict[str, Any]]:
    return [
        {"spec": spec.name, "name": prop.name, "kind": prop.kind, "claim": _first_line(prop.doc)}
        for spec in SPECS.values()
        for prop in spec.properties
    ]


def _property_parts() -> list[RenderableType]:
    return _by_spec(_property_rows(), "kind", "name")


def _action_rows() -> list[dict[str, Any]]:
    return [
        {"spec": spec.name, "name": action.name, "parameters": _parameters(action), "claim": action.doc}
        for spec in SPECS.values()
        for action in spec.actions
    ]


def _action_parts() -> list[RenderableType]:
    rows = [{**row, "call": f"{row['name']}({row['parameters']})"} for row in _action_rows()]
    return _by_spec(rows, "call")


def _by_spec(rows: list[dict[str, Any]], *columns: str) -> list[RenderableType]:
    """Per spec its title, then its rows: the columns, and below the last one the claim."""
    parts: list[RenderableType] = []
    for spec in SPECS.values():
        grid = Table.grid(padding=(0, 2, 0, 0))
        for row in rows:
            if row["spec"] == spec.name:
                *before, name = (row[column] for column in columns)
                grid.add_row(
                    *before, Group(Text(name, style="bold"), Padding(Text(row["claim"], style="dim"), (0, 0, 0, 2)))
                )
        parts += [Text(f"{spec.name}: {spec.title}", style="underline"), grid]
    return parts


def bug_rows() -> list[dict[str, Any]]:
    """Every historical bug and mutation: id, title, what is replaced, what breaks, where it is from, and a scope to find it in.

    `spec` has it ("": only an implementation does), and so does the implementation of `mode` (None: none does).
    """
    rows = [
        {
            "id": name,
            "spec": spec.name,
            "mode": mode_of(bug.bug),
            "title": bug.title,
            "replaces": bug.name,
            "kind": kind_of(spec, bug.name),
            "breaks": bug.breaks,
            "found_by": bug.found_by,
            "source": bug.source,
            "bounds": dict(spec.bounds) | dict(bug.bounds),
        }
        for name, spec in known_bugs().items()
        for bug in (spec.bugs[name],)
    ]
    known = {row["id"] for row in rows}
    return rows + [_implemented_row(bug) for bug in ALL_HUNTS if bug not in known]


def mode_of(bug: str) -> str | None:
    """The implementation that has a bug."""
    return ALL_HUNTS[bug].config.world.mode if bug in ALL_HUNTS else None


def _implemented_row(bug: str) -> dict[str, Any]:
    """A bug that only the implementation of ZooKeeper has."""
    made = ENSEMBLE_BUGS[bug]
    replaced = next(name for name in fields_dict(Rules) if getattr(made.rules, name) != getattr(Rules(), name))
    return {
        "id": bug,
        "spec": "",
        "mode": mode_of(bug),
        "title": made.title,
        "replaces": replaced,
        "kind": "rule",
        "breaks": ALL_HUNTS[bug].shows[0],
        "found_by": "simulate",
        "source": "in the implementation of zookeeper only",
        "bounds": {},
    }


def kind_of(spec: Spec, name: str) -> str:
    """Whether a replacement replaces a rule or an action."""
    return "rule" if name in spec.rules else "action"


def bug_table(rows: list[dict[str, Any]]) -> Table:
    """A few lines per bug: no column is wide enough for its sentences side by side."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        facts = Text(f"replaces {row['kind']} {row['replaces']}\nbreaks {row['breaks']}")
        source = Text(row["source"], style="dim")
        grid.add_row(Text(row["id"], style="bold"), Group(row["title"], Padding(Group(facts, source), (0, 0, 0, 2))))
    return grid


TITLED = 8
"""Bugs of one spec are listed by their titles up to so many; of more, and of those that break a lemma, there are only the ids."""


def _bug_parts() -> list[RenderableType]:
    """The bugs that a search finds, a line each (`lockstep bugs ID` has the rest), then per spec the ids of the others."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    parts: list[RenderableType] = [grid]
    groups: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for row in bug_rows():
        groups.setdefault((row["spec"], row["found_by"] == "induct"), []).append(row)
    for (name, breaks_lemma), rows in groups.items():
        if name and not breaks_lemma and len(rows) <= TITLED:
            for row in rows:
                title = Text(row["title"], no_wrap=True, overflow="ellipsis")
                grid.add_row(Text(row["id"], style="bold"), Text(name, style="dim"), title)
            continue
        what = ", each breaks a lemma in one step" if breaks_lemma else ""
        head = Text(f"{name or 'in an implementation only'}{what}, see lockstep bugs ID:")
        ids = Text(", ".join(row["id"] for row in rows), style="bold")
        parts.append(Group(head, Padding(ids, (0, 0, 0, 2))))
    return parts


def _first_line(text: str) -> str:
    return text.split("\n", maxsplit=1)[0]


_SECTIONS: Mapping[str, _Section] = {
    "specs": _Section(_spec_rows, lambda: [_spec_table()]),
    "properties": _Section(_property_rows, _property_parts),
    "actions": _Section(_action_rows, _action_parts),
    "bugs": _Section(bug_rows, _bug_parts),
}
