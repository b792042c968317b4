"""The threads of a deliverer that ask buyers for bids.

    claimer    marks the buyers of open auctions as asked, and hands each to a thread of the pool
    pool       one request each; no database
    writer     writes the answers as they come; makes the lead due when all are in, or at the bid deadline
    closer     runs the attempt that closes the auction and sells

A process may be killed at every step: bids that were written count, and the dispatcher closes the auction.
"""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import Error, close_old_connections, connections

from distribution import metrics
from distribution.deliveries.bidding.asking import Asked, ask, not_asked
from distribution.deliveries.bidding.claim import Question, Targets, claim_auctions
from distribution.deliveries.bidding.health import Noted, Probes, note_answers
from distribution.deliveries.bidding.pace import Pace
from distribution.deliveries.bidding.writing import Answered, make_due, write_bids
from distribution.deliveries.outbound import OutboundClient
from distribution.deliveries.recorder import Distribute, NextAttempts

logger = logging.getLogger(__name__)

# Notifications may be missed: open auctions are looked for this often.
POLL_SECONDS: Final = 0.5
# After the bid deadline an answer is waited for this long, so that the buyer learns how late it was.
LATE_SECONDS: Final = 2.0
PAUSE_AFTER_FAILURE_SECONDS: Final = 0.5
ANSWERS_AT_ONCE: Final = 200
NO_ENDPOINT: Final = "ping endpoint is off"
NO_TIME: Final = "no free thread before the deadline"
TOO_MANY: Final = "its limit of requests at once was reached"
RESTS: Final = "not asked: its system has not answered for a while"


@dataclass(slots=True)
class Open:
    """An auction that this process asks for. `deadline`: monotonic."""

    lead_id: int
    deadline: float
    unanswered: int
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """`claimed_at`: monotonic, when the question had been read."""

    question: Question
    claimed_at: float

    @property
    def deadline(self) -> float:
        return self.claimed_at + self.question.seconds_left


