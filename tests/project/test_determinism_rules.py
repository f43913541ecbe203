"""Same seed, same bytes: what `model/` and `impl/` may not do, checked on their syntax trees.

A run must not depend on the clock, the process, addresses or PYTHONHASHSEED. The check reads syntax, not types: it
knows a set where the expression shows one, where a local name is only ever bound to one, and where a parameter or a
field of the same file is annotated as one.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("impl", "model")

# Of no use to a deterministic module: seconds come from a clock, names and draws from a seed, both passed in.
FORBIDDEN_MODULES = {"datetime", "secrets", "time", "uuid"}
# From these modules only these members; from those, everything but these.
ONLY_MEMBERS = {"random": {"Random"}}
FORBIDDEN_MEMBERS = {"os": {"getpid", "getrandom", "urandom"}, "numpy": {"random"}}
# Methods of random.Random whose results are not promised to stay the same from one Python version to the next.
UNSTABLE_DRAWS = {"choice", "choices", "gauss", "randint", "randrange", "sample", "shuffle", "triangular", "uniform"}

SET_TYPES = {"AbstractSet", "FrozenSet", "MutableSet", "Set", "frozenset", "set"}
SET_METHODS = {"copy", "difference", "intersection", "symmetric_difference", "union"}
# Calls that walk through an argument and keep the order in which they met its elements.
ORDER_KEEPING = {"dict", "enumerate", "filter", "iter", "list", "map", "tuple", "zip"}
ORDER_KEEPING_METHODS = {"extend", "fromkeys", "join"}
# Calls whose result is the same in whatever order a comprehension hands them the elements.
ORDER_FREE = {"all", "any", "frozenset", "set", "sorted"}
SORTING = {"max", "min", "sort", "sorted"}

# (file, rule) -> why it is harmless there. An entry that no longer excuses anything fails the test.
ALLOWED: dict[tuple[str, str], str] = {}

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Finding = tuple[int, str, str]


def is_set_type(annotation: ast.expr | None) -> bool:
    """Whether an annotation names a set type: `set[int]`, `frozenset`, `collections.abc.Set[Node] | None`."""
    match annotation:
        case ast.Constant(value=str(text)):
            return is_set_type(ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return is_set_type(left) or is_set_type(right)
        case ast.Subscript(value=value):
            return is_set_type(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in SET_TYPES
        case _:
            return False


class Checker(ast.NodeVisitor):
    """Collects (line, rule, message) for one module; the rules are `entropy`, `hash`, `address` and `set order`."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[Finding] = []
        self.modules: dict[str, str] = {}  # local name -> module it stands for
        self.random_names: set[str] = set()  # local names of the class random.Random
        self.functions: list[str] = []
        self.fields: dict[str, bool] = {}  # attribute -> whether this file only ever says that it is a set
        self.scopes: list[dict[str, bool]] = []  # the same for names, one scope per module or function
        self.order_free: list[ast.comprehension] = []
        self.imports_random = any(
            (isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names))
            or (isinstance(node, ast.ImportFrom) and node.module == "random")
            for node in ast.walk(tree)
        )
        self.scopes.append(self.bindings(tree))
        for node in ast.walk(tree):
            self.note_fields(node)
        self.visit(tree)

    def report(self, node: ast.AST, rule: str, message: str) -> None:
        """Note that `node` breaks `rule`."""
        self.found.append((getattr(node, "lineno", 0), rule, message))

    # ------------------------------------------------------------------------------------------ clocks and entropy

    def visit_Import(self, node: ast.Import) -> None:
        """`import time`, `import random as r`, `import numpy.random`."""
        for alias in node.names:
            module, _, member = alias.name.partition(".")
            self.check_module(node, module)
            if member:
                self.check_member(node, module, member.partition(".")[0])
            self.modules[alias.asname or module] = module

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from time import monotonic`, `from random import choice`, `from numpy.random import default_rng`."""
        module, _, member = (node.module or "").partition(".")
        self.check_module(node, module)
        for alias in node.names:
            self.check_member(node, module, member.partition(".")[0] or alias.name)
            if (module, alias.name) == ("random", "Random"):
                self.random_names.add(alias.asname or alias.name)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """`random.choice`, `os.urandom`, `np.random`, through whatever name the module has here."""
        if isinstance(node.value, ast.Name) and node.value.id in self.modules:
            self.check_member(node, self.modules[node.value.id], node.attr)
        self.generic_visit(node)

    def check_module(self, node: ast.stmt, module: str) -> None:
        """Report the import of a module that has nothing to offer here."""
        if module in FORBIDDEN_MODULES:
            self.report(node, "entropy", f"imports {module}: take a clock or a seed as an argument")

    def check_member(self, node: ast.AST, module: str, member: str) -> None:
        """Report the use of `module.member` where that is entropy or global randomness."""
        outside = module in ONLY_MEMBERS and member not in ONLY_MEMBERS[module]
        if outside or member in FORBIDDEN_MEMBERS.get(module, ()):
            self.report(node, "entropy", f"uses {module}.{member}: draw from a random.Random(seed) that is passed in")

    def check_draw(self, node: ast.Call) -> None:
        """Report `Random()` without a seed, and draws that another Python version may answer differently."""
        match node.func:
            case ast.Name(id=name) if name in self.random_names:
                made = True
            case ast.Attribute(value=ast.Name(id=name), attr="Random"):
                made = self.modules.get(name) == "random"
            case ast.Attribute(value=ast.Name(id="self")):
                return  # a method of ours that bears such a name
            case ast.Attribute(value=ast.Name(id=name), attr=draw) if self.modules.get(name) == "random":
                return  # reported as a use of the module
            case ast.Attribute(attr=draw) if self.imports_random and draw in UNSTABLE_DRAWS:
                self.report(node, "entropy", f"calls .{draw}(): only getrandbits() and random() are stable")
                return
            case _:
                return
        unseeded = not node.args or (isinstance(node.args[0], ast.Constant) and node.args[0].value is None)
        if made and unseeded:
            self.report(node, "entropy", "Random() without a seed: pass the seed")

    # ------------------------------------------------------------------------------------------ hashes and addresses

    def check_identity(self, node: ast.Call) -> None:
        """Report `hash(x)` outside `__hash__`, and sorting that looks at hashes or addresses."""
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in {"hash", "__hash__"} and "__hash__" not in self.functions:
            self.report(node, "hash", "calls hash(): it differs per process; derive a fingerprint from the fields")
        if name not in SORTING:
            return
        for part in (*node.args, *(keyword.value for keyword in node.keywords)):
            for inner in ast.walk(part):
                if isinstance(inner, ast.Name) and inner.id in {"hash", "id"}:
                    self.report(node, "address", f"{name}() by {inner.id}: order by a field instead")

    def visit_Compare(self, node: ast.Compare) -> None:
        """`id(a) < id(b)`."""
        ordering = any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops)
        called = [part.func for part in (node.left, *node.comparators) if isinstance(part, ast.Call)]
        if ordering and any(isinstance(func, ast.Name) and func.id == "id" for func in called):
            self.report(node, "address", "orders by id(): order by a field instead")
        self.generic_visit(node)

    # ------------------------------------------------------------------------------------------------ order of sets

    def bindings(self, scope: ast.Module | Function) -> dict[str, bool]:
        """The names bound in `scope` itself, each with whether it is only ever bound to a set."""
        found: dict[str, bool] = {}
        self.scopes.append(found)  # so that `b = a | c` knows `a`
        if not isinstance(scope, ast.Module):
            arguments = scope.args
            for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                found[argument.arg] = is_set_type(argument.annotation)
        body = [scope.body] if isinstance(scope, ast.Lambda) else scope.body
        pending: list[ast.AST] = list(reversed(body))
        while pending:
            node = pending.pop()
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    found[name] = is_set_type(annotation)
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.NamedExpr(target=ast.Name(id=name), value=value)
                ):
                    found[name] = self.is_set(value) and found.get(name, True)
                case ast.AugAssign():
                    pass  # `s |= t` leaves a set a set
                case ast.Name(id=name, ctx=ast.Store()) if name not in found:
                    found[name] = False
            if not isinstance(node, Function | ast.ClassDef):
                pending.extend(reversed(list(ast.iter_child_nodes(node))))
        self.scopes.pop()
        return found

    def note_fields(self, node: ast.AST) -> None:
        """Learn from a class body or from `self.x: set[...] = ...` which attributes are sets."""
        said: list[tuple[str, bool]] = []
        match node:
            case ast.ClassDef(body=body):
                said = [
                    (line.target.id, is_set_type(line.annotation))
                    for line in body
                    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
                ]
            case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=annotation):
                said = [(name, is_set_type(annotation))]
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=value) if self.is_set(value):
                said = [(name, True)]
        for name, is_set in said:
            self.fields[name] = is_set and self.fields.get(name, True)

    def is_set(self, node: ast.expr) -> bool:
        """Whether the expression shows that its value is a set."""
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Call(func=ast.Name(id=name)):
                return name in {"set", "frozenset"}
            case ast.Call(func=ast.Attribute(value=receiver, attr=method)):
                return method in SET_METHODS and self.is_set(receiver)
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.BitXor() | ast.Sub(), right=right):
                return any(self.is_set(side) or self.is_key_view(side) for side in (left, right))
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_set(body) or self.is_set(orelse)
            case ast.BoolOp(values=values):
                return any(self.is_set(value) for value in values)
            case ast.NamedExpr(value=value):
                return self.is_set(value)
            case ast.Attribute(attr=name):
                return self.fields.get(name, False)
            case ast.Name(id=name):
                return next((scope[name] for scope in reversed(self.scopes) if name in scope), False)
            case _:
                return False

    @staticmethod
    def is_key_view(node: ast.expr) -> bool:
        """Whether this is `x.keys()`: ordered by itself, but a set once combined with another."""
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys"

    def check_order(self, *iterables: ast.expr) -> None:
        """Report each of `iterables` that is a set: something walks through it in its own order."""
        for iterable in iterables:
            if self.is_set(iterable):
                text = ast.unparse(iterable)
                self.report(iterable, "set order", f"walks through the set {text}: write sorted({text})")

    def visit_For(self, node: ast.For) -> None:
        """`for x in {1, 2}:`."""
        self.check_order(node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """`[x for x in set(y)]`, but not `sorted(f(x) for x in set(y))`."""
        if node not in self.order_free:
            self.check_order(node.iter)
        self.generic_visit(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        """`{f(x) for x in set(y)}`: from a set to a set, no order is seen."""
        self.order_free.extend(node.generators)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        """`(*voters,)`, `f(*voters)`."""
        if isinstance(node.ctx, ast.Load):
            self.check_order(node.value)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """`first, second = {1, 2}`."""
        if any(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
            self.check_order(node.value)
        self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        """`yield from voters`."""
        self.check_order(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """`list(voters)`, `", ".join(voters)`, `voters.pop()`; and what the other rules say about calls."""
        match node.func:
            case ast.Name(id=name) if name in ORDER_KEEPING:
                self.check_order(*node.args)
            case ast.Name(id=name) if name in ORDER_FREE and not node.keywords:
                comprehensions = (part for part in node.args if isinstance(part, ast.GeneratorExp | ast.ListComp))
                self.order_free.extend(generator for part in comprehensions for generator in part.generators)
            case ast.Attribute(attr=method) if method in ORDER_KEEPING_METHODS:
                self.check_order(*node.args)
            case ast.Attribute(value=receiver, attr="pop") if not node.args:
                self.check_order(receiver)
        self.check_draw(node)
        self.check_identity(node)
        self.generic_visit(node)

    # ------------------------------------------------------------------------------------------------------- scopes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """A function: a scope of its own."""
        self.visit_scope(node, node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """The same, asynchronous."""
        self.visit_scope(node, node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """The same, without a name."""
        self.visit_scope(node, "<lambda>")

    def visit_scope(self, node: Function, name: str) -> None:
        """Visit the function with its own names in force."""
        self.scopes.append(self.bindings(node))
        self.functions.append(name)
        self.generic_visit(node)
        self.functions.pop()
        self.scopes.pop()


def determinism_problems(root: Path, allowed: dict[tuple[str, str], str]) -> list[str]:
    """Where a module below `root` could answer one seed in two ways, and which entries of `allowed` excuse nothing."""
    problems = []
    excused = set()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            for line, rule, message in Checker(ast.parse(path.read_text(encoding="utf-8"), filename=name)).found:
                if (name, rule) in allowed:
                    excused.add((name, rule))
                else:
                    problems.append(f"{name}:{line}: {rule}: {message}")
    stale = [entry for entry in allowed if entry not in excused]
    return problems + [f"{name}: nothing to excuse under {rule!r}: remove it from ALLOWED" for name, rule in stale]


def test_one_seed_gives_one_run() -> None:
    """Nothing in the specifications, the engines or the implementation can answer one seed in two ways."""
    assert (ROOT / "model").is_dir()
    assert (ROOT / "impl").is_dir()
    assert determinism_problems(ROOT, ALLOWED) == []


OFFENDERS = {
    "entropy": [
        "import time",
        "from time import monotonic",
        "from datetime import datetime",
        "import uuid",
        "import secrets",
        "import os\nkey = os.urandom(8)",
        "from os import urandom",
        "import random\nx = random.random()",
        "import random as r\nx = r.choice([1])",
        "import random\nrandom.seed(0)",
        "from random import shuffle",
        "from random import SystemRandom",
        "import random\nx = random.Random()",
        "from random import Random\nx = Random(None)",
        "from random import Random\ndef f(rng: Random) -> int:\n    return rng.randrange(3)",
        "import numpy as np\nx = np.random.default_rng(0)",
        "import numpy.random",
        "from numpy.random import default_rng",
    ],
    "hash": ["x = hash('a')", "def fingerprint(s): return hash(s)", "x = 'a'.__hash__()"],
    "address": [
        "x = sorted([a], key=id)",
        "y = id(a) < id(b)",
        "a.sort(key=lambda n: (n.name, id(n)))",
        "max(a, key=hash)",
    ],
    "set order": [
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "x = [a for a in frozenset(y)]",
        "x = {a: 1 for a in {b for b in y}}",
        "x = sum(a for a in set(y) | z)",
        "x = sorted((a for a in set(y)), key=f)",
        "x = list({1, 2})",
        "x = (*{1, 2},)",
        "f(*set(y))",
        "x = ', '.join({'a'})",
        "x = {1, 2}.pop()",
        "a, b = {1, 2}",
        "for x in a.keys() & b.keys(): pass",
        "for i, x in enumerate(set(y).union(z)): pass",
        "def f(voters: frozenset[int]):\n    for v in voters: pass",
        "def f():\n    seen = set()\n    seen |= {1}\n    return tuple(seen)",
        "def f(seen: 'set[int] | None'):\n    yield from seen or ()",
        "class A:\n    voters: frozenset[int]\n    def f(self): return [v for v in self.voters]",
        "class A:\n    def __init__(self): self.seen = set()\n    def f(self): return list(self.seen)",
        "f = lambda: [x for x in {1, 2}]",
    ],
}

INNOCENTS = [
    "from random import Random\nrng = Random(7)\nx = rng.getrandbits(3)\ny = rng.random()",
    "import random\ndef f(seed): return random.Random(seed)",
    "import os\nx = os.path.join('a', 'b')",
    "import numpy as np\nx = np.zeros(3)",
    "class A:\n    def __hash__(self): return hash((self.a, self.b))",
    "x = {id(a): a for a in y}",
    "for x in sorted({1, 2}): pass",
    "x = sorted(a + 1 for a in set(y)), any(a for a in set(y)), {-a for a in {1, 2}}",
    "x = 3 in {1, 2} and len(set(y)) == 2 and set(y) <= {1}",
    "def f(voters: frozenset[int]):\n    return sorted(voters), max(voters)",
    "def f(a):\n    a = {1}\n    return a\ndef g(a): return list(a)",
    "def f():\n    x = {1}\n    x = sorted(x)\n    for y in x: pass",
    "class A:\n    x: set[int]\nclass B:\n    x: tuple[int, ...]\n    def f(self): return list(self.x)",
    "for x in (1, 2) or {3: 4}: pass",
    "x = list(a - b)",
]


@pytest.mark.parametrize(
    ("rule", "source"), [(rule, source) for rule, sources in OFFENDERS.items() for source in sources]
)
@pytest.mark.parametrize("folder", FOLDERS)
def test_an_offender_is_found(tmp_path: Path, folder: str, rule: str, source: str) -> None:
    """A module that reads a clock, a hash, an address or the order of a set is reported once, under that rule."""
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "planted.py").write_text(source, encoding="utf-8")
    problems = determinism_problems(tmp_path, {})
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"{folder}/planted.py:")
    assert f": {rule}: " in problems[0]


@pytest.mark.parametrize("source", INNOCENTS)
def test_an_innocent_is_left_alone(tmp_path: Path, source: str) -> None:
    """Seeded draws, sorted sets, membership and `__hash__` are what the rules want: no report."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "planted.py").write_text(source, encoding="utf-8")
    assert determinism_problems(tmp_path, {}) == []


def test_an_exception_must_still_be_needed(tmp_path: Path) -> None:
    """An entry of ALLOWED excuses its file and rule only, and is reported when it excuses nothing any more."""
    (tmp_path / "impl").mkdir()
    planted = tmp_path / "impl" / "planted.py"
    planted.write_text("import time\nx = hash('a')\n", encoding="utf-8")
    allowed = {("impl/planted.py", "entropy"): "measures"}
    assert [": hash: " in problem for problem in determinism_problems(tmp_path, allowed)] == [True]
    planted.write_text("x = 1\n", encoding="utf-8")
    assert determinism_problems(tmp_path, allowed) == [
        "impl/planted.py: nothing to excuse under 'entropy': remove it from ALLOWED"
    ]
