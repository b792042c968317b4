"""`python -m tests.bench.calls_worker`: lets leads wait for calls, and times them. As tests.bench.worker."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from distribution.models import CarrierAccount
from tests.bench import calling
from tests.bench.calling import Office
from tests.bench.worker import serve


class CallsWorker:
    _office: Office

    def build(self, account: Mapping[str, str], lines: int, ring_seconds: int) -> Mapping[str, Any]:
        self._office = Office(account, lines=lines, ring_seconds=ring_seconds)
        return {}

    def queue(self, size: int) -> Mapping[str, Any]:
        self._office.queue(size)
        return {}

    def set_pace(self, calls_per_second: int) -> Mapping[str, Any]:
        CarrierAccount.objects.update(calls_per_second=calls_per_second)
        return {}

    def wait_for_dialer(self) -> Mapping[str, Any]:
        calling.wait_for_dialer()
        return {}

    def wait_for_calls(self, count: int) -> Mapping[str, Any]:
        calling.wait_until(lambda: calling.count_open() >= count, what=f"{count} calls")
        return {}

    def wait_for_reports(self) -> Mapping[str, Any]:
        calling.wait_until(calling.is_inbox_empty, what="the reports of the carrier")
        return {}

    def read_ends(self, since: float) -> Mapping[str, Any]:
        return {"ends": calling.read_ends(datetime.fromtimestamp(since, UTC))}

    def clear(self, lines: int) -> Mapping[str, Any]:
        """Nobody waits, no call is out, and all lines are free."""
        calling.clear(lines=lines)
        return {}

    def occupy(self) -> Mapping[str, Any]:
        self._office.occupy()
        return {}

    def time_begins(self, size: int) -> Mapping[str, Any]:
        return calling.time_begins(self._office, size=size)


if __name__ == "__main__":
    serve(CallsWorker())
