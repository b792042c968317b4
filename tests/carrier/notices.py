"""Sends notices: lost, doubled, late or out of order as often as the settings say."""

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Final
from uuid import uuid4

from tests.carrier.calls import PlacedCall, write_time
from tests.carrier.posting import Poster
from tests.carrier.records import Notice, Pairs, Record
from tests.carrier.settings import Settings

EVENTS: Final = {"initiated": "initiated", "ringing": "ringing", "answered": "in-progress"}
USUAL_EVENTS: Final = ["completed"]
SIP: Final = {"completed": "200", "busy": "486", "no-answer": "480", "failed": "404", "canceled": "487"}


class Notifier:
    """`present`: is set while notices go out. `is_lost`: those that would go out while it is not are lost."""

    def __init__(self, poster: Poster, settings: Callable[[], Settings]) -> None:
        self._poster = poster
        self._settings = settings
        self.record = Record()
        self.present = asyncio.Event()
        self.present.set()
        self.is_lost = False
        # The event loop alone would not keep them.
        self._tasks: set[asyncio.Task[None]] = set()

    def forget(self) -> None:
        """Send no notice that is not out yet, and begin a new record."""
        for task in self._tasks:
            task.cancel()
        self.record = Record()
        self.is_lost = False

    def report(self, call: PlacedCall, event: str) -> None:
        """Send a status callback if the call has asked for this event."""
        if not call.value("StatusCallback") or event not in call.form.get(
            "StatusCallbackEvent", USUAL_EVENTS
        ):
            return
        fields = [*describe_status(call, event), ("SequenceNumber", str(call.sequence))]
        notice = Notice(call.sid, "status", event, call.sequence, time.time())
        call.sequence += 1
        self._start(call, notice, call.value("StatusCallback"), fields)

    def report_recording(self, call: PlacedCall, fields: Pairs) -> None:
        notice = Notice(call.sid, "recording", "completed", 0, time.time())
        self._start(call, notice, call.value("RecordingStatusCallback"), fields)

    def _start(self, call: PlacedCall, notice: Notice, url: str, fields: Pairs) -> None:
        random = Random(f"{self._settings().seed}:{call.number}:{notice.kind}:{notice.sequence}")
        notice.fate = self._choose_fate(call, random)
        self.record.notices.append(notice)
        if notice.fate == "lost":
            return
        previous = call.last_notice
        task = asyncio.create_task(self._deliver(call, notice, url, fields, previous, random))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if notice.fate in ("sent", "doubled"):
            call.last_notice = task

    def _choose_fate(self, call: PlacedCall, random: Random) -> str:
        settings, drawn = self._settings(), random.random()
        if call.callee.is_silent or (self.is_lost and not self.present.is_set()):
            return "lost"
        for fate, rate in (
            ("lost", settings.lose),
            ("doubled", settings.double),
            ("delayed", settings.delay),
            ("reordered", settings.reorder),
        ):
            if drawn < rate:
                return fate
            drawn -= rate
        return "sent"

    async def _deliver(
        self,
        call: PlacedCall,
        notice: Notice,
        url: str,
        fields: Pairs,
        previous: asyncio.Task[None] | None,
        random: Random,
    ) -> None:
        longest = self._settings().delay_ms / 1000
        if notice.fate == "delayed":
            await asyncio.sleep(longest * random.random())
        elif notice.fate == "reordered":
            await _wait_for_next(call, longest)
        elif previous is not None:
            await asyncio.wait([previous])
        await self.present.wait()
        token = str(uuid4())
        sent = [self._send(call, notice, url, fields, token)]
        if notice.fate == "doubled":
            sent.append(self._send(call, notice, url, fields, token, seconds=longest * random.choice((0, 1))))
        await asyncio.gather(*sent)
        if notice.fate in ("sent", "doubled"):
            for event in call.held:
                event.set()

    async def _send(
        self, call: PlacedCall, notice: Notice, url: str, fields: Pairs, token: str, *, seconds: float = 0
    ) -> None:
        await asyncio.sleep(seconds)
        answers = await self._poster.post(url, fields, account=call.account, token=token)
        notice.tries += [str(answer.status) for answer in answers]


async def _wait_for_next(call: PlacedCall, longest: float) -> None:
    """Until the next notice of this call was sent."""
    event = asyncio.Event()
    call.held.append(event)
    try:
        await asyncio.wait_for(event.wait(), longest)
    except TimeoutError:
        return


def describe_call(call: PlacedCall, status: str) -> Pairs:
    """What every callback says."""
    fields = [
        ("CallSid", call.sid),
        ("AccountSid", call.account.sid),
        ("From", call.from_number),
        ("To", call.to),
        ("Caller", call.from_number),
        ("Called", call.to),
        ("CallStatus", status),
        ("Direction", "outbound-api"),
        ("ApiVersion", "2010-04-01"),
        ("ToCountry", "US"),
        ("FromCountry", "US"),
        ("ToCity", ""),
        ("FromCity", ""),
    ]
    return [*fields, ("AnsweredBy", call.answered_by)] if call.answered_by else fields


def describe_status(call: PlacedCall, event: str) -> Pairs:
    fields = [
        *describe_call(call, EVENTS.get(event, call.status)),
        ("Timestamp", write_time(time.time()) or ""),
        ("CallbackSource", "call-progress-events"),
    ]
    if event == "completed":
        seconds = call.duration_seconds or 0
        fields += [
            ("CallDuration", str(seconds)),
            ("Duration", str(-(-seconds // 60))),
            ("SipResponseCode", SIP[call.status]),
        ]
    return fields
