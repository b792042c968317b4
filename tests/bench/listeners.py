"""`python -m tests.bench.listeners`: many listeners to the stream of offers, in a separate process.

Takes requests on stdin as tests.bench.worker does. Raw sockets: it connects only to this machine and imports nothing of
the product.
"""

import asyncio
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

HOST: Final = "127.0.0.1"
PATH: Final = "/api/v1/buyer/offers/stream/"
LONGEST_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.01
# A process accepts this many connections at once; more wait for one another.
CONNECTING_AT_ONCE: Final = 20
Result = TypeVar("Result")


class NotHeard(RuntimeError):
    """A listener was refused, or missed an event."""


class Listeners:
    """`heard`: when each listener had the opening of an offer, by the clock of `time.perf_counter`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._heard: defaultdict[str, list[float]] = defaultdict(list)
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def listen(self, port: int, keys: Sequence[str], count: int) -> Mapping[str, Any]:
        """Connect until `count` listen in all, with the keys in turns."""
        self._run(self._connect_all(port, keys, count))
        return {"listening": len(self._writers)}

    def hear(self, offers: Sequence[str]) -> Mapping[str, Any]:
        """Wait until every listener had the opening of each of these offers. Returns when, by offer."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while any(len(self._heard[each]) < len(self._writers) for each in offers):
            if time.monotonic() > deadline:
                raise NotHeard(str({each: len(self._heard[each]) for each in offers}))
            time.sleep(POLL_SECONDS)
        return {"heard": {each: self._heard[each] for each in offers}}

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LONGEST_SECONDS)

    async def _connect_all(self, port: int, keys: Sequence[str], count: int) -> None:
        gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
        numbers = range(len(self._writers), count)
        await asyncio.gather(*(self._connect(gate, port, keys[each % len(keys)]) for each in numbers))

    async def _connect(self, gate: asyncio.Semaphore, port: int, key: str) -> None:
        async with gate:
            reader, writer = await asyncio.open_connection(HOST, port)
            head = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Api-Key {key}\r\n\r\n"
            writer.write(head.encode())
            status = (await reader.readline()).decode("latin-1")
            if " 200 " not in status:
                raise NotHeard(status.strip())
            while not (await reader.readline()).startswith(b"retry:"):
                pass
        self._writers.append(writer)
        self._tasks.append(asyncio.ensure_future(self._read(reader)))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Lines of chunk sizes come in between, and are no event."""
        name = b""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                name = line[7:].strip()
            elif line.startswith(b"data: ") and name == b"offer":
                self._heard[json.loads(line[6:])["id"]].append(time.perf_counter())


def main() -> None:
    listeners = Listeners()
    for line in sys.stdin:
        arguments = json.loads(line)
        answer = getattr(listeners, arguments.pop("do"))(**arguments)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
