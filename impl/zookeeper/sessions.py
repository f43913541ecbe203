"""Sessions as a leader tracks them: when each expires, which server it is connected to, whether it is being closed.

Source: SessionTrackerImpl, ExpiryQueue, LeaderSessionTracker. Only a leader expires sessions; a new leader gives each its full
timeout again. Time is the leader's own, in ms. No local sessions (localSessionsEnabled=false, the default).
"""

from collections.abc import Mapping

from attrs import evolve, field, frozen

from impl.zookeeper.codes import ErrorCode, KeeperError
from impl.zookeeper.service_rules import CORRECT, ServiceRules

_NEVER = 1 << 62


@frozen
class Session:
    """timeout and deadline in ms; owner is the server it is connected to, None while nobody has claimed it."""

    timeout: int
    deadline: int
    owner: int | None = None
    closing: bool = False


@frozen
class SessionTracker:
    """The sessions of the ensemble; `tick` (ms) is the width of the buckets in which they expire."""

    tick: int
    sessions: Mapping[int, Session] = field(factory=dict)

    @classmethod
    def start(cls, timeouts: Mapping[int, int], now: int, tick: int) -> "SessionTracker":
        """The tracker of a server that starts to lead at `now`, over the session table of its tree."""
        tracker = cls(tick)
        for session in sorted(timeouts):
            tracker = tracker.track(session, timeouts[session], now)
        return tracker

    def track(self, session: int, timeout: int, now: int) -> "SessionTracker":
        """Know a session from now on; one that is known keeps its owner. SessionTrackerImpl.trackSession."""
        known = self.sessions.get(session) or Session(timeout, 0)
        return self._with(session, evolve(known, deadline=self._deadline(now, timeout)))

    def touch(self, session: int, now: int) -> tuple["SessionTracker", bool]:
        """Hear of a session: its deadline moves. False for one that is unknown or closing. touchSession."""
        known = self.sessions.get(session)
        if known is None or known.closing:
            return self, False
        return self._with(session, evolve(known, deadline=self._deadline(now, known.timeout))), True

    def check(self, session: int, owner: int | None) -> "SessionTracker":
        """Let a request of the session pass, and claim the session for `owner` if nobody has it. checkSession.

        Raises KeeperError SESSION_EXPIRED (unknown or closing) or SESSION_MOVED (connected to another server).
        """
        known = self.sessions.get(session)
        if known is None or known.closing:
            raise KeeperError(ErrorCode.SESSION_EXPIRED)
        if known.owner is None:
            return self._with(session, evolve(known, owner=owner))
        if known.owner != owner:
            raise KeeperError(ErrorCode.SESSION_MOVED)
        return self

    def move(self, session: int, owner: int) -> "SessionTracker":
        """A client reconnects through another server. setOwner; KeeperError SESSION_EXPIRED if it is unknown or closing."""
        known = self.sessions.get(session)
        if known is None or known.closing:
            raise KeeperError(ErrorCode.SESSION_EXPIRED)
        return self._with(session, evolve(known, owner=owner))

    def close(self, session: int) -> "SessionTracker":
        """Refuse the session's requests from now on: its closing transaction is prepared. setSessionClosing."""
        known = self.sessions.get(session)
        return self if known is None else self._with(session, evolve(known, closing=True))

    def forget(self, session: int) -> "SessionTracker":
        """The closing transaction was applied. removeSession."""
        return evolve(self, sessions={key: known for key, known in self.sessions.items() if key != session})

    def expire(self, now: int, rules: ServiceRules = CORRECT) -> tuple["SessionTracker", tuple[int, ...]]:
        """The sessions whose bucket has elapsed, each of which the leader must now ask to close. SessionTrackerImpl.run."""
        due = tuple(
            s for s in sorted(self.sessions) if self.sessions[s].deadline <= now and not self.sessions[s].closing
        )
        tracker = self
        for session in due:
            if not rules.keep_session_until_closed():
                tracker = tracker.forget(session)
            elif rules.refuse_closing_sessions():
                tracker = tracker.close(session)
            else:
                tracker = tracker._with(session, evolve(tracker.sessions[session], deadline=_NEVER))
        return tracker, due

    def _with(self, session: int, known: Session) -> "SessionTracker":
        return evolve(self, sessions={**self.sessions, session: known})

    def _deadline(self, now: int, timeout: int) -> int:
        """The end of the bucket that the timeout falls into, always later than it. ExpiryQueue.roundToNextInterval."""
        return ((now + timeout) // self.tick + 1) * self.tick
