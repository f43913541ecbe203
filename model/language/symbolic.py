"""The state as a spec's functions see it while they are traced: the same accessors as on plain values, on terms.

Reads are resolved at once against the writes so far (array theory: a choice per write whose index may be equal), and row
writes are evaluated at once, so that a row may mention itself and never sees later writes.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from model.language.declare import FnDecl
from model.language.errors import SpecError, author_line
from model.language.graph import Term, show
from model.language.primitives import Function, functions_of
from model.language.sorts import Bool, SeqOf, Symbolic, is_record
from model.language.spec import unknown
from model.language.transition import Forget, Receive, Send, Update
from model.language.values import build, equal_parts, parts_of, unset
from model.language.words import Built

if TYPE_CHECKING:
    from model.language.tracer import Tracer


class SymbolicState:
    """A spec's state on terms. `primed`: the second state of a step property."""

    def __init__(self, tracer: "Tracer", *, primed: bool = False) -> None:
        object.__setattr__(self, "_tracer", tracer)
        object.__setattr__(self, "_primed", primed)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        tracer: Tracer = self.__dict__["_tracer"]
        variables = tracer.spec.state.variables
        if name not in variables:
            raise SpecError(unknown("state variable", name, variables, "read"), "declare it in the State class")
        declaration = variables[name]
        if not isinstance(declaration, FnDecl):
            return NetworkAccess(tracer, name, primed=self.__dict__["_primed"])
        access = FunctionAccess(tracer, name, declaration, primed=self.__dict__["_primed"])
        return access if declaration.args else access.read(())

    def __setattr__(self, name: str, value: Any) -> None:
        tracer: Tracer = self.__dict__["_tracer"]
        declaration = tracer.spec.state.variables.get(name)
        if declaration is None:
            raise SpecError(
                unknown("state variable", name, tracer.spec.state.variables, "written"), "declare it in the State class"
            )
        if not isinstance(declaration, FnDecl):
            raise SpecError(f"assignment to the network s.{name}", "use .send(...), .forget(...) or .receive(...)")
        if declaration.args:
            raise SpecError(
                f"assignment to s.{name} as a whole", f"assign s.{name}[...] for one argument, or a row with ':'"
            )
        FunctionAccess(tracer, name, declaration, primed=self.__dict__["_primed"]).write((), value)


