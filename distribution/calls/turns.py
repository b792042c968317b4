"""Which carrier accounts the threads of a process are asking. A slow account must not take all of them."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """What a thread has taken to do, and the account that it asks for that."""

    id: int
    account_id: int


# Takes what is due, but nothing of these accounts. None: nothing else is due.
Take = Callable[[Collection[int]], Taken | None]


class Turns:
    """`most`: how many threads may ask one account at once. None: as many as there are.

    `on_taken` is called with the number of threads that ask when one more has begun: something else may be due.
    """

    def __init__(
        self, most: int | None = None, *, on_taken: Callable[[int], object] = lambda _: None
    ) -> None:
        self._most, self._on_taken = most, on_taken
        self._lock = threading.Lock()
        self._asking: Counter[int] = Counter()

    def count(self) -> int:
        """How many threads ask."""
        with self._lock:
            return self._asking.total()

    @contextmanager
    def take(self, take: Take) -> Iterator[Taken | None]:
        """Two threads that take at once would both see that there is room for one more of an account: one by one."""
        with self._lock:
            taken = take(self._list_crowded())
            if taken is not None:
                self._asking[taken.account_id] += 1
                self._on_taken(self._asking.total())
        try:
            yield taken
        finally:
            if taken is not None:
                with self._lock:
                    self._asking[taken.account_id] -= 1

    def _list_crowded(self) -> list[int]:
        most = self._most
        return [] if most is None else [key for key, count in self._asking.items() if count >= most]
