"""Which worker of xdist runs which tests, and in which order."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, Final

from xdist.scheduler import LoadScopeScheduling

FOLDERS_OF_ONE_WORKER: Final = (
    "tests/browser/",
    "tests/functional/bench/",
    # Each worker would start these servers.
    "tests/integration/leadswitch/test_oldest_postgres.py",
    "tests/integration/leadswitch/test_pgbouncer.py",
    # Each worker would run the whole product once for its fixture.
    "tests/integration/levels/test_live_series.py",
    "tests/integration/levels/test_frozen_postgres.py",
    "tests/integration/levels/test_exporter.py",
    # Each worker would apply all migrations for its fixture.
    "tests/integration/money/test_old_entries.py",
    # Each worker would write this history for its fixture.
    "tests/integration/admin/test_rare_history.py",
    # Each worker would parse every file of the repository.
    "tests/conventions/",
)
# Their tests wait for other processes, for time limits and for a browser.
FOLDERS_THAT_WAIT: Final = (
    "tests/browser/",
    "tests/chaos/",
    "tests/concurrency/",
    "tests/functional/bench/",
    "tests/functional/load/",
    "tests/functional/outages/",
    "tests/integration/leadswitch/",
    "tests/integration/levels/",
)


class WaitBesideOthers(LoadScopeScheduling):
    """One worker runs all browser tests (one chromium, one server), one all benches (one database name).

    The first worker begins with the tests that wait, while the others compute. In the order of the folders all workers
    would wait in one part of the run, with the processor idle, and compete for it in the rest. A worker that has no
    more tests of its kind takes those of the other. No worker changes between the kinds, so a fixture of a module is
    made once on a worker.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._waiting: deque[str] = deque()
        self._computing: deque[str] = deque()

    def schedule(self) -> None:
        if self.collection is None and self.collection_is_completed:
            self._sort(next(iter(self.registered_collections.values())))
        super().schedule()

    def _sort(self, collection: Sequence[str]) -> None:
        """The folders of one worker come first: they take long."""
        scopes = Counter(self._split_scope(nodeid) for nodeid in collection)
        for scope, _ in scopes.most_common():
            (self._waiting if scope.startswith(FOLDERS_THAT_WAIT) else self._computing).append(scope)

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in FOLDERS_OF_ONE_WORKER if nodeid.startswith(folder)), nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        """xdist takes the first one of its queue."""
        is_first = node is self.nodes[0]
        for kind in (self._waiting, self._computing) if is_first else (self._computing, self._waiting):
            if kind:
                self.workqueue.move_to_end(kind.popleft(), last=False)
                break
        super()._assign_work_unit(node)

    def _pending_of(self, workload: dict[str, dict[str, bool]]) -> int:
        """xdist counts the work of a worker after each of its tests. Forget what is done: there are thousands."""
        for scope in [name for name, tests in workload.items() if all(tests.values())]:
            del workload[scope]
        return super()._pending_of(workload)
