"""A second opinion: queries that Z3 has answered, read from their SMT-LIB text by cvc5, another solver by other people."""

import importlib
from typing import Any

OPTIONS = {"user-pat": "strict", "cegqi": "false", "cbqi": "false"}
"""Instantiate by our triggers only, as Z3 does; cvc5's own ways of instantiating confirm a little less, and take longer."""

CONFIRMED = "unsat"


class NoSecondSolver(Exception):
    """cvc5 is not installed."""


class SecondSolver:
    """cvc5 with a time limit per query in milliseconds (of its own clock, so which queries it confirms may differ by machine)."""

    def __init__(self, milliseconds: int) -> None:
        try:
            self._cvc5: Any = importlib.import_module("cvc5")
        except ImportError:
            raise NoSecondSolver from None
        self.milliseconds = milliseconds

    @property
    def version(self) -> str:
        """`cvc5 1.3.1`."""
        return f"cvc5 {self._cvc5.__version__}"

    def answer(self, text: str) -> str:
        """What cvc5 says about an SMT-LIB text: `unsat` confirms a proof; else `sat`, `unknown (...)` or an error in its words."""
        cvc5 = self._cvc5
        solver = cvc5.Solver(cvc5.TermManager())
        for name, value in {**OPTIONS, "tlimit-per": str(self.milliseconds)}.items():
            solver.setOption(name, value)
        solver.setLogic("ALL")
        parser = cvc5.InputParser(solver)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "query")
        symbols, said = parser.getSymbolManager(), ""
        while not (command := parser.nextCommand()).isNull():
            said = str(command.invoke(solver, symbols)).strip() or said
        return said


__all__ = ["CONFIRMED", "NoSecondSolver", "SecondSolver"]
