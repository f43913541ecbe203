"""The controller's queues to the brokers, and what brokers send to the controller. Source: ControllerChannelManager.

Per broker one request is on its way; it is sent again until it is answered, or the broker is given up. So brokers get the
requests in order, each at least once.
"""

from attrs import evolve

from impl.zk_controller.events import Enqueue, StopReplicaResponseReceived
from impl.zk_controller.messages import ControlResponse, StopReplicaRequest
from impl.zk_controller.names import Error
from impl.zk_controller.state import Channel
from impl.zk_controller.turn import Turn


def add_channel(turn: Turn, broker: int) -> None:
    """A queue for a broker, if there is none. addBroker."""
    if broker not in turn.state.channels:
        _put(turn, broker, Channel())


def remove_channel(turn: Turn, broker: int) -> None:
    """Give up what is queued for a broker. removeExistingBroker."""
    if broker in turn.state.channels:
        turn.cancel_timer(_timer(broker))
        channels = {other: channel for other, channel in turn.state.channels.items() if other != broker}
        turn.state = evolve(turn.state, channels=channels)


def close_channels(turn: Turn) -> None:
    """Give up everything. shutdown."""
    for broker in tuple(turn.state.channels):
        remove_channel(turn, broker)


def enqueue(turn: Turn, item: Enqueue) -> None:
    """Send a request after those before it; to a broker without a queue nothing is sent. sendRequest."""
    channel = turn.state.channels.get(item.broker)
    if channel is not None:
        _put(turn, item.broker, evolve(channel, queue=(*channel.queue, item)))
        if channel.correlation is None:
            _send_head(turn, item.broker)


def on_control_response(turn: Turn, broker: int, correlation: int, response: ControlResponse) -> None:
    """The head is answered, whatever the answer: the next one's turn. RequestSendThread.doWork."""
    channel = turn.state.channels.get(broker)
    if channel is None or channel.correlation != correlation:
        return  # An answer to a request that was sent again, or to a controller of an earlier term.
    head = channel.queue[0]
    if head.watched and isinstance(head.request, StopReplicaRequest):
        answered = dict(response.partitions)
        default = Error.NONE if response.error is Error.NONE else response.error
        deleted = tuple((part.tp, answered.get(part.tp, default)) for part in head.request.partitions if part.delete)
        event = StopReplicaResponseReceived(broker, head.request.broker_epoch, deleted)
        turn.state = evolve(turn.state, events=(*turn.state.events, event))
    _drop_head(turn, broker)


def on_channel_timer(turn: Turn, broker: int) -> None:
    """No answer: send again."""
    channel = turn.state.channels.get(broker)
    if channel is None or not channel.queue:
        return
    if turn.config.rules.retries_control_requests():
        _send_head(turn, broker)
    else:
        _drop_head(turn, broker)


def _send_head(turn: Turn, broker: int) -> None:
    correlation = turn.request(broker, turn.state.channels[broker].queue[0].request)
    _put(turn, broker, evolve(turn.state.channels[broker], correlation=correlation))
    turn.set_timer(_timer(broker), turn.config.settings.request_timeout)


def _drop_head(turn: Turn, broker: int) -> None:
    channel = evolve(turn.state.channels[broker], queue=turn.state.channels[broker].queue[1:], correlation=None)
    _put(turn, broker, channel)
    turn.cancel_timer(_timer(broker))
    if channel.queue:
        _send_head(turn, broker)


def _put(turn: Turn, broker: int, channel: Channel) -> None:
    turn.state = evolve(turn.state, channels={**turn.state.channels, broker: channel})


def _timer(broker: int) -> str:
    return f"channel:{broker}"
