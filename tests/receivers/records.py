"""What a receiver has received, as lines of a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.receivers.wire import Head


@dataclass(frozen=True, slots=True)
class Received:
    """`body` is None if the receiver did not read it. `connection` counts from 1. `tls_name`: the SNI of its client."""

    run: str
    path: str
    behavior: str
    method: str
    headers: dict[str, str]
    body: str | None
    connection: int
    tls_name: str

    def json(self) -> Any:
        assert self.body is not None
        return json.loads(self.body)


def make_line(head: Head, *, behavior: str, body: bytes | None, connection: int, tls_name: str) -> str:
    """Names of headers are lower case. Of several with one name, the values are joined."""
    headers: dict[str, str] = {}
    for name, value in head.headers:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    text = None if body is None else body.decode("utf-8", "surrogateescape")
    return json.dumps(
        asdict(Received(head.run, head.path, behavior, head.method, headers, text, connection, tls_name))
    )


def read_records(file: Path, *, run: str) -> Sequence[Received]:
    """In the order of arrival. A line that is still being written is left for the next call."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    records = [Received(**json.loads(line)) for line in lines if line.endswith("\n")]
    return [record for record in records if record.run == run]
