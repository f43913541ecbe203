"""A spec as a TLA+ module that reads as if a person had written it, and the configurations with which TLC checks it.

The module is the same for all bounds: they are constants, given in the configuration. It has the same states and steps as the spec
within the same bounds: TLC's numbers of distinct and generated states, its depth and its counts per action are the explorer's.
"""

import inspect
from collections.abc import Iterator, Mapping

from attrs import field, frozen

from model.engines.export.actions import Actions
from model.engines.export.layout import Bullets, Doc, Headed, Let, Listing, Names, Row, Text, lay
from model.engines.export.names import camel, identifier
from model.engines.export.terms import Terms
from model.engines.export.unset import Unset
from model.engines.export.updates import Updates
from model.engines.export.vocabulary import Variable, Vocabulary
from model.language import Property, Spec
from model.language.declare import STALE, FnDecl
from model.language.ground import Expander
from model.language.primitives import Network
from model.language.sorts import Abstract, Bounds, Enum, Node, OptionOf, Ordinal, Quorum, SeqOf
from model.language.spec import FAIRNESS
from model.language.trace import trace
from model.language.transition import TracedProperty, TracedSpec, Update

RULER = 78
FAIR, SYMMETRIC = "Fair", "Symmetric"
"""What the names of the modules end in that say what is fair, and that the names of nodes do not matter."""


@frozen
class Companion:
    """A module that extends the main one, with its configuration."""

    name: str
    text: str = field(repr=False)
    cfg: str = field(repr=False)


@frozen
class TlaModule:
    """A module and its configurations: `cfg` checks what must hold; `reach` has what must be violated, since it denies a `sometimes`.

    `fair` checks liveness, if there is any; `symmetric` is the same check as `cfg` up to the names of nodes, if that was asked for.
    `actions` and `properties` say what they are called in the module; both as name in the spec -> operator. `words` has all names.
    """

    name: str
    text: str = field(repr=False)
    cfg: str = field(repr=False)
    reach: str = field(repr=False)
    actions: Mapping[str, str]
    properties: Mapping[str, str]
    words: Vocabulary = field(repr=False, eq=False)
    fair: Companion | None = None
    symmetric: Companion | None = None


def export_tla(spec: Spec, bounds: Bounds, *, symmetry: bool = False) -> TlaModule:
    """The TLA+ module of a spec and its configurations for bounds (missing ones: the spec's defaults).

    With `symmetry` there is a module by which TLC takes states for the same that are but for the names of the nodes; whether that
    is sound is for the caller to know.

    Raises BoundsError for impossible bounds, SpecError for a spec that cannot be traced.
    """
    complete = spec.complete_bounds(bounds)
    traced = trace(spec)
    Expander(traced, complete).initial()  # refuses bounds that are too small for the initial state
    writer = _Writer(traced)
    text = writer.module()
    fair = symmetric = None
    if writer.liveness():
        cfg = writer.configuration(complete, [], writer.liveness(), behaviour="FairSpec")
        fair = Companion(f"{writer.name}{FAIR}", writer.fair(), cfg)
    if symmetry:
        # TLC does not check properties of steps up to symmetry soundly: they are temporal formulas to it.
        cfg = writer.configuration(complete, writer.invariants(), [], symmetry="NodeSymmetry")
        symmetric = Companion(f"{writer.name}{SYMMETRIC}", writer.symmetric(), cfg)
    return TlaModule(
        name=writer.name,
        text=text,
        cfg=writer.configuration(complete, writer.invariants(), writer.action_properties()),
        reach=writer.configuration(complete, *writer.denials()),
        actions=dict(writer.words.actions),
        properties=dict(writer.words.properties),
        words=writer.words,
        fair=fair,
        symmetric=symmetric,
    )


