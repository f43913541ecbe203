"""A race of nodes: a small spec whose states can be counted by hand. It models no protocol.

Each node runs from 0 to the bound `laps`; the first to reach 2 wins, and then nobody runs any more. With n nodes there are 2^n states
without a winner in which nobody has reached 2, and so on: the tests say what they count.
"""

from model.language import (
    NONE,
    Fn,
    Node,
    Option,
    Ordinal,
    Property,
    Spec,
    State,
    Var,
    always,
    eventually,
    exists,
    forall,
    make_spec,
    require,
    sometimes,
    step,
)


class Lap(Ordinal, bound="laps"):
    """How far a node is."""


class Race(State):
    """The runners and the winner."""

    at = Fn(Node, Lap)
    winner = Var(Option[Node])


def init(s: Race) -> None:
    """Everybody is at the start: the defaults."""


def run(s: Race, n: Node) -> None:
    """A node runs one lap while nobody has won."""
    require(s.winner == NONE)

    s.at[n] = s.at[n] + 1


def win(s: Race, n: Node) -> None:
    """A node that has run two laps wins."""
    require(s.winner == NONE)
    require(s.at[n] == 2)

    s.winner = n


def protest(s: Race, n: Node) -> None:
    """A node that has run four laps protests: never, if the bound is 2."""
    require(s.at[n] == 4)

    s.winner = NONE


@always
def nobody_wins(s: Race) -> object:
    """Nobody wins: false after two laps of one node and its win."""
    return s.winner == NONE


@always
def the_winner_has_run_two_laps(s: Race) -> object:
    """Whoever has won has run two laps."""
    return forall(Node, lambda n: (s.winner != n) | (s.at[n] == 2))


@step
def nobody_runs_a_second_lap(s: Race, t: Race) -> object:
    """A step never leads from the first lap to the second: false after one lap of one node."""
    return forall(Node, lambda n: (s.at[n] != 1) | (t.at[n] == 1))


@step
def laps_are_run_one_by_one(s: Race, t: Race) -> object:
    """A step is at most one lap of a node."""
    return forall(Node, lambda n: (t.at[n] == s.at[n]) | (t.at[n] == s.at[n] + 1))


@sometimes
def somebody_wins(s: Race) -> object:
    """Some node wins."""
    return s.winner != NONE


@sometimes
def a_second_lap_is_run(s: Race, t: Race) -> object:
    """Some step leads to a second lap."""
    return exists(Node, lambda n: (s.at[n] == 1) & (t.at[n] == 2))


@sometimes
def somebody_runs_three_laps(s: Race) -> object:
    """Some node runs three laps: never, if the bound is 2."""
    return exists(Node, lambda n: s.at[n] == 3)


@eventually
def the_race_is_decided(s: Race) -> object:
    """In the end somebody has won."""
    return s.winner != NONE


def race(*properties: Property, idle: bool = False) -> Spec:
    """The race with these properties; `idle`: with the action that never fires."""
    return make_spec(
        "race",
        title="a race",
        state=Race,
        init=init,
        actions=(run, win, protest) if idle else (run, win),
        properties=properties,
        bounds={"nodes": 2, "laps": 2},
    )
