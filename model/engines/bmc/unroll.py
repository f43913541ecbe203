"""Runs as formulas: the instance of `model.engines.induct.instance`, once per moment, with steps between.

A step is one path of an action with its parameters left open. Each network keeps `SLOTS` messages: what is sent takes the place of one
of them or is lost, as the solver likes. So there are fewer messages about than may be: a run that is found is a run, but not every run
is found.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import z3
from attrs import define, field, frozen

from model.engines.induct.instance import Instance
from model.engines.prove.obligations import Induction, Step, exact_majorities
from model.engines.prove.poststate import PostState
from model.engines.verdict import TraceStep
from model.language import SpecError
from model.language.graph import Term
from model.language.transition import Send


@frozen(eq=False)
class Move:
    """A step over the instance's variables: `enabled`, and the value after it of every variable that is part of the state."""

    step: Step
    enabled: Any
    after: Sequence[tuple[Any, Any]]
    parameters: tuple[tuple[Term, ...], ...]


@define(eq=False)
class Unrolling:
    """The moves of a spec within bounds, and its state at every moment."""

    induction: Induction
    instance: Instance
    variables: tuple[Any, ...] = field(init=False)
    moves: tuple[Move, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        slots = [
            v for s in self.instance.slots.values() for there, fields in s for v in (there, *self._formulas(fields))
        ]
        self.variables = (*self.instance.leaves.values(), *slots)
        self.moves = tuple(self._move(step) for step in self.induction.steps())

    def _formulas(self, terms: Sequence[Term]) -> list[Any]:
        return [self.instance.formula(t) for t in terms]

    # ---- moments
    def at(self, formula: Any, moment: int) -> Any:
        """A formula about the state and the open elements of a step, at a moment."""
        return z3.substitute(formula, *((v, _copy(v, moment)) for v in _free(formula)))

    def initial(self) -> list[Any]:
        """That the state at moment 0 is the initial one."""
        instance = self.instance
        flat = instance.expander.initial()
        found = []
        for place, leaf in instance.leaves.items():
            value = flat[place]
            found.append(leaf == (z3.BoolVal(value, instance.context) if z3.is_bool(leaf) else value))
        for name, slots in instance.slots.items():
            sent = flat[instance.layout.networks[name]]
            for k, (there, fields) in enumerate(slots):
                found.append(there == z3.BoolVal(k < len(sent), instance.context))
                if k < len(sent):
                    found.extend(f == v for f, v in zip(self._formulas(fields), sent[k], strict=True))
        return [self.at(f, 0) for f in found]

    def taken(self, move: Move, moment: int) -> Any:
        """That a move is taken from this moment to the next."""
        changed = [_copy(v, moment + 1) == self.at(value, moment) for v, value in move.after]
        written = {v.get_id() for v, _ in move.after}
        kept = [_copy(v, moment + 1) == _copy(v, moment) for v in self.variables if v.get_id() not in written]
        return z3.And(self.at(move.enabled, moment), *changed, *kept)

    def read(self, model: Any, move: Move, moment: int) -> TraceStep:
        """The move that a model takes at a moment, with plain arguments."""
        (action,) = (a for a in self.induction.traced.actions if a.name == move.step.action)
        args = []
        for parameter, variables in zip(action.parameters, move.parameters, strict=True):
            values = tuple(_value(model, _copy(self.instance.open(v), moment)) for v in variables)
            args.append(self.instance.codec.whole(values, parameter.parameter.sort))
        return TraceStep(action.name, tuple(args))

    # ---- moves
    def _move(self, step: Step) -> Move:
        instance, traced = self.instance, self.induction.traced
        (action,) = (a for a in traced.actions if a.name == step.action)
        parameters = tuple(p.variables for p in action.parameters)
        opened = [*(v for p in parameters for v in p), *(w.var for w in step.witnesses)]
        enabled = [instance.claim(term) for term in (*step.given, *exact_majorities(self.induction.traced, step))]
        enabled += [instance.within(instance.open(v), v.sort) for v in opened]
        enabled += list(instance.within_bounds(step.transition))
        after = [*self._leaves_after(step), *self._slots_after(step)]
        return Move(step, z3.And(*enabled), after, parameters)

    def _leaves_after(self, step: Step) -> list[tuple[Any, Any]]:
        instance, graph = self.instance, self.induction.traced.graph
        state, found = PostState.after(self.induction.traced, step.transition), []
        for name in step.transition.updates:
            region = instance.layout.regions[name]
            for index in product(*(range(f, f + n) for f, n in zip(region.firsts, region.sizes, strict=True))):
                function = region.function
                arguments = (
                    graph.const(instance.codec.decode(i, s), s) for i, s in zip(index, function.args, strict=True)
                )
                place = region.place(index)
                assert place is not None
                read = graph.make("app", (name, *arguments), function.result)
                found.append((instance.leaves[place], instance.claim(state.claim(read))))
        return found

    def _slots_after(self, step: Step) -> list[tuple[Any, Any]]:
        instance, found = self.instance, []
        sends = [e for e in step.transition.effects if isinstance(e, Send)]
        if len({send.network for send in sends}) < len(sends):
            raise SpecError(f"{step.action} sends two messages of a network", "send one per action", sends[0].where)
        for send in sends:
            choice = z3.BitVec(f"slot of {send.network}", 8, instance.context)
            sent = [instance.claim(f) for f in send.fields]
            for k, (there, fields) in enumerate(instance.slots[send.network]):
                here = choice == k
                found.append((there, z3.Or(here, there)))
                pairs = zip(self._formulas(fields), sent, strict=True)
                found.extend((old, z3.If(here, new, old)) for old, new in pairs)
        return found


def _copy(variable: Any, moment: int) -> Any:
    """The variable at a moment."""
    return z3.Const(f"{variable.decl().name()}@{moment}", variable.sort())


def _free(formula: Any) -> list[Any]:
    """The variables of a formula, in a fixed order."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    todo = [formula]
    while todo:
        part = todo.pop()
        if part.get_id() in seen:
            continue
        seen.add(part.get_id())
        if z3.is_const(part) and part.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[part.get_id()] = part
        todo.extend(part.children())
    return list(found.values())


def _value(model: Any, variable: Any) -> int:
    found = model.eval(variable, model_completion=True)
    return bool(z3.is_true(found)) if z3.is_bool(found) else int(found.as_signed_long())