class _Writer:
    def __init__(self, traced: TracedSpec) -> None:
        self.traced, self.spec = traced, traced.spec
        self.words = Vocabulary(traced)
        self.unset = Unset(self.words)
        self.terms = Terms(self.words, self.unset)
        self.updates, self.actions = Updates(self.terms), Actions(self.terms)
        self.name = camel(self.spec.name)

    # ---- the module
    def module(self) -> str:
        """The text of the module. Bodies come first, since they decide which helpers are defined."""
        init = self._definition(self.words.init, Bullets(tuple(self._init())), "")
        actions = [
            self._definition(*definition, (inspect.getdoc(a.action.function) or "") if place == 0 else "")
            for a in self.traced.actions
            for place, definition in enumerate(self.actions.definitions(a))
        ]
        steps = Bullets(tuple(Text(self.actions.step(a)) for a in self.traced.actions))
        following = "\n".join([f"{self.words.next} ==", *_disjunction(steps)])
        triggers_first = sorted(self.traced.properties, key=lambda p: p.property.kind != "trigger")
        properties = [p for prop in triggers_first for p in self._property(prop)]
        types = self._definition(self.words.type_ok, Bullets(tuple(self._types())), "The types of the variables.")
        behaviour = f"{self.words.spec} == {self.words.init} /\\ [][{self.words.next}]_{self.words.vars}"
        rules = self._rules()
        helpers = [*self._sorts(), *self._helpers(), *rules]
        body = [*helpers, types, init, *actions, following, behaviour, *properties]
        parts = [self._head(), self._constants(), self._variables(), *body]
        return "\n\n".join(filter(None, parts)) + f"\n\n{'=' * RULER}\n"

    def _head(self) -> str:
        title = f" MODULE {self.name} "
        dashes = "-" * ((RULER - len(title)) // 2)
        bug = f", with the bug {self.spec.bug}" if self.spec.bug else ""
        about = [
            f"{self.spec.title}{bug}.",
            "",
            f"Written by Lockstep from the spec {self.spec.name}; the same for all bounds, which the configuration gives.",
            "A step that would exceed a bound is not taken. A guard (a \\/ b) = TRUE is one guard: TLC takes a bare disjunction",
            "for two steps and would count both. States without a successor are no errors (CHECK_DEADLOCK FALSE).",
        ]
        modules = "Integers, Sequences, FiniteSets" + (", Bags" if any(n.is_bag for n in self._networks()) else "")
        return "\n".join([f"{dashes}{title}{dashes}", *_comment("\n".join(about)), f"EXTENDS {modules}"])

    def _networks(self) -> Iterator[Network]:
        return iter(self.traced.networks.values())

    def _used(self, name: str) -> bool:
        return name in self.words.used

    def _constants(self) -> str:
        lines = [f"{name}: {about}" for name, about, _ in self._settings({})]
        names = [name for name, _, _ in self._settings({})]
        return "" if not names else "\n".join([f"CONSTANTS {', '.join(names)}", *(f"\\* {line}" for line in lines)])

    def _settings(self, bounds: Bounds) -> list[tuple[str, str, str]]:
        """The constants: name, what it is, and its value within bounds (none given: no value)."""
        found = []
        for sort, name in self.words.sorts.items():
            if issubclass(sort, Abstract) and self._used(name):
                letter = "n" if sort is Node else sort.__name__.lower()
                elements = ", ".join(f"{letter}{i + 1}" for i in range(bounds.get(sort.bound, 0)))
                found.append((name, _first_line(sort), f"{{{elements}}}"))
        if self._used(self.words.nil):
            found.append(
                (self.words.nil, "no element: an empty Option, or an element that nobody has named yet", self.words.nil)
            )
        for bound, name in self.words.limits.items():
            if self._used(name):
                found.append((name, f"the bound {bound}", str(bounds.get(bound, 0))))
        if self._used(self.words.stale):
            about = "whether messages that a newer one has replaced may still arrive"
            found.append((self.words.stale, about, "TRUE" if bounds.get(STALE, 0) else "FALSE"))
        return found

    def _variables(self) -> str:
        about = _comment(inspect.getdoc(self.spec.state) or "")
        names = Names("VARIABLES ", self.words.names, "")
        all_ = Names(f"{self.words.vars} == <<", self.words.names, ">>")
        return "\n".join([*about, *lay(names, 0), *lay(all_, 0)])

    # ---- what bodies refer to
    def _sorts(self) -> Iterator[str]:
        for sort, name in self.words.sorts.items():
            if not self._used(name) or issubclass(sort, Abstract):
                continue
            if issubclass(sort, Ordinal):
                text = f"0..{self.words.limit(sort)}"
            elif issubclass(sort, Enum):
                text = "{" + ", ".join(f'"{m}"' for m in sort.members) + "}"
            else:
                quorum = self.words.use(self.words.is_quorum)
                text = f"{{q \\in SUBSET {self.words.domain(Node)} : {quorum}(q)}}"
                yield self._is_quorum()
            yield self._definition(name, Text(text), inspect.getdoc(sort) or "")

    def _is_quorum(self) -> str:
        nodes = self.words.domain(Node)
        body = Text(f"2 * Cardinality(members) > Cardinality({nodes})")
        return self._definition(f"{self.words.is_quorum}(members)", body, "A majority of the nodes.")

    def _helpers(self) -> Iterator[str]:
        if self._used(self.words.is_quorum) and not self._used(self.words.sorts.get(Quorum, "")):
            yield self._is_quorum()
        two = ("a", "b")
        with self.words.scope.inner():
            a, b = self.words.scope.claim_all(two)
            for name, sign in ((self.words.min, f"{a} ELSE {b}"), (self.words.max, f"{b} ELSE {a}")):
                if self._used(name) or (name == self.words.min and self._used(self.words.prefix)):
                    yield f"{name}({a}, {b}) == IF {a} < {b} THEN {sign}"
            s, k = self.words.scope.claim_all(("s", "k"))
            if self._used(self.words.prefix):
                cut = f"SubSeq({s}, 1, {self.words.min}({k}, Len({s})))"
                yield f"\\* The first k elements of a sequence.\n{self.words.prefix}({s}, {k}) == {cut}"
            if self._used(self.words.rest):
                yield f"\\* A sequence without its first element.\n{self.words.rest}({s}) == IF {s} = <<>> THEN {s} ELSE Tail({s})"
            if self._used(self.words.keep):
                bag, kept, m = self.words.scope.claim_all(("bag", "kept", "m"))
                body = f"[{m} \\in BagToSet({bag}) \\cap {kept} |-> {bag}[{m}]]"
                yield f"\\* The copies of some messages in a bag.\n{self.words.keep}({bag}, {kept}) == {body}"
        yield from self._record_helpers()
        yield from self._senders()

    def _record_helpers(self) -> Iterator[str]:
        for record in self.words.records:
            missing, at = self.words.missing[record], self.words.reading[record]
            if self._used(missing) or self._used(at):
                yield f"{missing} == {self.words.no_record(record)}"
            if self._used(at):
                with self.words.scope.inner():
                    s, i = self.words.scope.claim_all(("s", "i"))
                    about = "\\* The element at a position, or the record of defaults outside of the sequence."
                    yield f"{about}\n{at}({s}, {i}) == IF {i} \\in 1..Len({s}) THEN {s}[{i}] ELSE {missing}"

    def _senders(self) -> Iterator[str]:
        for network in self._networks():
            name = self.words.sending[network.name]
            if not self._used(name):
                continue
            with self.words.scope.inner():
                sent, new, m = self.words.scope.claim_all(("sent", "new", "m"))
                stale = self.words.use(self.words.stale)
                key = [identifier(f) for f in network.declaration.newest]  # type: ignore[union-attr]
                others = " \\/ ".join([stale, *(f"{m}.{f} # {new}.{f}" for f in key)])
                about = (
                    f"\\* A new message replaces the one with the same {', '.join(key)}, unless messages may be stale."
                )
                yield f"{about}\n{name}({sent}, {new}) == {{{m} \\in {sent} : {others}}} \\cup {{{new}}}"

    def _rules(self) -> list[str]:
        """The rules that are called; printing one may call others."""
        done: dict[str, str] = {}
        before = -1
        while before < len(done):
            before = len(done)
            for (rule, place), name in self.words.rules.items():
                if self._used(name) and name not in done:
                    definition = self.traced.rules[rule][place]
                    with self.terms.binding(definition.formals) as names:
                        body = self.terms.doc(definition.body, unfold=True)
                        function = self.spec.overrides.get(rule, self.spec.rules[rule].function)
                        done[name] = self._definition(
                            f"{name}({', '.join(names)})", body, inspect.getdoc(function) or ""
                        )
        return list(reversed(done.values()))  # what is called stands before what calls it

    @staticmethod
    def _definition(head: str, body: Doc, doc: str) -> str:
        """`head == body` with a comment above it."""
        line = Row((Text(f"{head} == "), body))
        lines = [line.flat] if len(line.flat) <= RULER else Headed(f"{head} ==", body).broken(0)
        if isinstance(body, Bullets) or (isinstance(body, Headed) and isinstance(body.body, Bullets | Let)):
            lines = Headed(f"{head} ==", body).broken(0)
        return "\n".join([*_comment(doc), *lines])

    # ---- state
    def _init(self) -> Iterator[Doc]:
        initial = {f: tuple(u) for f, u in self.traced.initial.items()}
        for name in self.spec.state.variables:
            if name in self.words.networks:
                network = self.traced.networks[name]
                effects = tuple(e for e in self.traced.initial_effects if e.network == name)
                empty = Text("EmptyBag" if network.is_bag else "{}")
                yield Row((Text(f"{self.words.networks[name]} = "), self.updates.network(network, effects, empty)))
            for variable in self.words.variables:
                if variable.functions[0].split(".")[0] == name:
                    yield Row((Text(f"{variable.name} = "), self._first(variable, initial)))

    def _first(self, variable: Variable, initial: dict[str, tuple[Update, ...]]) -> Doc:
        if variable.functions[0] in initial:
            return self.updates.variable(variable, initial, None)
        return self.updates.default(variable)

    def _types(self) -> Iterator[Doc]:
        for name, declaration in self.spec.state.variables.items():
            if not isinstance(declaration, FnDecl):
                network = self.traced.networks[name]
                yield Row((Text(f"{self.terms.messages(name)} \\subseteq "), self._message_type(network)))
            for variable in self.words.variables:
                if variable.functions[0].split(".")[0] == name:
                    text = self._type(variable.type)
                    for sort in reversed(variable.args):
                        text = f"[{self.words.domain(sort)} -> {text}]"
                    yield Text(f"{variable.name} \\in {text}")

    def _type(self, type_: object) -> str:
        if isinstance(type_, SeqOf):
            fields = (f"{identifier(f)} : {self._field(t)}" for f, t in type_.record.fields.items())
            return f"Seq([{', '.join(fields)}])"
        return self._field(type_)

    def _field(self, type_: object, *, unset: bool = True) -> str:
        """The set of a field's values; an abstract one may be unset in a record of defaults."""
        if unset and not isinstance(type_, OptionOf) and issubclass(type_, Abstract | Quorum):  # type: ignore[arg-type]
            return self.words.domain(OptionOf(type_))  # type: ignore[arg-type]
        return self.words.domain(type_)

    def _message_type(self, network: Network) -> Doc:
        fields: list[Doc] = []
        places = {field: place for place, (field, _) in enumerate(network.fields)}
        for name, type_ in network.record.fields.items():
            unset = name in places and self.unset.field(network.name, places[name])
            fields.append(Text(f"{identifier(name)} : {self._field(type_, unset=unset)}"))
        return Listing("[", tuple(fields), "]")

    # ---- properties
    def _property(self, traced: TracedProperty) -> Iterator[str]:
        prop = traced.property
        name = self.words.properties[prop.name]
        body = self.terms.doc(traced.term)
        if prop.kind == "step":
            body = Row((Text("[]["), body, Text(f"]_{self.words.vars}")))
        if prop.kind == "eventually":
            before = "<>(" if prop.after is None else f"{self.words.properties[prop.after.name]} ~> ("
            body = Row((Text(before), body, Text(")")))
        doc = inspect.cleandoc(prop.doc)
        if prop.kind == "eventually":
            doc += f"\nHolds of fair behaviours only: see {self.name}{FAIR}."
        yield self._definition(name, body, doc)
        if prop.kind == "sometimes":
            never = f"~{name}" if prop.states == 1 else f"[][~{name}]_{self.words.vars}"
            yield self._definition(self.words.never[prop.name], Text(never), "Must be violated: it is reachable.")

    def _of_kind(self, kind: str) -> list[Property]:
        return [p.property for p in self.traced.properties if p.property.kind == kind]

    def invariants(self) -> list[str]:
        """The invariants."""
        return [self.words.properties[p.name] for p in self._of_kind("always")]

    def action_properties(self) -> list[str]:
        """The properties of steps. Those of liveness are checked with the module that says what is fair."""
        return [self.words.properties[p.name] for p in self._of_kind("step")]

    def denials(self) -> tuple[list[str], list[str]]:
        """What denies a `sometimes`: of a state, and of a step."""
        found = self._of_kind("sometimes")
        return tuple([self.words.never[p.name] for p in found if p.states == n] for n in (1, 2))  # type: ignore[return-value]

    def fair(self) -> str:
        """The module that says what is fair: the behaviours of which liveness holds."""
        messages = {network.name: self._message_type(network).flat for network in self._networks()}
        formulas = []
        for action in self.traced.actions:
            kind = self.spec.fairness.get(action.name)
            if kind is not None:
                formulas.append(self.actions.fairness(action, *FAIRNESS[kind], messages))
        title = f" MODULE {self.name}{FAIR} "
        dashes = "-" * ((RULER - len(title)) // 2)
        about = [
            f"Which actions of {self.name} are fair, and how: liveness holds of such behaviours.",
            "",
            "A step that would exceed a bound is not taken here, and so its action is not enabled. Where runs leave the bounds",
            "Lockstep says that liveness is unknown; TLC's verdict is about runs within the bounds.",
        ]
        parts = [
            "\n".join([f"{dashes}{title}{dashes}", *_comment("\n".join(about)), f"EXTENDS {self.name}"]),
            "\n".join(["Fairness ==", *(f"  /\\ {formula}" for formula in formulas or ["TRUE"])]),
            f"FairSpec == {self.words.spec} /\\ Fairness",
        ]
        return "\n\n".join(parts) + f"\n\n{'=' * RULER}\n"

    def liveness(self) -> list[str]:
        """The properties of liveness."""
        return [self.words.properties[p.name] for p in self._of_kind("eventually")]

    def symmetric(self) -> str:
        """The module that says that the names of nodes do not matter."""
        title = f" MODULE {self.name}{SYMMETRIC} "
        dashes = "-" * ((RULER - len(title)) // 2)
        nodes = self.words.domain(Node)
        head = f"{dashes}{title}{dashes}\n\\* States that are the same but for the names of the nodes are one.\nEXTENDS {self.name}, TLC"
        return f"{head}\n\nNodeSymmetry == Permutations({nodes})\n\n{'=' * RULER}\n"

    def configuration(
        self, bounds: Bounds, invariants: list[str], steps: list[str], *, behaviour: str = "", symmetry: str = ""
    ) -> str:
        """A configuration for TLC."""
        settings = self._settings(bounds)
        lines = ["CONSTANTS", *(f"  {name} = {value}" for name, _, value in settings), ""] if settings else []
        lines += [f"SPECIFICATION {behaviour or self.words.spec}", "CHECK_DEADLOCK FALSE"]
        lines += [f"SYMMETRY {symmetry}"] if symmetry else []
        for word, names in (("INVARIANTS", invariants), ("PROPERTIES", steps)):
            if names:
                lines += ["", word, *(f"  {name}" for name in names)]
        return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return [f"\\* {line}".rstrip() for line in text.strip().splitlines()] if text.strip() else []


def _first_line(sort: type) -> str:
    return (inspect.getdoc(sort) or sort.__name__).splitlines()[0].rstrip(".")


def _disjunction(steps: Bullets) -> list[str]:
    return [f"  \\/ {item.flat}" for item in steps.items]
