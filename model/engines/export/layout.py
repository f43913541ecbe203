"""Laying out formulas in lines of a readable width. TLA+ gives columns a meaning: the bullets of a list stand in one column.

A `Doc` is printed at a column: on one line if it fits, else broken by its own rule. Every line of a broken part stays to the
right of the column where the part began (or in it), so a list of bullets inside another one is never taken for its continuation.
"""

from typing import Protocol

from attrs import frozen

WIDTH = 116
"""The longest line that is not broken, in characters."""


class Doc(Protocol):
    """A piece of text that knows how to break."""

    @property
    def flat(self) -> str:
        """The text on one line."""
        ...

    def broken(self, column: int) -> list[str]:
        """The text on several lines; the first without, all others with their indentation."""
        ...


def lay(doc: Doc, column: int, after: int = 0) -> list[str]:
    """A doc that begins in a column (0 is the first) and is followed by `after` characters on its last line."""
    flat = doc.flat
    return [flat] if column + len(flat) + after <= WIDTH else doc.broken(column)


@frozen
class Text:
    """Text that is never broken."""

    flat: str

    def broken(self, column: int) -> list[str]:
        """The same: it has no place to break."""
        return [self.flat]


@frozen
class Row:
    """Docs side by side."""

    parts: tuple[Doc, ...]

    @property
    def flat(self) -> str:
        """The parts one after the other."""
        return "".join(p.flat for p in self.parts)

    def broken(self, column: int) -> list[str]:
        """Each part begins where the one before it ends."""
        lines = [""]
        for place, part in enumerate(self.parts):
            at = column + len(lines[0]) if len(lines) == 1 else len(lines[-1])
            rest = sum(len(p.flat) for p in self.parts[place + 1 :] if isinstance(p, Text))
            first, *others = lay(part, at, rest)
            lines[-1] += first
            lines += others
        return lines


_SHORT = 24
"""A left side of at most so many characters has its right side beside it."""


@frozen
class Infix:
    """`a = b`; broken, the sign and its right side are on a line of their own."""

    left: Doc
    sign: str
    right: Doc

    @property
    def flat(self) -> str:
        """On one line."""
        return f"{self.left.flat} {self.sign} {self.right.flat}"

    def broken(self, column: int) -> list[str]:
        """Below each other, unless the left side is short and the right one has to be broken anyway."""
        start = column + len(self.sign) + 3
        right = column + len(self.left.flat) + len(self.sign) + 2
        if len(self.left.flat) <= _SHORT and start + len(self.right.flat) > WIDTH:
            first, *others = lay(self.right, right)
            return [f"{self.left.flat} {self.sign} {first}", *others]
        first, *others = lay(self.right, start)
        return [*lay(self.left, column), f"{' ' * (column + 2)}{self.sign} {first}", *others]


_LONG = 8
"""Below an opening that is longer than this, items are indented by two columns instead of being aligned."""


@frozen
class Listing:
    """Items between brackets, separated by commas; broken, one item per line."""

    opening: str
    items: tuple[Doc, ...]
    closing: str

    @property
    def flat(self) -> str:
        """All on one line."""
        return self.opening + ", ".join(i.flat for i in self.items) + self.closing

    def broken(self, column: int) -> list[str]:
        """One item per line; the first one behind the opening if it fits there on one line."""
        hanging = len(self.opening) > _LONG
        start = column + (2 if hanging else len(self.opening))
        lines = [self.opening]
        for place, item in enumerate(self.items):
            tail = self.closing if place == len(self.items) - 1 else ","
            here = column + len(self.opening) if place == 0 else start
            if place or (hanging and here + len(item.flat) + len(tail) > WIDTH):
                lines[-1] = lines[-1].rstrip()
                lines.append(" " * start)
                here = start
            first, *others = lay(item, here, len(tail))
            lines[-1] += first
            lines += others
            lines[-1] += tail
        return lines