class FunctionAccess(Symbolic):
    """`s.epoch`: indexed to read and to write."""

    __slots__ = ("declaration", "functions", "name", "primed", "tracer")

    def __init__(self, tracer: "Tracer", name: str, declaration: FnDecl, *, primed: bool) -> None:
        self.tracer, self.name, self.declaration, self.primed = tracer, name, declaration, primed
        self.functions = functions_of(name, declaration)

    def __getitem__(self, key: Any) -> Any:
        return self.read(key if isinstance(key, tuple) else (key,))

    def __setitem__(self, key: Any, value: Any) -> None:
        self.write(key if isinstance(key, tuple) else (key,), value)

    def __iter__(self) -> NoReturn:
        raise SpecError(f"iteration over s.{self.name}", "quantify instead: forall(...), exists(...), count(...)")

    def __bool__(self) -> bool:
        raise SpecError(f"s.{self.name} used as a value", f"read s.{self.name}[...] of one argument")

    def __eq__(self, other: object) -> bool:
        raise SpecError(f"s.{self.name} compared as a whole", "quantify over its arguments")

    __hash__ = None  # type: ignore[assignment]

    def index(
        self, key: tuple[Any, ...], names: tuple[str, ...] | None = None
    ) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
        """The index terms of a key, and the variables, called `names`, that stand for its wildcards (None: refuse them)."""
        sorts = self.declaration.args
        if len(key) != len(sorts):
            raise SpecError(
                f"s.{self.name} takes {len(sorts)} argument{'s' if len(sorts) != 1 else ''}, {len(key)} given",
                f"write s.{self.name}[{', '.join(repr(s) for s in sorts)}]",
            )
        index: list[Term] = []
        wild: list[Term] = []
        for place, (part, sort) in enumerate(zip(key, sorts, strict=True)):
            if isinstance(part, slice):
                if names is None or (part.start, part.stop, part.step) != (None, None, None):
                    raise SpecError(f"a slice of s.{self.name}", "only assignments take ':', for a whole row")
                name = names[len(wild)] if len(wild) < len(names) else repr(sort).lower()
                variable = self.tracer.bound(name, len(wild), sort)
                wild.append(variable)
                index.append(variable)
            else:
                index.append(self.tracer.graph.coerce(part, sort, f"argument {place + 1} of s.{self.name}"))
        return tuple(index), tuple(wild)

    def read(self, key: tuple[Any, ...]) -> Any:
        """The value at a key: a snapshot, or for a sequence a live reference."""
        index, _ = self.index(key)
        if isinstance(self.declaration.result, SeqOf):
            return SequenceReference(self, index)
        parts = tuple(self.tracer.read(f, index, primed=self.primed) for f in self.functions)
        return build(self.tracer.graph, self.declaration.result, parts)

    def write(self, key: tuple[Any, ...], value: Any) -> None:
        """Assign one value or a row, evaluated now."""
        self.tracer.check_write(f"s.{self.name}")
        rows = sum(isinstance(part, slice) for part in key)
        row = f"the row of s.{self.name}"
        index, wild = self.index(key, self.tracer.parameter_names(value, row, rows) if rows and callable(value) else ())
        if wild and callable(value):
            value = self.tracer.body(value, wild, row, len(wild))
        elif callable(value):
            raise SpecError(
                f"a function assigned to s.{self.name}", f"assign a value, or a row: s.{self.name}[..., :] = lambda ..."
            )
        if isinstance(self.declaration.result, SeqOf):
            self._write_sequence(index, wild, value)
            return
        what = f"the value of s.{self.name}"
        parts = parts_of(self.tracer.graph, value, self.declaration.result, what)
        self.assign([(f, index, wild, part) for f, part in zip(self.functions, parts, strict=True)])

    def assign(self, writes: list[tuple[Function, tuple[Term, ...], tuple[Term, ...], Term]]) -> None:
        """Record writes whose values were all read before the first of them."""
        where = author_line()
        for function, index, wild, value in writes:
            self.tracer.write(Update(function.name, index, wild, value, where))

    def _write_sequence(self, index: tuple[Term, ...], wild: tuple[Term, ...], value: Any) -> None:
        graph, length = self.tracer.graph, self.functions[0]
        position = self.tracer.bound("position", len(wild), length.result)
        if isinstance(value, SequenceReference):
            if value.access.declaration.result.record is not self.declaration.result.record:
                raise SpecError(
                    f"a sequence of another record class assigned to s.{self.name}", "the classes must be the same"
                )
            size, cells = value.length, value.cells(position)
        elif type(value) is tuple:
            size = graph.const(len(value), length.result)
            cells = unset(graph, self.declaration.result.record)
            for place, record in reversed(list(enumerate(value, 1))):
                parts = parts_of(graph, record, self.declaration.result.record, f"an element of s.{self.name}")
                here = graph.make("eq", (position, graph.const(place, length.result)), Bool)
                cells = tuple(graph.make("ite", (here, a, b), a.sort) for a, b in zip(parts, cells, strict=True))
        elif isinstance(value, Built):
            size, cells = self._built(value, position, len(wild))
        else:
            raise SpecError(
                f"s.{self.name} holds sequences, but {value!r} was given",
                "copy one (s.log[m]), give () or a tuple of records, or sequence(length, lambda i: ...)",
            )
        self.assign(
            [
                (length, index, wild, size),
                *(
                    (f, (*index, position), (*wild, position), cell)
                    for f, cell in zip(self.functions[1:], cells, strict=True)
                ),
            ]
        )

    def _built(self, value: Built, position: Term, wild: int) -> tuple[Term, tuple[Term, ...]]:
        """Length and cells of a sequence given by its elements."""
        graph, record = self.tracer.graph, self.declaration.result.record
        size = graph.coerce(value.length, position.sort, f"the length of s.{self.name}")
        element = self.tracer.body(value.element, (position,), f"an element of s.{self.name}", wild + 1)
        parts = parts_of(graph, element, record, f"an element of s.{self.name}")
        inside = graph.make("le", (position, size), Bool)
        low = unset(graph, record)
        return size, tuple(graph.make("ite", (inside, a, b), a.sort) for a, b in zip(parts, low, strict=True))


