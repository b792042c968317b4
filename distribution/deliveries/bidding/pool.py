"""The threads that make the requests of auctions. They use no database. Who may run is decided by admission.py."""

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from distribution.deliveries.bidding.admission import Admission, Request
from distribution.deliveries.bidding.asking import BidReply, ask, crowded_out
from distribution.deliveries.bidding.claim import Question
from distribution.deliveries.bidding.pace import Pace
from distribution.deliveries.bidding.targets import PingTarget
from distribution.deliveries.outbound import OutboundClient

# After the bid deadline an answer is waited for this long, so that the buyer learns how late it was.
LATE_SECONDS: Final = 2.0
# One workspace may hold half of the threads.
THREADS_OF_ALL: Final = 2
NO_TIME: Final = "no free thread before the deadline"
TOO_MANY: Final = "its limit of requests at once was reached"


@dataclass(frozen=True, slots=True)
class Task:
    """`claimed_at`: monotonic, when the question had been read."""

    question: Question
    claimed_at: float

    @property
    def deadline(self) -> float:
        return self.claimed_at + self.question.seconds_left


# What the writer hears of a task. A task alone: it was claimed. None: no more are to come.
News = tuple[Task, BidReply] | Task | None
Answers = queue.SimpleQueue[News]


class Pool:
    """Asks for one workspace with at most `threads` threads, and has twice as many for all."""

    def __init__(self, threads: int, *, client: OutboundClient, pace: Pace, answers: Answers) -> None:
        self._client, self._pace, self._answers = client, pace, answers
        self._changed = threading.Condition()
        count = threads * THREADS_OF_ALL
        self._admission: Admission[Task] = Admission(count, find_seconds=pace.find_seconds)
        self.threads = [
            threading.Thread(target=self._run, name=f"bid-request-{number}", daemon=True)
            for number in range(count)
        ]

    def count_free(self) -> int:
        """How many questions of one more workspace can be asked at once now."""
        with self._changed:
            return -(-self._admission.free // THREADS_OF_ALL)

    def add(self, tasks: Iterable[tuple[Task, PingTarget]]) -> None:
        requests = [_make_request(task, target) for task, target in tasks]
        with self._changed:
            for request in requests:
                self._admission.add(request)
            self._changed.notify(len(requests))

    def give_up(self, now: float) -> list[tuple[Task, BidReply]]:
        """The questions that waited until no answer could come in time. `now`: monotonic."""
        with self._changed:
            found = self._admission.give_up(now)
            reasons = [TOO_MANY if self._admission.was_full(each) else NO_TIME for each in found]
        return [(each.work, crowded_out(reason, at=now)) for each, reason in zip(found, reasons, strict=True)]

    def _run(self) -> None:
        while True:
            request, late_seconds = self._take()
            asked = self._ask(request.work, late_seconds=late_seconds)
            self._end(request, asked)
            self._answers.put((request.work, asked))

    def _take(self) -> tuple[Request[Task], float]:
        with self._changed:
            while (request := self._admission.take(time.monotonic())) is None:
                self._changed.wait()
            if self._admission.has_waiting:
                self._changed.notify()
            return request, LATE_SECONDS if self._admission.may_wait_late(request) else 0.0

    def _ask(self, task: Task, *, late_seconds: float) -> BidReply:
        question, target = task.question, task.question.target
        assert target is not None  # noqa: S101 - see `add`
        left = max(0.001, task.deadline - time.monotonic())
        seconds = min(float(target.timeout_seconds), left + late_seconds)
        return ask(target, question.facts, client=self._client, seconds=seconds, is_test=question.is_test)

    def _end(self, request: Request[Task], asked: BidReply) -> None:
        with self._changed:
            if asked.result is not None:
                self._pace.note(request.endpoint_id, latency_ms=asked.latency_ms)
            self._admission.end(request)
            self._changed.notify()


def _make_request(task: Task, target: PingTarget) -> Request[Task]:
    return Request(
        work=task,
        workspace_id=task.question.workspace_id,
        endpoint_id=target.endpoint_id,
        most=target.max_in_flight,
        claimed_at=task.claimed_at,
        deadline=task.deadline,
    )
