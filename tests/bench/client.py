"""`python -m tests.bench.client`: sends leads over several keep-alive connections, in a separate process.

Reads one job as JSON from stdin and writes what it measured to stdout. Raw sockets: a client library would take more of
the machine than the measured server. It connects only to this machine and imports nothing of the product.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

HOST: Final = "127.0.0.1"
ANSWER_SECONDS: Final = 30.0


@dataclass(slots=True)
class Job:
    """`requests` is shared by all connections. `body` contains {number}, which each request replaces with its own.

    `targets`: the path and the API key of each request, instead of one path with one key for all.
    """

    port: int
    path: str
    headers: dict[str, str]
    body: str
    requests: int
    connections: int
    targets: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    connects: int = 0


async def run(job: Job) -> dict[str, Any]:
    tally = Tally()
    numbers = iter(range(job.requests))
    started = time.perf_counter()
    await asyncio.gather(*(send_all(job, numbers, tally) for _ in range(job.connections)))
    return {
        "seconds": time.perf_counter() - started,
        "latencies_ms": tally.latencies_ms,
        "statuses": dict(tally.statuses),
        "connects": tally.connects,
    }


async def send_all(job: Job, numbers: Iterator[int], tally: Tally) -> None:
    """Send one request after the other; connect again when the server has closed the connection."""
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    for number in numbers:
        started = time.perf_counter()
        if connection is None:
            connection = await asyncio.open_connection(HOST, job.port)
            tally.connects += 1
        reader, writer = connection
        writer.write(make_request(job, number))
        status, is_kept_alive = await asyncio.wait_for(read_answer(reader), ANSWER_SECONDS)
        tally.latencies_ms.append((time.perf_counter() - started) * 1000)
        tally.statuses[status] += 1
        if not is_kept_alive:
            writer.close()
            connection = None
    if connection is not None:
        connection[1].close()


# Leads differ between runs too: the numbers start at the clock.
FIRST: Final = time.time_ns() // 1000


def make_request(job: Job, number: int) -> bytes:
    body = job.body.replace("{number}", str(FIRST + number)).encode()
    path, headers = job.path, job.headers
    if job.targets:
        path, key = job.targets[number]
        headers = {**headers, "Authorization": f"Api-Key {key}"}
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def read_answer(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """Read one whole response. Returns its status, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    await reader.readexactly(int(headers["content-length"]))
    return status.split(" ")[1], headers.get("connection") != "close"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(Job(**json.load(sys.stdin))))))
