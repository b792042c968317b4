"""The life of a call: it waits in the queue, rings, is answered or not, talks, and ends. One task for each call."""

import asyncio
import time
from collections.abc import Callable

from tests.carrier.callees import MACHINE
from tests.carrier.calls import PlacedCall
from tests.carrier.notices import Notifier
from tests.carrier.posting import Poster
from tests.carrier.recordings import Recordings
from tests.carrier.settings import Settings
from tests.carrier.talking import Talk


class Lives:
    def __init__(
        self, poster: Poster, notifier: Notifier, recordings: Recordings, settings: Callable[[], Settings]
    ) -> None:
        self._poster = poster
        self._notifier = notifier
        self._recordings = recordings
        self._settings = settings

    def start(self, call: PlacedCall, *, at: float) -> None:
        """`at`: when it leaves the queue."""
        call.task = asyncio.create_task(self._run(call, at))

    async def _run(self, call: PlacedCall, at: float) -> None:
        try:
            await asyncio.sleep(max(0.0, at - time.time()))
            status = await self._dial(call)
        except asyncio.CancelledError:
            if not call.ends_as:
                raise  # the carrier forgets everything
            status, call.ended_by = call.ends_as, "api"
        self._end(call, status)

    async def _dial(self, call: PlacedCall) -> str:
        """Return the last status of the call."""
        settings = self._settings()
        call.started_at = time.time()
        self._notifier.report(call, "initiated")
        await asyncio.sleep(settings.setup_ms / 1000)
        if call.callee.ends == "failed":
            call.ended_by = "carrier"
            return "failed"
        call.status = "ringing"
        self._notifier.report(call, "ringing")
        ends = await self._ring(call, settings)
        if ends:
            call.ended_by = "callee"
            return ends
        return await self._answer(call, settings)

    async def _ring(self, call: PlacedCall, settings: Settings) -> str:
        """Return how the call ends, if it is not answered. It rings for Timeout at the most."""
        longest = float(call.value("Timeout", "60")) * settings.second_ms / 1000
        if call.callee.is_manual:
            act = await call.acts.get()
            return "" if act == "answer" else act
        if call.callee.ends == "no-answer" or settings.ring_ms / 1000 > longest:
            await asyncio.sleep(longest)
            return "no-answer"
        await asyncio.sleep(settings.ring_ms / 1000)
        return call.callee.ends

    async def _answer(self, call: PlacedCall, settings: Settings) -> str:
        call.status, call.answered_at = "in-progress", time.time()
        self._notifier.report(call, "answered")
        limit = float(call.value("TimeLimit", "14400")) * settings.second_ms / 1000
        try:
            async with asyncio.timeout(limit):
                call.ended_by = await self._talk(call, settings)
        except TimeoutError:
            call.ended_by = "limit"
        return "completed"

    async def _talk(self, call: PlacedCall, settings: Settings) -> str:
        if call.callee.is_stuck:
            await asyncio.Event().wait()
        if call.value("MachineDetection"):
            await asyncio.sleep(settings.amd_ms / 1000)
            call.answered_by = _detect(call)
        talk = Talk(call, poster=self._poster, settings=self._settings, record=self._notifier.record)
        return await talk.run()

    def _end(self, call: PlacedCall, status: str) -> None:
        """The line is free before the notice leaves."""
        settings = self._settings()
        call.end(status, at=time.time(), second_ms=settings.second_ms)
        call.account.live.discard(call.sid)
        self._notifier.record.ledger.close(call.sid, to=call.to, from_number=call.from_number)
        self._notifier.report(call, "completed")
        if call.value("Record") == "true" and call.answered_at is not None:
            fields = self._recordings.make(call, seconds=settings.recording_seconds)
            if call.value("RecordingStatusCallback"):
                self._notifier.report_recording(call, fields)


def _detect(call: PlacedCall) -> str:
    """A carrier that waits for the end of the machine's message says how it ended."""
    found = call.callee.answered_by
    is_waiting = call.value("MachineDetection") == "DetectMessageEnd"
    return "machine_end_beep" if is_waiting and found == MACHINE else found
