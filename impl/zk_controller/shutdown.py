"""A broker that wants to stop asks the controller first to move its leaders. Source: KafkaServer.controlledShutdown."""

from attrs import evolve

from impl.zk_controller.messages import ControlledShutdownRequest, ControlledShutdownResponse
from impl.zk_controller.names import NO_CONTROLLER, Error
from impl.zk_controller.state import Stopping
from impl.zk_controller.turn import Turn
from impl.zookeeper.handle import EndSession

SHUTDOWN_TIMER = "shutdown"
BEGIN_TIMER = "controlled_shutdown"
"""Fired by whoever drives a broker, to have it stop in order."""


def begin(turn: Turn) -> None:
    """Stop, in order."""
    if turn.state.stopping is None and turn.state.started:
        turn.state = evolve(turn.state, stopping=Stopping(turn.config.settings.shutdown_retries))
        _ask(turn)


def on_response(turn: Turn, correlation: int, response: ControlledShutdownResponse) -> None:
    """Nothing is led here any more: stop. Else try again after a while."""
    stopping = turn.state.stopping
    if stopping is None or stopping.correlation != correlation:
        return
    if response.error is Error.NONE and not response.remaining:
        _stop(turn)
    else:
        turn.state = evolve(turn.state, stopping=evolve(stopping, correlation=None))
        turn.set_timer(SHUTDOWN_TIMER, turn.config.settings.shutdown_backoff)


def on_timer(turn: Turn) -> None:
    """Try again, or, after the last try, stop without leave."""
    stopping = turn.state.stopping
    if stopping is None or stopping.done:
        return
    if stopping.tries > 1:
        turn.state = evolve(turn.state, stopping=Stopping(stopping.tries - 1))
        _ask(turn)
    else:
        _stop(turn)


def _ask(turn: Turn) -> None:
    controller = turn.state.cache.controller
    if controller != NO_CONTROLLER and turn.state.stopping is not None:
        correlation = turn.request(controller, ControlledShutdownRequest(turn.me, turn.state.broker_epoch))
        turn.state = evolve(turn.state, stopping=evolve(turn.state.stopping, correlation=correlation))
    turn.set_timer(SHUTDOWN_TIMER, turn.config.settings.shutdown_backoff)


def _stop(turn: Turn) -> None:
    """Close the session: the registration goes with it. The process may end now."""
    turn.cancel_timer(SHUTDOWN_TIMER)
    turn.state = evolve(turn.state, stopping=Stopping(0, done=True))
    turn.emit(EndSession())
