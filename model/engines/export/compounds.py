"""Values of several components put together again: Options from flag and value, records from fields, the arguments of rules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from model.engines.export.layout import Choice, Doc, Listing, Row, Text
from model.engines.export.names import identifier
from model.engines.export.unset import is_option_value
from model.language.graph import Term, children
from model.language.sorts import Bool, OptionOf, is_record
from model.language.transition import RuleCall

if TYPE_CHECKING:
    from model.engines.export.terms import Terms

OPEN = 0
"""The precedence of a place where nothing needs brackets."""


class Compounds:
    """Writes values that are more than one term."""

    def __init__(self, terms: "Terms") -> None:
        self.terms = terms

    def whole(self, some: Term, value: Term, level: int = OPEN) -> Doc:
        """An Option from its flag and its value."""
        if some.op == "const":
            return self.terms.doc(value, level) if some.args[0] else Text(self.terms.nil())
        if self.terms.belong(some, value):
            return self.terms.doc(value, level)
        if value.op == "ite":
            condition = value.args[0]
            branches = [
                self.whole(self.assume(some, condition, truth), part)
                for truth, part in ((True, value.args[1]), (False, value.args[2]))
            ]
            doc: Doc = Choice(self.terms.doc(condition), *branches)
        else:
            doc = Choice(self.terms.doc(some), self.terms.doc(value), Text(self.terms.nil()))
        return Row((Text("("), doc, Text(")"))) if level > OPEN else doc

    def assume(self, term: Term, condition: Term, truth: bool) -> Term:
        """A term where a condition is known (it may stay as it is below quantifiers)."""
        if term is condition:
            return self.terms.graph.const(truth, Bool)
        if term.op in ("and", "or", "not", "implies", "ite"):
            args = tuple(self.assume(a, condition, truth) for a in children(term))
            return self.terms.graph.make(term.op, args, term.sort, term.where)
        return term

    def record(self, record: Any, parts: tuple[Term, ...]) -> Doc:
        """A record from its components: by its name if it is one that is at hand."""
        known = self._known_record(parts)
        if known is not None:
            return Text(known)
        return Listing("[", tuple(self.fields(record, parts)), "]")

    def fields(self, record: Any, parts: tuple[Term, ...]) -> Iterator[Doc]:
        """`field |-> value` for every field of a record."""
        rest = iter(parts)
        for name, type_ in record.fields.items():
            value = self.value(type_, (next(rest), next(rest)) if isinstance(type_, OptionOf) else (next(rest),))
            yield Row((Text(f"{identifier(name)} |-> "), value))

    def value(self, type_: Any, parts: tuple[Term, ...], level: int = OPEN) -> Doc:
        """A value of a basic sort, an Option or a record from its components."""
        if isinstance(type_, OptionOf):
            return self.whole(parts[0], parts[1], level)
        if is_record(type_):
            return self.record(type_, parts)
        return self.terms.doc(parts[0], level)

    def _known_record(self, parts: tuple[Term, ...]) -> str | None:
        """The message or the element of a sequence whose components these are, all of them and in order."""
        texts = []
        for part in parts:
            if part.op not in ("var", "app") or part.id in self.terms.names:
                return None
            option = self.terms.option(part)
            texts.append(option if option is not None else self.terms.flat(part))
        root = texts[0].rpartition(".")[0]
        if not root or any(text.rpartition(".")[0] != root for text in texts):
            return None
        return root if self._has_components(root, parts) else None

    def _has_components(self, root: str, parts: tuple[Term, ...]) -> bool:
        """Whether something called `root` consists of exactly these terms: a bound message, or an element of a sequence."""
        if all(p.op == "var" for p in parts):
            mine = [v for v, (text, _) in self.terms.environment.items() if text.startswith(f"{root}.")]
            return mine == [p.id for p in parts]
        if not all(p.op == "app" for p in parts):
            return False
        variable = self.terms.words.functions[parts[0].args[0].removesuffix("'")].variable
        return tuple(p.args[0].removesuffix("'") for p in parts) == variable.functions[1:]

    # ---- rules
    def call(self, call: RuleCall) -> Doc:
        """A rule applied to its arguments."""
        found = self.terms.words.traced.rules[call.rule]
        sorts = [a.sort for a in call.arguments]
        place = next(i for i, d in enumerate(found) if [f.sort for f in d.formals] == sorts)
        name = self.terms.words.use(self.terms.words.rules[call.rule, place])
        return Listing(f"{name}(", tuple(self._arguments(found[place].formals, call.arguments)), ")")

    def _arguments(self, formals: tuple[Term, ...], arguments: tuple[Term, ...]) -> Iterator[Doc]:
        place = 0
        while place < len(formals):
            root = str(formals[place].args[0]).split(".")[0]
            end = place + 1
            while end < len(formals) and str(formals[end].args[0]).split(".")[0] == root:
                end += 1
            yield self._argument(formals[place:end], arguments[place:end])
            place = end

    def _argument(self, formals: tuple[Term, ...], parts: tuple[Term, ...]) -> Doc:
        if len(formals) == 1 and "." not in str(formals[0].args[0]):
            return self.terms.doc(parts[0])
        if len(formals) == 2 and is_option_value(formals, 1) and str(formals[0].args[0]).count(".") == 1:
            return self.whole(parts[0], parts[1])
        known = self._known_record(parts)
        if known is not None:
            return Text(known)
        items: list[Doc] = []
        place = 0
        while place < len(formals):
            field = str(formals[place].args[0]).split(".")[1]
            option = place + 1 < len(formals) and is_option_value(formals, place + 1)
            value = self.whole(parts[place], parts[place + 1]) if option else self.terms.doc(parts[place])
            items.append(Row((Text(f"{identifier(field)} |-> "), value)))
            place += 2 if option else 1
        return Listing("[", tuple(items), "]")
