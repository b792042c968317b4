"""The threads of a deliverer that ask buyers for bids.

    claimer    marks the buyers of open auctions as asked, and hands each to the pool
    pool       one request each; no database (pool.py)
    writer     writes the answers as they come, and that nobody was asked if the pool had no room; makes the lead due
               when all are in, or at the bid deadline
    closer     runs the attempt that closes the auction and sells

A process may be killed at every step: bids that were written count, and the dispatcher closes the auction.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import Error, close_old_connections, connections

from distribution import metrics
from distribution.deliveries.bidding.asking import BidReply, not_asked
from distribution.deliveries.bidding.claim import Targets, claim_auctions
from distribution.deliveries.bidding.health import Noted, Probes, note_answers
from distribution.deliveries.bidding.pace import Pace
from distribution.deliveries.bidding.pool import Answers, News, Pool, Task
from distribution.deliveries.bidding.targets import PingTarget
from distribution.deliveries.bidding.writing import Answered, make_due, write_bids
from distribution.deliveries.outbound import OutboundClient
from distribution.deliveries.recorder import Distribute, NextAttempts

logger = logging.getLogger(__name__)

# Notifications may be missed: open auctions are looked for this often.
POLL_SECONDS: Final = 0.5
PAUSE_AFTER_FAILURE_SECONDS: Final = 0.5
NO_ENDPOINT: Final = "ping endpoint is off"
RESTS: Final = "not asked: its system has not answered for a while"


@dataclass(slots=True)
class Open:
    """An auction that this process asks for. `deadline`: monotonic."""

    lead_id: int
    deadline: float
    unanswered: int
    is_closed: bool = False


class Bidder:
    """`wake`: set when an auction may have opened. One workspace is asked for with `threads` threads at most."""

    def __init__(
        self,
        *,
        threads: int,
        client: OutboundClient,
        distribute: Distribute,
        stop: threading.Event,
        wake: threading.Event,
    ) -> None:
        self._stop, self._wake = stop, wake
        self._closer = NextAttempts(distribute, name="auction-closer")
        self._answers: Answers = queue.SimpleQueue()
        self._pace = Pace()
        self._pool = Pool(threads, client=client, pace=self._pace, answers=self._answers)
        self._probes = Probes()
        self._open: dict[int, Open] = {}
        self.threads: list[threading.Thread] = [
            threading.Thread(target=self._claim, name="bid-claimer", daemon=True),
            threading.Thread(target=self._write, name="bid-writer", daemon=True),
            self._closer,
            *self._pool.threads,
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
        questions = self._pace.order(claim_auctions(targets), free=self._pool.count_free())
        # After the statement: a deadline is never earlier than the campaign says.
        claimed_at = time.monotonic()
        tasks = [Task(each, claimed_at) for each in questions]
        for task in tasks:
            self._answers.put(task)  # the writer must know the auction before its first answer
        self._pool.add([(task, target) for task in tasks if (target := self._find_target(task)) is not None])
        return bool(questions)

    def _find_target(self, task: Task) -> PingTarget | None:
        """None: its endpoint is not asked, and the writer hears why."""
        question, target, started = task.question, task.question.target, time.monotonic()
        if target is None:
            self._answers.put((task, not_asked(NO_ENDPOINT, started=started)))
        elif not self._probes.may_ask(target.endpoint_id, health=question.health, at=question.asked_at):
            self._answers.put((task, not_asked(RESTS, started=started)))
        else:
            return target
        return None

    # --- writer ---

    def _write(self) -> None:
        is_open = True
        while is_open:
            found = self._wait()
            now = time.monotonic()
            given_up = self._pool.give_up(now)  # before their auctions are closed
            answers, is_open = self._sort([*found, *self._take()])
            answers += given_up
            while answers and not self._contain(lambda found=answers: self._write_all(found)):  # type: ignore[misc]
                if self._stop.is_set():
                    break
            self._close_due(now)
            self._contain(lambda found=answers: self._note(found))  # type: ignore[misc]
        connections.close_all()

    def _wait(self) -> list[News]:
        """The first news, if that comes before the next bid deadline."""
        try:
            return [self._answers.get(timeout=self._seconds_to_wait())]
        except queue.Empty:
            return []

    def _take(self) -> list[News]:
        """All news so far. So the auctions of the questions that were given up before are known."""
        return [self._answers.get_nowait() for _ in range(self._answers.qsize())]

    def _sort(self, news: Iterable[News]) -> tuple[list[tuple[Task, BidReply]], bool]:
        """The answers, and whether more may come."""
        answers: list[tuple[Task, BidReply]] = []
        is_open = True
        for each in news:
            if each is None:
                is_open = False
            elif isinstance(each, Task):
                self._register(each)
            else:
                answers.append(each)
        return answers, is_open

    def _seconds_to_wait(self) -> float | None:
        deadlines = [each.deadline for each in self._open.values() if not each.is_closed]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _register(self, task: Task) -> None:
        question = task.question
        auction = self._open.setdefault(question.offer_id, Open(question.lead_id, task.deadline, 0))
        auction.unanswered += 1

    def _write_all(self, found: list[tuple[Task, BidReply]]) -> bool:
        outcomes = write_bids([_describe(task, asked) for task, asked in found])
        for outcome in outcomes:
            metrics.BIDS.labels(outcome=outcome.value).inc()
        for task, asked in found:
            if not asked.is_crowded_out:
                metrics.BID_SECONDS.observe(asked.latency_ms / 1000)
            self._open[task.question.offer_id].unanswered -= 1
        return True

    def _note(self, found: list[tuple[Task, BidReply]]) -> bool:
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

    def _close_due(self, now: float) -> None:
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


def _ended_at(task: Task, asked: BidReply) -> datetime:
    """By the clock of the database."""
    return task.question.asked_at + timedelta(seconds=asked.ended_at - task.claimed_at)


def _describe(task: Task, asked: BidReply) -> Answered:
    question = task.question
    return Answered(
        id=question.id,
        offer_id=question.offer_id,
        reading=asked.reading,
        at=_ended_at(task, asked),
        latency_ms=None if asked.is_crowded_out else asked.latency_ms,
        is_late=asked.ended_at > task.deadline,
        is_crowded_out=asked.is_crowded_out,
    )
