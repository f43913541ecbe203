"""What a path of an action knows: truths that make later questions superfluous, whatever the bounds are."""

from model.language.graph import Graph, Term
from model.language.sorts import Bool


class Facts:
    """Terms with known truth, and terms known to equal a constant."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._truth: dict[int, bool] = {}
        self._constants: dict[int, Term] = {}

    def learn(self, term: Term, truth: bool) -> None:
        """Note that a term is true or false, and what follows from that for its parts."""
        todo = [(term, truth)]
        while todo:
            t, value = todo.pop()
            if t.id in self._truth:
                continue
            self._truth[t.id] = value
            if t.op == "not":
                todo.append((t.args[0], not value))
            elif (t.op == "and" and value) or (t.op == "or" and not value):
                todo.extend((part, value) for part in t.args)
            elif t.op == "implies" and not value:
                todo.extend(((t.args[0], True), (t.args[1], False)))
            elif t.op == "eq" and value:
                for a, b in (t.args, t.args[::-1]):
                    if b.op == "const":
                        self._constants.setdefault(a.id, b)

    def value(self, term: Term) -> bool | None:
        """The truth of a term, or None if the path does not know it."""
        if term.op == "const":
            return bool(term.args[0])
        known = self._truth.get(term.id)
        if known is not None:
            return known
        if term.op == "not":
            inner = self.value(term.args[0])
            return None if inner is None else not inner
        if term.op in ("and", "or"):
            decisive = term.op == "or"
            parts = [self.value(part) for part in term.args]
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        if term.op == "eq":
            return self._equality(*term.args)
        if term.op in ("lt", "le"):
            return self._order(term.op, *term.args)
        return None

    def _known(self, op: str, a: Term, b: Term) -> bool | None:
        found = self._graph.find(op, (a, b), Bool)
        return None if found is None else self._truth.get(found.id)

    def _equality(self, a: Term, b: Term) -> bool | None:
        mirrored = self._known("eq", b, a)
        if mirrored is not None:
            return mirrored
        left = a if a.op == "const" else self._constants.get(a.id)
        right = b if b.op == "const" else self._constants.get(b.id)
        if left is not None and right is not None:
            return bool(left.args[0] == right.args[0])
        if self._known("lt", a, b) or self._known("lt", b, a):
            return False
        if self._known("le", a, b) is False or self._known("le", b, a) is False:
            return False
        return None

    def _order(self, op: str, a: Term, b: Term) -> bool | None:
        opposite = self._known("le" if op == "lt" else "lt", b, a)
        if opposite is not None:
            return not opposite
        equal = self._known("eq", a, b)
        equal = self._known("eq", b, a) if equal is None else equal
        if equal:
            return op == "le"
        if op == "lt":
            return False if self._known("lt", b, a) else None
        return True if self._known("lt", a, b) else None
