"""What driving a world along a path of the spec comes to."""

from attrs import frozen


@frozen
class Mismatch:
    """The implementation did not follow: at which step of the path, and what differs or why the choice was impossible."""

    step: int
    action: str
    because: tuple[str, ...]

    def __str__(self) -> str:
        return f"step {self.step} {self.action}: {'; '.join(self.because)}"


class CannotDrive(Exception):
    """The world has no choice that realises an action; the message says what is missing."""
