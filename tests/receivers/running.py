"""Starts a receiver, gives it its scripts, and reads what it received."""

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.receivers.records import Received, read_records
from tests.support.processes import kill_group, pipe, started
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess

_NUMBERS: Final = count(1)


@dataclass(frozen=True, slots=True)
class Receiver:
    """One run on a running receiver."""

    port: int
    file: Path
    process: "subprocess.Popen[str]" = field(repr=False)
    host: str = "127.0.0.1"
    scheme: str = "http"
    run: str = "run"

    def new_run(self) -> "Receiver":
        """Return the same receiver with records and scripts of its own."""
        return replace(self, run=f"t{next(_NUMBERS)}")

    def url(self, behavior: str, *, host: str = "") -> str:
        """`host`: a name for the receiver's address."""
        return f"{self.scheme}://{host or self.host}:{self.port}/{self.run}/{behavior}"

    def script(self, *behaviors: str, name: str = "buyer") -> str:
        """Return the URL whose requests get these behaviors in turn. The last one is repeated."""
        self._control("PUT", f"script/{name}", json.dumps(behaviors))
        return self.url(f"script/{name}")

    def release(self) -> None:
        """Answer every request that `hold` holds."""
        self._control("POST", "release")

    def received(self, behavior: str = "") -> Sequence[Received]:
        """In the order of arrival; only those that met this behavior, if it is given."""
        records = read_records(self.file, run=self.run)
        return [record for record in records if not behavior or record.behavior == behavior]

    def wait_for(self, number: int, behavior: str = "") -> Sequence[Received]:
        """Raises TooSlow."""
        wait_until(lambda: len(self.received(behavior)) >= number, what=f"{number} requests {behavior}")
        return self.received(behavior)

    def kill(self) -> None:
        """SIGKILL: connections are cut, and the port refuses until another receiver takes it."""
        kill_group(self.process)
        self.process.wait()

    def _control(self, method: str, action: str, body: str = "") -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request(method, f"/-/{self.run}/{action}", body)
            status = connection.getresponse().status
        finally:
            connection.close()
        assert status == http.client.NO_CONTENT, status


@contextmanager
def start_receiver(
    file: Path, *, host: str = "127.0.0.1", port: int = 0, certificate: Path | None = None
) -> Iterator[Receiver]:
    """With a certificate it speaks HTTPS, and takes no scripts."""
    options = ["--certificate", str(certificate)] if certificate else []
    command = ("-m", "tests.receivers", str(file), "--host", host, "--port", str(port), *options)
    with started(*command) as process:
        taken = int(pipe(process.stdout).readline())
        yield Receiver(taken, file, process, host=host, scheme="https" if certificate else "http")
