"""Everything that the carrier knows: its accounts and calls, and the callees of its numbers."""

import time
from collections.abc import Mapping, Sequence

from tests.carrier.accounts import Account, Refused
from tests.carrier.callees import CALLEES, choose
from tests.carrier.calls import PlacedCall
from tests.carrier.life import Lives
from tests.carrier.notices import Notifier
from tests.carrier.posting import Poster
from tests.carrier.recordings import Recordings
from tests.carrier.records import Record
from tests.carrier.settings import BadSettings, Settings


class World:
    """Made inside the event loop. Nothing here waits, so each request sees all of it at one moment."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._first_accounts = [(each.sid, each.token, each.signing_key) for each in accounts]
        self._poster = Poster()
        self.recordings = Recordings()
        self.notifier = Notifier(self._poster, lambda: self.settings)
        self._lives = Lives(self._poster, self.notifier, self.recordings, lambda: self.settings)
        self._begin()

    def _begin(self) -> None:
        self.settings = Settings()
        self.accounts = {sid: Account(sid, token, key) for sid, token, key in self._first_accounts}
        self.calls: dict[str, PlacedCall] = {}
        self.refused_numbers: dict[str, int] = {}
        self._callees: dict[str, list[str]] = {}
        self.dials = 0
        self.notifier.forget()

    @property
    def record(self) -> Record:
        return self.notifier.record

    def reset(self) -> None:
        for call in self.calls.values():
            if call.task is not None:
                call.task.cancel()
        self.recordings.sounds.clear()
        self._begin()

    def set_callees(self, number: str, names: Sequence[str]) -> None:
        """Raises BadSettings."""
        if not names or (unknown := [name for name in names if name not in CALLEES]):
            raise BadSettings(f"no callee has the name {unknown[0]!r}" if names else "there is no callee")
        self._callees[number] = list(names)

    def choose_callee(self, number: str) -> str:
        """A request that is refused uses up one of the list too."""
        names = self._callees.get(number)
        if names:
            return names.pop(0) if len(names) > 1 else names[0]
        return choose(number, mix=self.settings.mix, seed=self.settings.seed)

    def place(self, account: Account, form: Mapping[str, list[str]], *, callee: str) -> PlacedCall:
        """Raises Refused."""
        [to], [from_number] = form["To"], form["From"]
        if code := self.refused_numbers.get(from_number, 0):
            raise Refused(code, from_number)
        if code := CALLEES[callee].error:
            raise Refused(code, to)
        if account.most_calls and len(account.live) >= account.most_calls:
            raise Refused(10004)
        now = time.time()
        if account.next_start - now > self.settings.queue_seconds:
            raise Refused(22005)
        call = PlacedCall(
            len(self.calls) + 1, account, to, from_number, form, callee, CALLEES[callee], created_at=now
        )
        self._open(call, now)
        return call

    def _open(self, call: PlacedCall, now: float) -> None:
        start = call.account.take_start(now)
        call.queue_ms = round(1000 * (start - now))
        self.calls[call.sid] = call
        call.account.live.add(call.sid)
        self.record.ledger.open(call.sid, to=call.to, from_number=call.from_number)
        self._lives.start(call, at=start)

    def end(self, call: PlacedCall, status: str) -> None:
        """As the API ends a call. A call that is up is not canceled. Raises Refused."""
        if call.is_over:
            raise Refused(21220)
        if call.status == "in-progress" and status == "canceled":
            return
        call.ends_as = "completed" if call.status == "in-progress" else "canceled"
        if call.task is not None:
            call.task.cancel()

    async def close(self) -> None:
        self.reset()
        await self._poster.close()
