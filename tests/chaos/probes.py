"""Watches the product's processes from inside: which process works on which lead, which claims leads, which is stopped.

Each line goes to one file for all processes in a single write, so their order is the order of what happened, and a
killed process loses none. The product contains no code for it: `install` wraps its functions in a suite's process.
"""

import json
import os
import signal
from pathlib import Path
from typing import Any, Final

WITNESS: Final = "witness.jsonl"
CLAIMS: Final = "chaos:claims"
# At the end of a claim, in the same script: which dispatcher led when it was allowed. Silent while it finds no leads.
REPORT_CLAIM: Final = f"""
local leader, epoch = redis.call('GET', DISPATCHER) or '', redis.call('GET', EPOCH) or ''
if #batch > head or leader ~= ARGV[1] or epoch ~= ARGV[2] then
    redis.call('RPUSH', '{CLAIMS}', cjson.encode({{ARGV[1], ARGV[2], leader, epoch, (#batch - head) / 3, 0}}))
end
return batch
"""


class Probe:
    def __init__(self) -> None:
        self.program = ""
        self._directory = Path()
        self._file = -1

    def open(self, directory: Path) -> None:
        self._directory = directory
        self._file = os.open(directory / WITNESS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def log(self, what: str, **more: Any) -> None:
        line = json.dumps({"what": what, "pid": os.getpid(), "program": self.program, **more})
        os.write(self._file, f"{line}\n".encode())

    def stop_at(self, point: str) -> bool:
        """Stop this process here if the suite requested it and no other was faster. Returns whether it stopped."""
        if not self.is_asked(point):
            return False
        self.log("stops", point=point)
        os.kill(os.getpid(), signal.SIGSTOP)
        return True

    def is_asked(self, point: str) -> bool:
        """Whether the suite requested something here, and no other process was faster."""
        try:
            asking(self._directory, point).rename(self._directory / f"met-{point}")
        except FileNotFoundError:
            return False
        return True


PROBE: Final = Probe()


def asking(directory: Path, point: str) -> Path:
    """The file by which the suite requests that the next process at this point stops or loses an answer."""
    return directory / f"ask-{point}"


def install(directory: Path) -> None:
    PROBE.open(directory)
    _watch_attempts()
    _watch_decisions()
    _watch_sales()
    _watch_claims()
    _watch_publishing()
    _watch_exits()


def _watch_attempts() -> None:
    """No other process may be between a lead's lock and the end of its transaction."""
    from distribution.attempts import distribute, record, rollback
    from distribution.attempts.restart import Restart
    from routing.leads.finish import LeadMoved

    take_steps, close, close_back = (
        distribute._run_steps,
        record.close_attempt,
        rollback.close_rolled_back,
    )

    def watched(attempt: Any) -> Any:
        held, lock = [], attempt.lock

        def locked() -> Any:
            lead = lock()
            if lead is not None:
                held.append(lead.id)
                PROBE.log("begins", lead=lead.id)
            return lead

        attempt.lock = locked
        is_given_up = False
        try:
            result = take_steps(attempt)
            is_given_up = isinstance(result, Restart) or result.not_run is not None
            return result
        finally:
            attempt.lock = lock
            for lead_id in held:
                PROBE.log("ends", lead=lead_id, is_given_up=is_given_up)

    def closed(lead_id: int, **fields: Any) -> None:
        try:
            close(lead_id, **fields)
        except LeadMoved:
            PROBE.log("thrown away", lead=lead_id)
            raise

    def closed_after_rollback(lead: Any, **fields: Any) -> Any:
        try:
            return close_back(lead, **fields)
        except LeadMoved:
            PROBE.log("taken after a rollback", lead=lead.id)
            raise

    distribute._run_steps = watched
    record.close_attempt = closed
    rollback.close_rolled_back = closed_after_rollback


def _watch_decisions() -> None:
    """At this point a worker has the lead and has read everything, but has locked no buyer yet."""
    from distribution.attempts import decide_under_lock

    lock = decide_under_lock.lock_candidates

    def watched(enrollment_ids: Any, *, count: int) -> Any:
        if PROBE.program == "worker":
            PROBE.stop_at("decision")
        return lock(enrollment_ids, count=count)

    decide_under_lock.lock_candidates = watched


def _watch_sales() -> None:
    """At this point a worker has decided, and has the locks of all buyers that it sells to."""
    from distribution.attempts import decide_under_lock

    sell = decide_under_lock.sell_selected

    def watched(decided: Any, **named: Any) -> Any:
        if PROBE.program == "worker" and decided.decision.selected:
            PROBE.stop_at("sale")
        return sell(decided, **named)

    decide_under_lock.sell_selected = watched


def _watch_claims() -> None:
    from redis.exceptions import TimeoutError

    from routing.dispatch import schedule, scripts

    assert scripts.CLAIM_BATCH.endswith("return batch\n")
    scripts.CLAIM_BATCH = scripts.CLAIM_BATCH.removesuffix("return batch\n") + REPORT_CLAIM
    claim = schedule.claim_batch

    def watched(leader: schedule.Leader, *, limit: int, published: int | None = None) -> schedule.Batch:
        was_stopped = PROBE.stop_at("claim")
        try:
            batch = claim(leader, limit=limit, published=published)
            if batch.leads and PROBE.is_asked("answer-claim"):
                PROBE.log("an answer is lost: claim")
                raise TimeoutError("the answer of a claim was lost")
            return batch
        finally:
            if was_stopped:
                PROBE.log("claims after its stop")

    schedule.claim_batch = watched


def _watch_publishing() -> None:
    """At this point only the leader has the list of the leads that it claimed."""
    from routing.dispatcher import loop

    publish = loop.publish_all

    def watched(dispatched: Any, *, path: str) -> None:
        if dispatched and path == "claim":
            PROBE.stop_at("publish")
        publish(dispatched, path=path)

    loop.publish_all = watched


def _watch_exits() -> None:
    """At this point a web process has answered its last request, and enqueues the remaining leads."""
    from routing.dispatch.enqueuer import Enqueuer

    leave = Enqueuer.drain

    def watched(self: Enqueuer, **named: Any) -> int:
        if PROBE.program == "web":
            PROBE.log("leaves")
        return leave(self, **named)

    Enqueuer.drain = watched  # type: ignore[method-assign]