class Bidder:
    """`wake`: set when an auction may have opened. The pool has `threads` threads."""

    def __init__(
        self,
        *,
        threads: int,
        client: OutboundClient,
        distribute: Distribute,
        stop: threading.Event,
        wake: threading.Event,
    ) -> None:
        self._client, self._stop, self._wake = client, stop, wake
        self._closer = NextAttempts(distribute, name="auction-closer")
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Task, Asked] | Task | None] = queue.SimpleQueue()
        self._count = threads
        self._running: Counter[int] = Counter()
        self._pace = Pace()
        self._lock = threading.Lock()
        self._probes = Probes()
        self._open: dict[int, Open] = {}
        self.threads: list[threading.Thread] = [
            threading.Thread(target=self._claim, name="bid-claimer", daemon=True),
            threading.Thread(target=self._write, name="bid-writer", daemon=True),
            self._closer,
            *(
                threading.Thread(target=self._ask, name=f"bid-request-{number}", daemon=True)
                for number in range(threads)
            ),
        ]

    def finish(self, *, seconds: float) -> None:
        """The auctions that are open then are closed by the dispatcher, with the bids that are written."""
        self._wake.set()
        self._answers.put(None)
        self._closer.finish(seconds=seconds)

    # --- claimer ---

    def _claim(self) -> None:
        targets = Targets()
        while not self._stop.is_set():
            self._wake.clear()
            if not self._contain(lambda: self._claim_once(targets)):
                self._wake.wait(POLL_SECONDS)
        connections.close_all()

    def _claim_once(self, targets: Targets) -> bool:
        """Returns whether there may be more."""
        questions = self._pace.order(claim_auctions(targets), free=self._count_free())
        # After the statement: a deadline is never earlier than the campaign says.
        claimed_at = time.monotonic()
        tasks = [Task(each, claimed_at) for each in questions]
        for task in tasks:
            self._answers.put(task)  # the writer must know the auction before its first answer
        for task in tasks:
            self._tasks.put(task)
        return bool(questions)

    def _count_free(self) -> int:
        with self._lock:
            return self._count - self._running.total()

    # --- pool ---

    def _ask(self) -> None:
        while True:
            task = self._tasks.get()
            self._answers.put((task, self._ask_once(task)))

    def _ask_once(self, task: Task) -> Asked:
        question, started = task.question, time.monotonic()
        target = question.target
        if target is None:
            return not_asked(NO_ENDPOINT, started=started)
        if not self._probes.may_ask(target.endpoint_id, health=question.health, at=question.asked_at):
            return not_asked(RESTS, started=started)
        left = task.deadline - started
        if left <= 0:
            return not_asked(NO_TIME, started=started)
        if not self._begin(target.endpoint_id, most=target.max_in_flight):
            return not_asked(TOO_MANY, started=started)
        try:
            seconds = min(float(target.timeout_seconds), left + LATE_SECONDS)
            return ask(target, question.facts, client=self._client, seconds=seconds, is_test=question.is_test)
        finally:
            self._end(target.endpoint_id)

    def _begin(self, endpoint_id: int, *, most: int) -> bool:
        """A system that hangs holds as many threads as its endpoint allows, and no more."""
        with self._lock:
            if self._running[endpoint_id] >= most:
                return False
            self._running[endpoint_id] += 1
            return True

    def _end(self, endpoint_id: int) -> None:
        with self._lock:
            self._running[endpoint_id] -= 1

    # --- writer ---

    def _write(self) -> None:
        is_open = True
        while is_open:
            answers, is_open = self._take()
            while answers and not self._contain(lambda found=answers: self._write_all(found)):  # type: ignore[misc]
                if self._stop.is_set():
                    break
            self._close_due()
            self._contain(lambda found=answers: self._note(found))  # type: ignore[misc]
        connections.close_all()

    def _take(self) -> tuple[list[tuple[Task, Asked]], bool]:
        """The answers that have come. Waits for one, but not beyond the next bid deadline."""
        answers: list[tuple[Task, Asked]] = []
        try:
            found = self._answers.get(timeout=self._seconds_to_wait())
            while found is not None:
                if isinstance(found, Task):
                    self._register(found)
                else:
                    answers.append(found)
                if len(answers) >= ANSWERS_AT_ONCE:
                    return answers, True
                found = self._answers.get_nowait()
        except queue.Empty:
            return answers, True
        return answers, False

    def _seconds_to_wait(self) -> float | None:
        deadlines = [each.deadline for each in self._open.values() if not each.is_closed]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _register(self, task: Task) -> None:
        question = task.question
        auction = self._open.setdefault(question.offer_id, Open(question.lead_id, task.deadline, 0))
        auction.unanswered += 1

    def _write_all(self, found: list[tuple[Task, Asked]]) -> bool:
        outcomes = write_bids([_describe(task, asked) for task, asked in found])
        for outcome in outcomes:
            metrics.BIDS.labels(outcome=outcome.value).inc()
        for task, asked in found:
            metrics.BID_SECONDS.observe(asked.latency_ms / 1000)
            self._pace.note(task.question.target, latency_ms=asked.latency_ms)
            self._open[task.question.offer_id].unanswered -= 1
        return True

    def _note(self, found: list[tuple[Task, Asked]]) -> bool:
        """What the answers say of the endpoints. Test leads go to other addresses."""
        note_answers(
            Noted(
                endpoint_id=task.question.target.endpoint_id,
                outcome=asked.reading.outcome,
                status=asked.result.status,
                health=task.question.health,
                at=_ended_at(task, asked),
            )
            for task, asked in found
            if task.question.target is not None and asked.result is not None and not task.question.is_test
        )
        return True

    def _close_due(self) -> None:
        now = time.monotonic()
        for offer_id, auction in list(self._open.items()):
            if not auction.is_closed and (auction.unanswered == 0 or auction.deadline <= now):
                auction.is_closed = True
                self._contain(lambda of=auction, pk=offer_id: self._close(of, pk))  # type: ignore[misc]
            if auction.is_closed and auction.unanswered == 0:
                del self._open[offer_id]

    def _close(self, auction: Open, offer_id: int) -> bool:
        if make_due(auction.lead_id, offer_id=offer_id):
            self._closer.add(auction.lead_id)
        return True

    def _contain(self, work: Callable[[], bool]) -> bool:
        """Run it. A failure of PostgreSQL must not end the thread: the dispatcher closes what is left open."""
        try:
            return work()
        except Error as error:
            logger.warning("bidding.database_failed", extra={"cause": type(error).__name__})
            close_old_connections()
            self._stop.wait(PAUSE_AFTER_FAILURE_SECONDS)
            return False


def _ended_at(task: Task, asked: Asked) -> datetime:
    """By the clock of the database."""
    return task.question.asked_at + timedelta(seconds=asked.ended_at - task.claimed_at)


def _describe(task: Task, asked: Asked) -> Answered:
    question = task.question
    return Answered(
        id=question.id,
        offer_id=question.offer_id,
        reading=asked.reading,
        at=_ended_at(task, asked),
        latency_ms=asked.latency_ms,
        is_late=asked.ended_at > task.deadline,
    )
