"""A reader of the part of TLA+ that the exporter writes: syntax, bullets by their columns, names, arities, no shadowing.

It is stricter than TLA+ where that finds mistakes: `/\\` beside `\\/` needs brackets, so do chained comparisons; every name has to be
declared before it is used, nothing in scope may be declared again, and no identifier may be a reserved word. The result is a tree
of tuples `(kind, ...)`, which `tla_states.py` runs.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from model.engines.export.names import RESERVED

Tree = tuple[Any, ...]

LIBRARY: Mapping[str, Mapping[str, int]] = {
    "Integers": {"Nat": 0, "Int": 0},
    "Sequences": {"Seq": 1, "Len": 1, "Append": 2, "Head": 1, "Tail": 1, "SubSeq": 3, "SelectSeq": 2},
    "FiniteSets": {"Cardinality": 1, "IsFiniteSet": 1},
    "Bags": {
        "EmptyBag": 0,
        "IsABag": 1,
        "BagToSet": 1,
        "SetToBag": 1,
        "BagIn": 2,
        "BagUnion": 1,
        "BagOfAll": 2,
        "BagCardinality": 1,
        "CopiesIn": 2,
        "SubBag": 1,
        "Sum": 1,
    },
    "TLC": {},
}
"""What the standard modules define, with the number of arguments."""

_TOKEN = re.compile(
    r"""(?P<string>"[^"\n]*")|(?P<number>\d+)|(?P<word>[A-Za-z_]\w*)|(?P<sign>\\[A-Za-z]+|\(\+\)|\(-\)"""
    r"""|<=>|=>|~>|<=|>=|/\\|\\/|\|->|->|<<|>>|:>|@@|==|\.\.|\[\]|<>|[-+*=#<>~'.:,!@()\[\]{}])"""
)
_INFIX = {
    "=>": 1,
    "<=>": 2,
    "~>": 2,
    "/\\": 3,
    "\\/": 3,
    "@@": 6,
    ":>": 7,
    "\\cup": 8,
    "\\cap": 8,
    "..": 9,
    "*": 13,
    **dict.fromkeys(("=", "#", "<", "<=", ">", ">=", "\\in", "\\notin", "\\subseteq"), 5),
    **dict.fromkeys(("+", "-", "(+)", "(-)"), 10),
}
_CHAINS = ("/\\", "\\/", "+", "-", "(+)", "(-)", "\\cup", "\\cap", "@@")
_PREFIX = ("UNCHANGED", "SUBSET", "DOMAIN")
_CONSTANTS = {"TRUE": ("value", True), "FALSE": ("value", False), "BOOLEAN": ("booleans",)}


class TlaError(Exception):
    """The text is not a module that this reader accepts; the message says where."""


@frozen
class Token:
    """A token and its place: line from 1, column from 0; `touches` says whether the one before it ends where it begins."""

    kind: str
    text: str
    line: int
    column: int
    touches: bool


@frozen
class Definition:
    """`name(parameters) == body`."""

    name: str
    parameters: tuple[str, ...]
    body: Tree


@define
class Module:
    """A module as read. `definitions` in order."""

    name: str
    extends: tuple[str, ...]
    constants: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    definitions: dict[str, Definition] = field(factory=dict)


def tokens(text: str) -> list[Token]:
    """The tokens of a text without its comments."""
    found: list[Token] = []
    for number, line in enumerate(text.splitlines(), start=1):
        at, end = 0, -1
        while at < len(line):
            if line[at] == " ":
                at += 1
                continue
            if line.startswith("\\*", at):
                break
            match = _TOKEN.match(line, at)
            if match is None or match.lastgroup is None:
                raise TlaError(f"line {number}, column {at}: unreadable: {line[at : at + 10]!r}")
            found.append(Token(match.lastgroup, match.group(), number, at, at == end))
            at = end = match.end()
    return found


