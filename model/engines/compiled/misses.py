"""Misses evaluated by compiled code, on the tables of the back end in C. What it is not sure of, the evaluator in Python decides.

Both evaluators number contents, patches and events in the same order, so nothing depends on which of them ran.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from model.engines.compiled import build
from model.engines.compiled.backend import NumberEvent
from model.engines.compiled.c_code import TooWide
from model.engines.compiled.components import Partition
from model.engines.compiled.evaluate import Evaluator
from model.engines.compiled.misses_code import MissesCode

FLAGS = ("-O1", "-fno-strict-aliasing")

PAYS = 20_000
"""Evaluations in Python after which code is compiled, where it is not in the cache: a quarter of a second, against two of compiling."""

ASK, EVENT = 3, 4
"""As in `miss.h`."""

_I32, _U64, _P = ctypes.c_int32, ctypes.c_uint64, ctypes.c_void_p
SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "misses_new": (_P, (_P,)),
    "misses_free": (None, (_P,)),
    "misses_content": (_I32, (_P, _P)),
    "misses_contents": (_P, (_P, _I32)),
    "misses_known": (_I32, (_P,)),
    "misses_event": (None, (_P, _U64, _U64, _U64)),
    "misses_wanted": (None, (_P, _P)),
    "misses_fill": (_I32, (_P, _P, _I32, _I32, _I32, _P)),
    "misses_alive": (None, (_P, _I32, _P, _I32, _I32, _P)),
}


def ready(code: MissesCode) -> bool:
    """Whether the code of a partition is in the cache."""
    return build.is_built("misses", sources(code), FLAGS)


def text_of(partition: Partition) -> MissesCode | None:
    """The code of a partition's misses; None if it cannot be said in C."""
    try:
        return MissesCode(partition)
    except TooWide:
        return None


def sources(code: MissesCode) -> dict[str, str]:
    """The C texts to compile, by name; `misses.c` includes the others."""
    runtime = build.runtime_sources()
    return {"misses.c": code.text, "miss.h": runtime["miss.h"], "rows.h": runtime["rows.h"]}


class Misses:
    """The compiled evaluator of one search. `host` are the back end's functions as `miss.h` wants them."""

    def __init__(self, library: Any, code: MissesCode, evaluator: Evaluator, host: Any) -> None:
        self._lib, self._tables, self._evaluator = library, code.tables, evaluator
        self._misses = library.misses_new(ctypes.byref(host))

    def fill(self, keys: int, width: int, n: int, ask: Callable[[int], None], event: NumberEvent) -> None:
        """Evaluate `n` keys. `ask` evaluates one of them in Python."""
        at, why, wanted = 0, _I32(), (_U64 * 2)()
        while True:
            self._push()
            at = self._lib.misses_fill(self._misses, keys, width, at, n, ctypes.byref(why))
            self._pull()
            if at == n:
                return
            if why.value == EVENT:
                self._lib.misses_wanted(self._misses, wanted)
                place, names = self._tables[wanted[0]]
                decided = tuple(name for i, name in enumerate(names) if wanted[1] >> i & 1)
                self._lib.misses_event(self._misses, wanted[0], wanted[1], event(decided, place))
            else:
                ask(at)
                at += 1

    def alive(self, projection: int, rows: int, n: int, words: int, masks: Any) -> None:
        """The alive bits of `n` rows of a projection."""
        self._push()
        self._lib.misses_alive(self._misses, projection, rows, n, words, masks)

    # ---- contents
    def _push(self) -> None:
        """Tell of the contents that Python met."""
        for content in self._evaluator.contents[self._lib.misses_known(self._misses) :]:
            flat = [int(x) for message in content for x in message]
            row = [len(content), len(flat), *flat]
            self._lib.misses_content(self._misses, (_I32 * len(row))(*row))

    def _pull(self) -> None:
        """Learn the contents that were met here."""
        for number in range(len(self._evaluator.contents), self._lib.misses_known(self._misses)):
            pointer = self._lib.misses_contents(self._misses, number)
            n, size = (_I32 * 2).from_address(pointer)
            flat = list((_I32 * size).from_address(pointer + 8))
            width = size // n
            self._evaluator.encode(tuple(tuple(flat[i : i + width]) for i in range(0, size, width)))

    def close(self) -> None:
        """Give the memory back."""
        if self._misses:
            self._lib.misses_free(self._misses)
            self._misses = None


def compiled_misses(code: MissesCode, evaluator: Evaluator, host: Any) -> Misses | None:
    """The code, compiled if it is not in the cache; None where that is not possible."""
    library = build.load("misses", "misses.c", sources(code), FLAGS)
    if library is None:
        return None
    build.declare(library, SIGNATURES)
    return Misses(library, code, evaluator, host)
