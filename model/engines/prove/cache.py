"""Remembering what was proved, by the query: what was proved once by a version of the solver need not be proved again.

One file per goal, named after the hash of everything that the goal may suppose, its denial, and the solver's version. Only proofs are
remembered, never that something stayed open. A file that is not as it was written is ignored and written anew.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from attrs import asdict, frozen


@frozen
class Remembered:
    """How a goal was proved: which hypotheses and options, within which limit, at what cost; the hash of the query."""

    hypotheses: str
    options: str
    limit: int
    cost: int
    digest: str


@frozen
class Cache:
    """A directory of proofs; it is made when the first one is put there."""

    directory: Path

    def get(self, key: str) -> Remembered | None:
        """How the goal with this key was proved; None if nobody remembers, or the file cannot be trusted."""
        try:
            entry = json.loads(self._path(key).read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(entry, dict) or entry.get("check") != _check(key, entry.get("proof")):
            return None
        try:
            return Remembered(**entry["proof"])
        except TypeError:
            return None

    def put(self, key: str, proof: Remembered) -> None:
        """Remember a proof. A directory that cannot be written is no reason to stop: then nothing is remembered."""
        data = asdict(proof)
        check = _check(key, data)
        text = json.dumps({"check": check, "proof": data}, sort_keys=True)
        path = self._path(key)
        # Two processes that write at once write the same; what one of them finds half written does not pass the check.
        temporary = path.with_name(f".{path.name}.{check[:8]}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_text(text, encoding="utf-8")
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError:
            return

    def _path(self, key: str) -> Path:
        return self.directory / key[:2] / f"{key}.json"


def _check(key: str, proof: Any) -> str:
    """What ties an entry to its key: a file that was cut off or moved does not have it."""
    return hashlib.sha256(f"{key} {json.dumps(proof, sort_keys=True)}".encode()).hexdigest()


__all__ = ["Cache", "Remembered"]
