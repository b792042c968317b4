"""The product's processes under fire: started, killed, stopped and restarted. All are ended with the block."""

import json
import os
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import psutil

from leadswitch.env import REPOSITORY
from tests.chaos.periods import Periods
from tests.support.ports import free_port
from tests.support.processes import kill_group, pipe, worker_environment
from tests.support.waiting import wait_until
from tests.support.warm.started import start_python

WORKERS: Final = 3
PROCESSES_PER_WORKER: Final = 2
DISPATCHERS: Final = 3
BEATS: Final = 2
START_SECONDS: Final = 60.0


class Host:
    """A process that forks others. `log`: the output of it and all its children."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self.log = log

    def wait_until_ready(self) -> None:
        assert pipe(self._process.stdout).readline() == "ready\n", self.log.read_text()[-2_000:]

    def start(self, program: str, *arguments: object) -> int:
        """Start a program. Returns its process id."""
        pipe(self._process.stdin).write(json.dumps([program, *map(str, arguments)]) + "\n")
        pipe(self._process.stdin).flush()
        return int(pipe(self._process.stdout).readline())


@contextmanager
def hosting(
    role: str,
    directory: Path,
    *,
    redis_url: str,
    protections: Sequence[str],
    periods: Periods,
    module: str = "tests.chaos.host",
) -> Iterator[Host]:
    environment = {"LEADSWITCH_ROLE": role, "REDIS_URL": redis_url, **periods.environment}
    with hosted(module, directory, *protections, log=directory / f"{role}.log", **environment) as host:
        yield host


@contextmanager
def hosted(module: str, directory: Path, *protections: str, log: Path, **environment: str) -> Iterator[Host]:
    """Start this host. At the end its processes are killed."""
    with (
        log.open("w") as output,
        start_python(
            *("-m", module, str(directory), *protections),
            cwd=REPOSITORY,
            env=worker_environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Host(process, log)
        finally:
            pipe(process.stdin).close()  # the host kills the processes that it has started
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            kill_group(process)


class Fleet:
    """By process id: workers (each with its pool), dispatchers, beats, and the web server.

    `ended`: those that ended without being killed. They are restarted, as every supervisor of the product does.
    """

    def __init__(self, host: Host, web_host: Host, directory: Path) -> None:
        self._host = host
        self._web_host = web_host
        self._directory = directory
        self.ended: Counter[str] = Counter()
        self.log = host.log
        self.address = f"127.0.0.1:{free_port()}"
        self.workers = [self._start_worker() for _ in range(WORKERS)]
        self.dispatchers = [self._start_dispatcher() for _ in range(DISPATCHERS)]
        self.beats = [self._start_beat() for _ in range(BEATS)]
        self.web = self._start_web()

    def wait_until_serving(self) -> None:
        wait_until(self._serves, what="the web server", seconds=START_SECONDS)

    def supervise(self) -> None:
        for name, pids, start in (
            ("workers", self.workers, self._start_worker),
            ("dispatchers", self.dispatchers, self._start_dispatcher),
            ("beats", self.beats, self._start_beat),
        ):
            for place, pid in enumerate(pids):
                if not psutil.pid_exists(pid):
                    self.ended[name] += 1
                    pids[place] = start()

    def kill_worker(self, pid: int) -> None:
        """Kill a worker with its pool. Another one replaces it."""
        kill(pid)
        self.workers[self.workers.index(pid)] = self._start_worker()

    def kill_pool_process(self, pid: int) -> bool:
        """Kill one process of a worker's pool. The worker survives and starts another. False: it has no pool yet."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(pid).children():
                child.kill()
                return True
        return False

    def kill_dispatcher(self, pid: int) -> None:
        kill(pid)
        self.dispatchers[self.dispatchers.index(pid)] = self._start_dispatcher()

    def kill_web(self) -> None:
        """Kill the whole server. Another one replaces it."""
        kill(self.web)
        self.web = self._start_web()

    def terminate_web(self) -> list[psutil.Process]:
        """Stop it as every supervisor does: it finishes its requests. Returns its processes, which may live on.

        No web server runs until `start_web`.
        """
        main = psutil.Process(self.web)
        processes = [main, *main.children()]
        main.send_signal(signal.SIGTERM)
        return processes

    def start_web(self) -> None:
        self.web = self._start_web()
        self.wait_until_serving()

    def stop_beats(self) -> None:
        """No reconciler is scheduled until `start_beats`."""
        while self.beats:
            kill(self.beats.pop())

    def start_beats(self) -> None:
        self.beats.extend(self._start_beat() for _ in range(BEATS))

    def enqueue(self, lead_ids: Sequence[int]) -> None:
        self._host.start("enqueue", *lead_ids)

    def switch(self, action: str) -> None:
        """Pause the product, or resume it."""
        self._host.start("switch", action)

    def _start_worker(self) -> int:
        return self._host.start("worker", PROCESSES_PER_WORKER)

    def _start_dispatcher(self) -> int:
        return self._host.start("dispatcher")

    def _start_beat(self) -> int:
        return self._host.start("beat", self._directory / f"beat-{token_hex(4)}")

    def _start_web(self) -> int:
        return self._web_host.start("web", self.address)

    def _serves(self) -> bool:
        host, port = self.address.split(":")
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False


@contextmanager
def fleet(directory: Path, **options: Any) -> Iterator[Fleet]:
    """`options`: of `hosting`."""
    with ExitStack() as stack:
        hosts = [stack.enter_context(hosting(role, directory, **options)) for role in ("worker", "web")]
        for host in hosts:
            host.wait_until_ready()
        started = Fleet(hosts[0], hosts[1], directory)
        started.wait_until_serving()
        yield started


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it has just ended by itself
        os.killpg(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid), what=f"the end of process {pid}")


def is_any_alive(processes: Sequence[psutil.Process]) -> bool:
    return any(map(_is_alive, processes))


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):  # it may end between the two checks
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
