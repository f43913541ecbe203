"""Transaction ids: epoch << 32 | counter, written <epoch,counter>. ZxidUtils."""

COUNTER_BITS = 32
MAX_COUNTER = (1 << COUNTER_BITS) - 1


def make_zxid(epoch: int, counter: int) -> int:
    """The zxid with this epoch and counter."""
    return epoch << COUNTER_BITS | counter


def epoch_of(zxid: int) -> int:
    """The epoch (high 32 bits)."""
    return zxid >> COUNTER_BITS


def counter_of(zxid: int) -> int:
    """The counter (low 32 bits); 0 for the zxid with which a leader begins its epoch, which is of no transaction."""
    return zxid & MAX_COUNTER


def show(zxid: int) -> str:
    """<epoch,counter>."""
    return f"<{epoch_of(zxid)},{counter_of(zxid)}>"