class SequenceReference(Symbolic):
    """A live reference to one sequence of the state: it sees later writes; an element read from it is a snapshot."""

    __slots__ = ("access", "key")

    def __init__(self, access: FunctionAccess, key: tuple[Term, ...]) -> None:
        self.access, self.key = access, key

    def __repr__(self) -> str:
        return f"s.{self.access.name}[{', '.join(show(k) for k in self.key)}]"

    @property
    def length(self) -> Term:
        """The number of elements."""
        access = self.access
        return access.tracer.read(access.functions[0], self.key, primed=access.primed)

    def cells(self, position: Term) -> tuple[Term, ...]:
        """The components of the element at a position; the defaults outside of 1 .. length."""
        access = self.access
        return tuple(access.tracer.read(f, (*self.key, position), primed=access.primed) for f in access.functions[1:])

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            raise SpecError(f"a slice of {self!r}", "use .truncate(k), or quantify over positions")
        if isinstance(position, int) and position < 0:
            raise SpecError(f"position {position} of {self!r}", "positions are 1 .. length; the end is .last")
        sort = self.access.functions[0].result
        return self._element(self.access.tracer.graph.coerce(position, sort, f"a position in {self!r}"))

    def _element(self, position: Term) -> Any:
        return build(self.access.tracer.graph, self.access.declaration.result.record, self.cells(position))

    @property
    def last(self) -> Any:
        """The last element, or the default record of an empty sequence."""
        return self._element(self.length)

    def append(self, record: Any) -> None:
        """Add one element at the end."""
        access, graph = self.access, self.access.tracer.graph
        access.tracer.check_write(f"{self!r}")
        size = access.functions[0]
        parts = parts_of(graph, record, access.declaration.result.record, f"an element of s.{access.name}")
        place = graph.arithmetic("add", self.length, 1)
        cells = zip(access.functions[1:], parts, strict=True)
        access.assign([(size, self.key, (), place), *((f, (*self.key, place), (), part) for f, part in cells)])

    def truncate(self, length: Any) -> None:
        """Keep the first `length` elements (all of them if there are fewer)."""
        access, graph = self.access, self.access.tracer.graph
        access.tracer.check_write(f"{self!r}")
        kept = graph.coerce(length, access.functions[0].result, f"the length to which {self!r} is cut")
        shorter = access.tracer.known(graph.make("lt", (kept, self.length), Bool))
        position = access.tracer.bound("position", 0, kept.sort)
        inside = graph.make("le", (position, kept), Bool)
        self._rewrite(
            graph.make("ite", (shorter, kept, self.length), kept.sort),
            position,
            [
                graph.make("ite", (inside, old, low), old.sort)
                for old, low in zip(self.cells(position), self._low(), strict=True)
            ],
        )

    def pop_first(self) -> None:
        """Drop the first element; an empty sequence stays empty."""
        access, graph = self.access, self.access.tracer.graph
        access.tracer.check_write(f"{self!r}")
        size, sort = self.length, access.functions[0].result
        zero, one = graph.const(0, sort), graph.const(1, sort)
        empty = access.tracer.known(graph.make("eq", (size, zero), Bool))
        position = access.tracer.bound("position", 0, sort)
        before = graph.make("eq", (position, zero), Bool)
        following = self.cells(graph.make("add", (position, one), sort))
        self._rewrite(
            graph.make("ite", (empty, zero, graph.make("sub", (size, one), sort)), sort),
            position,
            [graph.make("ite", (before, low, new), new.sort) for new, low in zip(following, self._low(), strict=True)],
        )

    def _low(self) -> tuple[Term, ...]:
        return unset(self.access.tracer.graph, self.access.declaration.result.record)

    def _rewrite(self, size: Term, position: Term, cells: list[Term]) -> None:
        access = self.access
        pairs = zip(access.functions[1:], cells, strict=True)
        access.assign(
            [
                (access.functions[0], self.key, (), size),
                *((f, (*self.key, position), (position,), cell) for f, cell in pairs),
            ]
        )

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, SequenceReference):
            raise SpecError(f"{self!r} compared with {other!r}", "compare two sequences, or .length and elements")
        graph, sort = self.access.tracer.graph, self.access.functions[0].result
        position = self.access.tracer.bound("position", 0, sort)
        record = self.access.declaration.result.record
        if other.access.declaration.result.record is not record:
            raise SpecError(
                f"{self!r} compared with {other!r}, of another record class", "compare sequences of one class"
            )
        inside = graph.make("le", (position, self.length), Bool)
        same = equal_parts(graph, record, self.cells(position), other.cells(position))
        everywhere = graph.make("forall", ((position,), graph.make("implies", (inside, same), Bool)), Bool)
        return graph.make("and", (graph.make("eq", (self.length, other.length), Bool), everywhere), Bool)

    def __ne__(self, other: object) -> Any:
        return self.access.tracer.graph.negation(self == other)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise SpecError(f"{self!r} used as a truth value", "compare .length with 0")

    def __len__(self) -> NoReturn:
        raise SpecError(f"len({self!r})", "write .length")

    def __iter__(self) -> NoReturn:
        raise SpecError(f"iteration over {self!r}", "quantify over positions: forall(Index, lambda i: ...)")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise SpecError(f"a sequence has no .{name}", "it has .length, [i], .last, .append, .truncate and .pop_first")


