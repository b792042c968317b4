"""The order in which the workers of xdist get tests."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.support.scheduling import WaitBesideOthers

WAITING = ["tests/chaos/test_a.py::test_1", "tests/concurrency/calls/test_b.py::test_2"]
BROWSER = ["tests/browser/test_c.py::test_3", "tests/browser/test_d.py::test_4"]
COMPUTING = [f"tests/functional/test_e.py::test_{number}" for number in range(5, 17)]
COLLECTED = [*BROWSER, *WAITING, *COMPUTING]


@dataclass(eq=False)
class Worker:
    """Notes what it is sent, and runs nothing."""

    sent: list[str] = field(default_factory=list)
    shutting_down: bool = False
    gateway: Any = field(default_factory=lambda: SimpleNamespace(id="gw"))

    def send_runtest_some(self, places: list[int]) -> None:
        self.sent += [COLLECTED[place] for place in places]

    def shutdown(self) -> None:
        self.shutting_down = True


def start(count: int) -> tuple[Any, list[Worker]]:
    config = SimpleNamespace(
        option=SimpleNamespace(loadscopereorder=True), getvalue=lambda _: [f"{count}*popen"]
    )
    scheduling: Any = WaitBesideOthers(config)
    workers = [Worker() for _ in range(count)]
    for worker in workers:
        scheduling.add_node(worker)
    for worker in workers:
        scheduling.add_node_collection(worker, COLLECTED)
    scheduling.schedule()
    return scheduling, workers


def run_all(scheduling: Any, worker: Worker) -> None:
    """As a worker that is so fast that the others finish nothing before."""
    for test in worker.sent:  # grows
        scheduling.mark_test_complete(worker, COLLECTED.index(test))


def test_first_worker_begins_with_tests_that_wait_and_the_others_compute() -> None:
    _, [first, *others] = start(3)

    assert first.sent == [*BROWSER, WAITING[0]]
    assert sorted(test for other in others for test in other.sent) == sorted(COMPUTING[:4])


def test_first_worker_computes_when_no_test_that_waits_is_left() -> None:
    scheduling, [first, second] = start(2)

    run_all(scheduling, first)

    assert first.sent == [*BROWSER, *WAITING, *COMPUTING[2:]]
    assert second.sent == COMPUTING[:2]


def test_another_worker_takes_tests_that_wait_when_nothing_is_left_to_compute() -> None:
    scheduling, [first, second] = start(2)

    run_all(scheduling, second)

    assert second.sent == [*COMPUTING, WAITING[1]]
    assert first.sent == [*BROWSER, WAITING[0]]


def test_tests_of_a_worker_that_crashed_run_on_the_others() -> None:
    scheduling, [first, second] = start(2)

    assert scheduling.remove_node(first) == BROWSER[0]
    run_all(scheduling, second)

    assert sorted(second.sent) == sorted(COLLECTED)
