"""Which buyers are asked first: an auction waits for its last bid, so the slowest systems begin. No database."""

import math
from collections.abc import Sequence

from distribution.deliveries.bidding.claim import Question


class Pace:
    """What each endpoint took the last time that it was asked. Threads may note and read it at once."""

    def __init__(self) -> None:
        self._ms: dict[int, int] = {}

    def note(self, endpoint_id: int, *, latency_ms: int) -> None:
        self._ms[endpoint_id] = latency_ms

    def find_seconds(self, endpoint_id: int) -> float:
        """0: it was never asked."""
        return self._ms.get(endpoint_id, 0) / 1000

    def order(self, questions: Sequence[Question], *, free: int) -> Sequence[Question]:
        """The slowest first, before them those never asked. `free`: how many can be asked at once now.

        In their own order if there are more than that: systems that hang would hold the threads first.
        """
        if len(questions) > free:
            return questions
        return sorted(questions, key=self._find_ms, reverse=True)

    def _find_ms(self, question: Question) -> float:
        return 0.0 if question.target is None else self._ms.get(question.target.endpoint_id, math.inf)