class NetworkAccess(Symbolic):
    """`s.vote_requests`: a message set or a bag."""

    __slots__ = ("name", "network", "primed", "tracer")

    def __init__(self, tracer: "Tracer", name: str, *, primed: bool) -> None:
        self.tracer, self.name, self.primed = tracer, name, primed
        self.network = tracer.networks[name]

    def _fields(self, message: Any, doing: str) -> tuple[Term, ...]:
        record = self.network.record
        if not (is_record(type(message)) or isinstance(message, Symbolic)):
            raise SpecError(f"{message!r} {doing} s.{self.name}", f"give a {record!r}")
        return parts_of(self.tracer.graph, message, record, f"what is {doing} s.{self.name}")

    def send(self, message: Any) -> None:
        """Add a message."""
        self.tracer.check_write(f"s.{self.name}")
        self.tracer.effect(Send(self.name, self._fields(message, "sent on"), author_line()))

    def forget(self, chosen: Callable[[Any], Any]) -> None:
        """Remove the messages that satisfy the condition."""
        self.tracer.check_write(f"s.{self.name}")
        bound, body = self._body(chosen, "forget")
        self.tracer.effect(Forget(self.name, bound, body, author_line()))

    def receive(self, message: Any) -> None:
        """Take one copy out of a bag; disabled if there is none."""
        if not self.network.is_bag:
            raise SpecError(
                f"receive on the message set s.{self.name}", "sets only grow; take a parameter, or declare a Bag"
            )
        self.tracer.check_write(f"s.{self.name}")
        fields = self._fields(message, "received from")
        if self.tracer.written(self.name):
            raise SpecError(f"s.{self.name} received from after it was changed", "receive first, and once per action")
        self.tracer.guard(self.tracer.graph.make("contains", (self.name, *fields), Bool))
        self.tracer.effect(Receive(self.name, fields, author_line()))

    def contains(self, message: Any) -> Term:
        """Whether the message is there."""
        graph, fields = self.tracer.graph, self._fields(message, "looked for in")
        found = graph.make("contains", (self._label(), *fields), Bool)
        for effect in self._changes():
            if isinstance(effect, Send):
                found = graph.make("or", (equal_parts(graph, self.network.record, fields, effect.fields), found), Bool)
            else:
                forgotten = graph.substitute(effect.body, {v.id: f for v, f in zip(effect.bound, fields, strict=True)})
                found = graph.make("and", (graph.make("not", (forgotten,), Bool), found), Bool)
        return self.tracer.known(found)

    def forall(self, body: Callable[[Any], Any]) -> Term:
        """Whether all messages satisfy the body."""
        bound, condition = self._body(body, "forall")
        return self._quantify("forall_in", "implies", "and", bound, condition)

    def exists(self, body: Callable[[Any], Any]) -> Term:
        """Whether some message satisfies the body."""
        bound, condition = self._body(body, "exists")
        return self._quantify("exists_in", "and", "or", bound, condition)

    def _quantify(self, op: str, restrict: str, join: str, bound: tuple[Term, ...], body: Term) -> Term:
        """The quantifier over the messages before the step that are still there, joined with those sent since."""
        graph, changes = self.tracer.graph, self._changes()
        kept, sent = body, []
        for place, effect in enumerate(changes):
            if isinstance(effect, Send):
                one = {v.id: f for v, f in zip(bound, effect.fields, strict=True)}
                claim = graph.substitute(body, one)
                for later in changes[place + 1 :]:
                    if isinstance(later, Forget):
                        gone = graph.substitute(
                            later.body, {v.id: f for v, f in zip(later.bound, effect.fields, strict=True)}
                        )
                        claim = graph.make(restrict, (graph.make("not", (gone,), Bool), claim), Bool)
                sent.append(claim)
            else:
                gone = graph.substitute(effect.body, {v.id: b for v, b in zip(effect.bound, bound, strict=True)})
                kept = graph.make(restrict, (graph.make("not", (gone,), Bool), kept), Bool)
        old = graph.make(op, (self._label(), bound, kept), Bool)
        return graph.make(join, (old, *sent), Bool) if sent else old

    def _label(self) -> str:
        return f"{self.name}'" if self.primed else self.name

    def _changes(self) -> list[Send | Forget]:
        """The effects of this action so far that a read has to see."""
        if self.tracer.initial:
            raise SpecError(f"s.{self.name} read in init", "init only assigns and sends")
        changes = [] if self.primed else self.tracer.changes(self.name)
        exact = [e for e in changes if isinstance(e, Send | Forget)]
        newest = not self.network.is_bag and bool(self.network.declaration.newest)  # type: ignore[union-attr]
        if len(exact) < len(changes) or (exact and newest):
            raise SpecError(f"s.{self.name} read after it was changed in the same action", "read it before")
        return exact

    def _body(self, function: Callable[[Any], Any], word: str) -> tuple[tuple[Term, ...], Term]:
        tracer, fields = self.tracer, self.network.fields
        prefix = tracer.parameter_names(function, f"s.{self.name}.{word}", 1)[0]
        bound = tuple(tracer.bound(f"{prefix}.{field}", 0, sort) for field, sort in fields)
        message = build(tracer.graph, self.network.record, bound)
        result = tracer.body(function, (message,), f"s.{self.name}.{word}", 1)
        return bound, tracer.graph.coerce(result, Bool, f"the body of s.{self.name}.{word}")

    def __iter__(self) -> NoReturn:
        raise SpecError(
            f"iteration over s.{self.name}", f"take a parameter `m: {self.network.record!r}`, or use .forall, .exists"
        )

    def __len__(self) -> NoReturn:
        raise SpecError(f"len(s.{self.name})", "networks are not counted; use .exists or a counter")

    def __bool__(self) -> bool:
        raise SpecError(f"s.{self.name} used as a truth value", "use .exists(lambda m: ...)")

    def __contains__(self, message: Any) -> bool:
        raise SpecError(f"`in s.{self.name}`", "write .contains(message)")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise SpecError(
            f"a network has no .{name}", "it has .send, .forget, .contains, .forall and .exists; a Bag also .receive"
        )