class Reader:
    """Reads one module, given what it extends besides the standard modules."""

    def __init__(self, text: str, others: Mapping[str, Module] | None = None) -> None:
        lines = text.splitlines()
        head = re.fullmatch(r"-+ MODULE (\w+) -+", lines[0])
        if head is None or set(lines[-1]) != {"="}:
            raise TlaError("not between the lines of a module")
        self._tokens = tokens("\n".join(["", *lines[1:-1]]))
        self._at = 0
        self._fences: list[int] = [-1]
        self._arity: dict[str, int] = {}
        self._others = others or {}
        self.module = Module(head[1], ())

    # ---- tokens
    def _peek(self) -> Token | None:
        if self._at == len(self._tokens):
            return None
        token = self._tokens[self._at]
        return token if token.column > self._fences[-1] else None

    def _is(self, *texts: str) -> bool:
        token = self._peek()
        return token is not None and token.kind != "string" and token.text in texts

    def _take(self, text: str | None = None) -> Token:
        token = self._peek()
        if token is None or (text is not None and token.text != text):
            place = self._tokens[min(self._at, len(self._tokens) - 1)]
            raise TlaError(
                f"line {place.line}, column {place.column}: {place.text!r} where {text or 'a token'!r} belongs"
            )
        self._at += 1
        return token

    def _name(self) -> str:
        token = self._take()
        if token.kind != "word" or token.text in RESERVED:
            raise TlaError(f"line {token.line}: {token.text!r} is no identifier")
        return token.text

    def _listed(self, one: Callable[[], Any]) -> list[Any]:
        found = [one()]
        while self._is(","):
            self._take(",")
            found.append(one())
        return found

    # ---- names
    def _declare(self, name: str, arity: int = 0) -> None:
        if name in self._arity:
            raise TlaError(
                f"{name!r} is declared again in its own scope (before line {self._tokens[self._at - 1].line})"
            )
        self._arity[name] = arity

    def _within(self, names: list[str], read: Callable[[], Tree]) -> Tree:
        for name in names:
            self._declare(name)
        tree = read()
        for name in names:
            del self._arity[name]
        return tree

    # ---- the module
    def read(self) -> Module:
        """The module."""
        module = self.module
        self._take("EXTENDS")
        module.extends = tuple(self._listed(self._name))
        for name in module.extends:
            self._include(name)
        while self._peek() is not None:
            if self._is("CONSTANTS", "VARIABLES", "VARIABLE"):
                word = self._take().text
                names = self._listed(self._name)
                for name in names:
                    self._declare(name)
                if word == "CONSTANTS":
                    module.constants += tuple(names)
                else:
                    module.variables += tuple(names)
                continue
            definition = self._definition()
            module.definitions[definition.name] = definition
            self._declare(definition.name, len(definition.parameters))
        return module

    def _include(self, name: str) -> None:
        """What a module declares and what it extends itself; a standard module may come in twice."""
        if name in LIBRARY:
            self._arity.update(LIBRARY[name])
            return
        other = self._others[name]
        for inner in other.extends:
            self._include(inner)
        for declared in (*other.constants, *other.variables):
            self._declare(declared)
        for definition in other.definitions.values():
            self._declare(definition.name, len(definition.parameters))
        self.module.constants, self.module.variables = other.constants, other.variables
        self.module.definitions.update(other.definitions)

    def _definition(self) -> Definition:
        name = self._name()
        parameters: list[str] = []
        if self._is("("):
            self._take("(")
            parameters = self._listed(self._name)
            self._take(")")
        self._take("==")
        return Definition(name, tuple(parameters), self._within(parameters, self._expression))

    # ---- expressions
    def _expression(self, least: int = 0) -> Tree:
        left, closed = self._operand(), 17
        before = ""
        while (token := self._peek()) is not None and token.kind == "sign" and token.text in _INFIX:
            own = _INFIX[token.text]
            if own < least:
                break
            if token.text in ("/\\", "\\/") and self._tokens[self._at - 1].line < token.line:
                raise TlaError(f"line {token.line}: a bullet that is in no column")
            chained = before == token.text and token.text in _CHAINS
            mixed = {before, token.text} in ({"+", "-"}, {"(+)", "(-)"})
            if own >= closed and not chained and not mixed:
                raise TlaError(f"line {token.line}: {before} and {token.text} need brackets")
            self._at += 1
            left, closed, before = ("infix", token.text, left, self._expression(own + 1)), own, token.text
        return left

    def _operand(self) -> Tree:
        token = self._peek()
        if token is None:
            self._take("an expression")
        assert token is not None
        if token.text in ("/\\", "\\/") and token.kind == "sign":
            return self._bullets(token)
        if token.kind == "sign" and token.text == "~":
            self._take("~")
            return ("not", self._expression(4))
        if self._is("\\A", "\\E"):
            return self._quantifier()
        if self._is("[]", "<>"):
            return self._temporal()
        if self._is(*_PREFIX):
            return (self._take().text, self._expression(9))
        if self._is("IF"):
            self._take("IF")
            condition = self._expression()
            self._take("THEN")
            then = self._expression()
            self._take("ELSE")
            return ("if", condition, then, self._expression())
        if self._is("LET"):
            return self._let()
        return self._postfix(self._primary())

    def _bullets(self, first: Token) -> Tree:
        items: list[Tree] = []
        while (token := self._peek()) is not None and (token.text, token.column) == (first.text, first.column):
            self._at += 1
            self._fences.append(first.column)
            items.append(self._expression())
            self._fences.pop()
        return ("bullets", first.text, tuple(items))

    def _ranges(self) -> list[tuple[list[str], Tree]]:
        found = []
        while True:
            names = self._listed(self._name)
            self._take("\\in")
            found.append((names, self._expression(6)))
            if not self._is(","):
                return found
            self._take(",")

    def _quantifier(self) -> Tree:
        sign = self._take().text
        ranges = self._ranges()
        self._take(":")
        flat = tuple((name, domain) for names, domain in ranges for name in names)
        return (sign, flat, self._within([name for name, _ in flat], self._expression))

    def _temporal(self) -> Tree:
        sign = self._take().text
        if sign == "<>":
            return ("eventually", self._expression(4))
        self._take("[")
        action = self._expression()
        self._take("]")
        word = self._take()
        if not word.text.startswith("_") or word.text[1:] not in self._arity:
            raise TlaError(f"line {word.line}: no subscript of an action: {word.text!r}")
        return ("always", action)

    def _let(self) -> Tree:
        self._take("LET")
        definitions = []
        while not self._is("IN"):
            definition = self._definition()
            definitions.append(definition)
            self._declare(definition.name, len(definition.parameters))
        self._take("IN")
        body = self._expression()
        for definition in definitions:
            del self._arity[definition.name]
        return ("let", tuple(definitions), body)

    def _postfix(self, tree: Tree) -> Tree:
        while (token := self._peek()) is not None and token.touches and token.text in ("'", "[", "."):
            self._at += 1
            if token.text == "'":
                tree = ("prime", tree)
            elif token.text == ".":
                tree = ("apply", tree, ("value", self._name()))
            else:
                tree = ("apply", tree, self._expression())
                self._take("]")
        return tree

    def _primary(self) -> Tree:
        token = self._take()
        if token.kind == "number":
            return ("value", int(token.text))
        if token.kind == "string":
            return ("value", token.text[1:-1])
        if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        if token.kind == "word":
            return self._applied(token)
        closing: dict[str, Callable[[], Tree]] = {
            "(": self._bracketed,
            "{": self._set,
            "[": self._square,
            "<<": self._tuple,
            "@": lambda: ("old",),
        }
        if token.text not in closing:
            raise TlaError(f"line {token.line}, column {token.column}: {token.text!r} begins no expression")
        return closing[token.text]()

    def _applied(self, token: Token) -> Tree:
        if token.text not in self._arity:
            raise TlaError(f"line {token.line}: {token.text!r} is not declared")
        arguments: list[Tree] = []
        if self._is("(") and self._tokens[self._at].touches:
            self._take("(")
            arguments = self._listed(self._expression)
            self._take(")")
        if len(arguments) != self._arity[token.text]:
            raise TlaError(f"line {token.line}: {token.text} takes {self._arity[token.text]} arguments")
        return ("name", token.text, tuple(arguments))

    def _bracketed(self) -> Tree:
        tree = self._expression()
        self._take(")")
        return tree

    def _tuple(self) -> Tree:
        items = [] if self._is(">>") else self._listed(self._expression)
        self._take(">>")
        return ("tuple", tuple(items))

    def _set(self) -> Tree:
        if self._is("}"):
            self._take("}")
            return ("set", ())
        following = self._tokens[self._at + 1]
        if self._tokens[self._at].kind == "word" and following.text == "\\in":
            name = self._name()
            self._take("\\in")
            domain = self._expression(6)
            self._take(":")
            body = self._within([name], self._expression)
            self._take("}")
            return ("filter", name, domain, body)
        items = self._listed(self._expression)
        self._take("}")
        return ("set", tuple(items))

    def _square(self) -> Tree:
        following = self._tokens[self._at + 1]
        if self._tokens[self._at].kind == "word" and following.text in ("\\in", "|->", ":"):
            return self._function() if following.text == "\\in" else self._record(following.text)
        tree = self._expression()
        if self._is("->"):
            self._take("->")
            tree = ("functions", tree, self._expression())
        else:
            self._take("EXCEPT")
            tree = ("except", tree, tuple(self._listed(self._change)))
        self._take("]")
        return tree

    def _function(self) -> Tree:
        name = self._name()
        self._take("\\in")
        domain = self._expression()
        self._take("|->")
        body = self._within([name], self._expression)
        self._take("]")
        return ("function", name, domain, body)

    def _record(self, sign: str) -> Tree:
        def one() -> tuple[str, Tree]:
            name = self._name()
            self._take(sign)
            return name, self._expression()

        fields = tuple(self._listed(one))
        self._take("]")
        return ("record" if sign == "|->" else "records", fields)

    def _change(self) -> tuple[tuple[Tree, ...], Tree]:
        self._take("!")
        path = []
        while self._is("["):
            self._take("[")
            path.append(self._expression())
            self._take("]")
        self._take("=")
        return tuple(path), self._expression()


def read_module(text: str, others: Mapping[str, Module] | None = None) -> Module:
    """A module as a tree; TlaError if it is not well-formed."""
    return Reader(text, others).read()
