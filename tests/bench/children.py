"""The parent's side of its worker processes."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from tests.support.warm.started import start_python

STOP_SECONDS: Final = 10.0


class ChildFailed(Exception):
    """A process of the bench ended early."""


class Child:
    """One worker process; see tests.bench.worker for what it can do."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log

    def ask(self, do: str, **arguments: Any) -> Mapping[str, Any]:
        """Send a request and wait for the answer. Raises ChildFailed."""
        self.send(do, **arguments)
        return self.receive()

    def send(self, do: str, **arguments: Any) -> None:
        if self._process.stdin is None or self._process.poll() is not None:
            raise self._failure()
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Mapping[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise self._failure()
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def _failure(self) -> ChildFailed:
        last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        return ChildFailed(f"a bench worker ended: {''.join(last)} (see {self._log})")


def child_environment(database_url: str, *, role: str) -> dict[str, str]:
    """Point a process at the bench's database, and away from the queues of running workers."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "LEADSWITCH_ROLE": role,
        "LEADSWITCH_REDIS_PREFIX": f"{settings.LEADSWITCH_REDIS_PREFIX}-bench",
        "LEADSWITCH_LOG_LEVEL": "INFO",
    }


@contextmanager
def start_children(
    count: int, *, database_url: str, log: Path, module: str = "tests.bench.worker", **environment: str
) -> Iterator[list[Child]]:
    """Start `count` workers, and always stop them afterwards."""
    with ExitStack() as stack:
        output = stack.enter_context(log.open("w"))
        children = []
        for number in range(count):
            process = start_python(
                *("-m", module, str(number)),
                cwd=settings.BASE_DIR,
                env={**child_environment(database_url, role="worker"), **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
            stack.callback(end, process)
            children.append(Child(process, log))
        yield children


def end(process: "subprocess.Popen[Any]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