@frozen
class Names:
    """Names between brackets; broken, as many on a line as fit."""

    opening: str
    names: tuple[str, ...]
    closing: str

    @property
    def flat(self) -> str:
        """All on one line."""
        return self.opening + ", ".join(self.names) + self.closing

    def broken(self, column: int) -> list[str]:
        """Lines filled with names, all beginning in one column."""
        start = column + len(self.opening)
        lines = [self.opening]
        for place, name in enumerate(self.names):
            piece = name + (self.closing if place == len(self.names) - 1 else ",")
            begins = lines[-1] == self.opening or not lines[-1].strip()
            used = len(lines[-1]) + (column if len(lines) == 1 else 0)
            if not begins and used + 1 + len(piece) > WIDTH:
                lines.append(" " * start)
                begins = True
            lines[-1] += piece if begins else f" {piece}"
        return lines


@frozen
class Junction:
    """A conjunction or disjunction: infix on one line, a list of bullets on several."""

    bullet: str
    items: tuple[Doc, ...]

    @property
    def flat(self) -> str:
        """Infix."""
        return f" {self.bullet} ".join(i.flat for i in self.items)

    def broken(self, column: int) -> list[str]:
        """A list of bullets."""
        lines: list[str] = []
        for place, item in enumerate(self.items):
            first, *others = lay(item, column + 3)
            lines += [f"{' ' * column if place else ''}{self.bullet} {first}", *others]
        return lines


@frozen
class Bullets:
    """A list of bullets, be it short or long: the body of an action."""

    items: tuple[Doc, ...]

    @property
    def flat(self) -> str:
        """Infix; used to measure only where there is one item."""
        return " /\\ ".join(i.flat for i in self.items) if len(self.items) == 1 else " " * (WIDTH + 1)

    def broken(self, column: int) -> list[str]:
        """A list of bullets, or the one item."""
        if len(self.items) == 1:
            return lay(self.items[0], column)
        return Junction("/\\", self.items).broken(column)


@frozen
class Headed:
    """A head, and a body that goes on behind it or, broken, below it."""

    head: str
    body: Doc
    indent: int = 2

    @property
    def flat(self) -> str:
        """Head and body."""
        return f"{self.head} {self.body.flat}"

    def broken(self, column: int) -> list[str]:
        """The body on the lines below the head."""
        first, *others = lay(self.body, column + self.indent)
        return [self.head, f"{' ' * (column + self.indent)}{first}", *others]


@frozen
class Implication:
    """`a => b`; broken, `=> b` is on a line of its own."""

    left: Doc
    right: Doc

    @property
    def flat(self) -> str:
        """On one line."""
        return f"{self.left.flat} => {self.right.flat}"

    def broken(self, column: int) -> list[str]:
        """The premise, in brackets if it has several lines, and below it the conclusion."""
        left = lay(self.left, column)
        if len(left) > 1:
            left = Row((Text("("), self.left, Text(")"))).broken(column)
        first, *others = lay(self.right, column + 5)
        return [*left, f"{' ' * (column + 2)}=> {first}", *others]


@frozen
class Choice:
    """`IF a THEN b ELSE c`; broken, each word begins a line."""

    condition: Doc
    then: Doc
    otherwise: Doc

    @property
    def flat(self) -> str:
        """On one line."""
        return f"IF {self.condition.flat} THEN {self.then.flat} ELSE {self.otherwise.flat}"

    def broken(self, column: int) -> list[str]:
        """Three parts below each other."""
        lines: list[str] = []
        for word, part in (("IF", self.condition), ("THEN", self.then), ("ELSE", self.otherwise)):
            first, *others = lay(part, column + len(word) + 1)
            lines += [f"{' ' * column if lines else ''}{word} {first}", *others]
        return lines


@frozen
class Let:
    """`LET a == ... IN body`, always on several lines."""

    definitions: tuple[tuple[str, Doc], ...]
    body: Doc

    @property
    def flat(self) -> str:
        """Too long on purpose: definitions stand on lines of their own."""
        return " " * (WIDTH + 1)

    def broken(self, column: int) -> list[str]:
        """One definition per line, then the body."""
        lines: list[str] = []
        for place, (name, doc) in enumerate(self.definitions):
            first, *others = lay(Row((Text(f"{name} == "), doc)), column + 4)
            lines += [f"{' ' * (column + 4) if place else 'LET '}{first}", *others]
        first, *others = lay(self.body, column + 3)
        return [*lines, f"{' ' * column}IN {first}", *others]
