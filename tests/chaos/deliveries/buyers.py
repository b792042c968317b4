"""The process that stands for the systems of all buyers: killed, started again, stopped, and asked what it has."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

from tests.receivers import Receiver, start_receiver
from tests.receivers.buyer import ACCEPT, REJECT
from tests.receivers.records import read_records


class BuyersSystem:
    """Its records outlive it, and its port stays the same."""

    def __init__(self, file: Path, stack: ExitStack) -> None:
        self._file, self._stack = file, stack
        self.receiver: Receiver = stack.enter_context(start_receiver(file))

    def kill(self) -> None:
        self.receiver.kill()

    def start_again(self) -> None:
        self.receiver = self._stack.enter_context(start_receiver(self._file, port=self.receiver.port))

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections and requests, and does nothing with them until the end of the block."""
        os.kill(self.receiver.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.receiver.process.pid, signal.SIGCONT)

    def read_verdicts(self) -> Mapping[UUID, str]:
        """By message id: `accept` or `reject`. A message that is missing never arrived."""
        found = {}
        for record in read_records(self._file, run=self.receiver.run):
            verdict = record.behavior.rpartition("/")[2]
            if verdict in (ACCEPT, REJECT):
                found[read_message_id(record.headers)] = verdict
        return found

    def count_requests(self) -> int:
        return len(read_records(self._file, run=self.receiver.run))


def read_message_id(headers: Mapping[str, str]) -> UUID:
    return UUID(headers.get("webhook-id") or headers["idempotency-key"])


@contextmanager
def buyers_system(file: Path) -> Iterator[BuyersSystem]:
    with ExitStack() as stack:
        yield BuyersSystem(file, stack)
