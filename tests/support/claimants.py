"""Buyers that claim one offer at the same moment, again and again: threads with open connections, in processes.

    python -m tests.support.claimants THREADS

It prints "ready" when every thread is connected. For each line of stdin, a JSON list of an offer and a buyer for each
thread, all claim at once. It prints a JSON list of [result, milliseconds].
"""

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    import subprocess

PROCESSES: Final = 2
# On a machine that is busy with other work a claim may wait for longer than the product does. Clients repeat it.
MAX_CLAIMS: Final = 15


@dataclass(frozen=True, slots=True)
class Answer:
    """`result`: won, had (the winner's other claim) or the code of the refusal."""

    result: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Claimants:
    programs: Sequence["subprocess.Popen[str]"]

    def claim_at_once(self, offer: UUID, buyers: Sequence[int]) -> list[Answer]:
        """One claim for each of these buyers. A buyer may be named twice."""
        for place, program in enumerate(self.programs):
            self._tell(program, [str(offer), *buyers[place :: len(self.programs)]])
        return [Answer(*each) for program in self.programs for each in json.loads(read_line(program))]

    @staticmethod
    def _tell(program: "subprocess.Popen[str]", order: list[Any]) -> None:
        assert program.stdin is not None
        program.stdin.write(json.dumps(order) + "\n")
        program.stdin.flush()


@contextmanager
def claimants(count: int) -> Iterator[Claimants]:
    """This many, shared among the processes."""
    from tests.support.processes import started

    threads = str(count // PROCESSES)
    with ExitStack() as stack:
        programs = [
            stack.enter_context(started("-m", "tests.support.claimants", threads)) for _ in range(PROCESSES)
        ]
        for program in programs:
            assert read_line(program) == "ready\n"
        yield Claimants(programs)


def read_line(program: "subprocess.Popen[str]") -> str:
    assert program.stdout is not None
    return program.stdout.readline()


class Crowd:
    """The threads of one process."""

    def __init__(self, count: int) -> None:
        self._start, self._end = threading.Barrier(count + 1), threading.Barrier(count + 1)
        self._order: list[Any] = []
        self._answers: list[tuple[str, int]] = [("", 0)] * count
        for place in range(count):
            threading.Thread(target=self._run, args=[place], daemon=True).start()

    def wait(self) -> None:
        self._end.wait()

    def claim(self, order: list[Any]) -> list[tuple[str, int]]:
        self._order = order
        self._start.wait()
        self._end.wait()
        return self._answers

    def _run(self, place: int) -> None:
        from django.db import connection

        connection.ensure_connection()
        while True:
            self._end.wait()
            self._start.wait()
            offer, *buyers = self._order
            self._answers[place] = claim(UUID(offer), buyers[place])


def claim(offer: UUID, buyer_id: int) -> tuple[str, int]:
    from distribution.offers.refusals import ClaimBusy

    began = monotonic()
    for _ in range(MAX_CLAIMS):
        with suppress(ClaimBusy):
            return try_to_claim(offer, buyer_id), round((monotonic() - began) * 1000)
    return "busy", round((monotonic() - began) * 1000)


def try_to_claim(offer: UUID, buyer_id: int) -> str:
    """Raises ClaimBusy."""
    from distribution.offers.claim import claim_offer
    from distribution.offers.refusals import ClaimRefused

    try:
        return "won" if claim_offer(offer, buyer_id=buyer_id).is_new else "had"
    except ClaimRefused as refusal:
        return refusal.code


def main(count: int) -> None:
    import django

    django.setup()
    crowd = Crowd(count)
    crowd.wait()
    print("ready", flush=True)  # noqa: T201 - the protocol with the test
    for line in sys.stdin:
        print(json.dumps(crowd.claim(json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
