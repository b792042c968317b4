"""Which question is asked next, and which ones are given up. Pure: no thread, no clock and no database.

1. An endpoint has as many requests at once as it may have. A question that finds them all running waits for its turn.
2. A workspace may hold as many threads as it leaves free: half of them, if no other one holds any. So the systems of
   one workspace that hang do not stop the auctions of the others, however many questions wait.
3. A question that has waited is given up as soon as its answer would come too late. It is no failure of its buyer.

Times are monotonic seconds.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

# Within this after its claim a question has not waited: its system is asked, however slow it is.
PROMPT_SECONDS: Final = 0.1
# No system answers sooner.
SHORTEST_SECONDS: Final = 0.02
# At most one in this many threads waits for an answer after the bid deadline.
LATE_SHARE: Final = 4

W = TypeVar("W")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[W]):
    """`most`: the requests at once that its endpoint may have."""

    work: W
    workspace_id: int
    endpoint_id: int
    most: int
    claimed_at: float
    deadline: float


class Admission(Generic[W]):
    """`find_seconds`: what an endpoint takes for an answer, by its id. Its caller holds a lock."""

    def __init__(self, threads: int, *, find_seconds: Callable[[int], float]) -> None:
        self._threads, self._find_seconds = threads, find_seconds
        self._waiting: dict[int, deque[Request[W]]] = {}
        self._hopeless: list[Request[W]] = []
        self._of_endpoint: Counter[int] = Counter()
        self._of_workspace: Counter[int] = Counter()
        self._full: set[int] = set()

    @property
    def free(self) -> int:
        return self._threads - self._of_workspace.total()

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def add(self, request: Request[W]) -> None:
        self._waiting.setdefault(request.endpoint_id, deque()).append(request)

    def take(self, now: float) -> Request[W] | None:
        """The one that has waited longest among those that may run now. It runs until `end`."""
        found = min(self._find_runnable(now), key=lambda each: each.claimed_at, default=None)
        if found is None:
            return None
        self._waiting[found.endpoint_id].popleft()
        self._full.discard(found.endpoint_id)
        self._forget_empty(found.endpoint_id)
        self._of_endpoint[found.endpoint_id] += 1
        self._of_workspace[found.workspace_id] += 1
        return found

    def end(self, request: Request[W]) -> None:
        for running, key in (
            (self._of_endpoint, request.endpoint_id),
            (self._of_workspace, request.workspace_id),
        ):
            running[key] -= 1
            if not running[key]:
                del running[key]

    def give_up(self, now: float) -> list[Request[W]]:
        """Remove those whose answers would come too late."""
        for endpoint_id, waiting in list(self._waiting.items()):
            hopeless = [each for each in waiting if self._is_hopeless(each, now)]
            if hopeless:
                self._hopeless += hopeless
                self._waiting[endpoint_id] = deque(
                    each for each in waiting if not self._is_hopeless(each, now)
                )
                self._forget_empty(endpoint_id)
        given_up, self._hopeless = self._hopeless, []
        return given_up

    def has_slot(self, request: Request[W]) -> bool:
        """Whether its endpoint may have one more request."""
        return self._of_endpoint[request.endpoint_id] < request.most

    def was_full(self, request: Request[W]) -> bool:
        """Whether its endpoint had no free request when a thread could have asked it, since its latest request."""
        return request.endpoint_id in self._full

    def may_wait_late(self, request: Request[W]) -> bool:
        """Whether a running request may hold its thread after its deadline, to learn how late the answer is.

        So after a deadline, others find most of the threads free, and half of the endpoint's requests.
        """
        is_idle = self._of_workspace.total() <= max(1, self._threads // LATE_SHARE)
        return is_idle and self._of_endpoint[request.endpoint_id] <= max(1, request.most // 2)

    def _find_runnable(self, now: float) -> Iterator[Request[W]]:
        """The first of each endpoint, if it may run."""
        for endpoint_id in list(self._waiting):
            first = self._find_first(endpoint_id, now)
            if first is None or not self._has_thread(first):
                continue
            if self.has_slot(first):
                yield first
            else:
                self._full.add(endpoint_id)

    def _find_first(self, endpoint_id: int, now: float) -> Request[W] | None:
        waiting = self._waiting[endpoint_id]
        while waiting and self._is_hopeless(waiting[0], now):
            self._hopeless.append(waiting.popleft())
        self._forget_empty(endpoint_id)
        return waiting[0] if waiting else None

    def _forget_empty(self, endpoint_id: int) -> None:
        if not self._waiting[endpoint_id]:
            del self._waiting[endpoint_id]

    def _has_thread(self, request: Request[W]) -> bool:
        return self._of_workspace[request.workspace_id] < self.free

    def _is_hopeless(self, request: Request[W], now: float) -> bool:
        if now - request.claimed_at <= PROMPT_SECONDS:
            return now >= request.deadline
        seconds = max(SHORTEST_SECONDS, self._find_seconds(request.endpoint_id))
        return now + seconds > request.deadline
