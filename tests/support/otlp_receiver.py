"""A receiver of spans in a process of its own: OTLP over HTTP, decoded with OpenTelemetry's own schema.

python -m tests.support.otlp_receiver FILE     prints its port, and appends a JSON line to FILE for each request
"""

import json
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.processes import pipe, started
from tests.support.waiting import wait_until


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        request = ExportTraceServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        with Path(sys.argv[1]).open("a") as file:
            file.write(json.dumps(MessageToDict(request)) + "\n")
        body = ExportTraceServiceResponse().SerializeToString()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The test reads the file."""


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    process: str
    error: bool


@dataclass(frozen=True, slots=True)
class Receiver:
    port: int
    file: Path

    def environment(self, **more: str) -> dict[str, str]:
        """For a process of the product: export each span soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            **more,
        }

    def read_text(self) -> str:
        return self.file.read_text() if self.file.exists() else ""

    def read_spans(self) -> list[ReceivedSpan]:
        """A line that is still being written is left for the next call."""
        requests = [
            json.loads(line) for line in self.read_text().splitlines(keepends=True) if line.endswith("\n")
        ]
        return [
            make_span(span, read_attributes(resource["resource"].get("attributes", [])))
            for request in requests
            for resource in request.get("resourceSpans", [])
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def find(self, name: str, **attributes: Any) -> list[ReceivedSpan]:
        return [
            span
            for span in self.read_spans()
            if span.name == name and attributes.items() <= span.attributes.items()
        ]

    def wait_for(self, name: str, *, count: int = 1, **attributes: Any) -> Sequence[ReceivedSpan]:
        """Raises TooSlow."""
        wait_until(lambda: len(self.find(name, **attributes)) >= count, what=f"{count} spans {name!r}")
        return self.find(name, **attributes)


def make_span(span: dict[str, Any], resource: dict[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        name=span["name"],
        kind=span["kind"].removeprefix("SPAN_KIND_"),
        trace_id=to_hex(span["traceId"]),
        span_id=to_hex(span["spanId"]),
        parent_id=to_hex(span.get("parentSpanId", "")),
        attributes=read_attributes(span.get("attributes", [])),
        process=resource["leadswitch.process"],
        error=span.get("status", {}).get("code") == "STATUS_CODE_ERROR",
    )


def read_attributes(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in attributes}


def to_hex(base64: str) -> str:
    return b64decode(base64).hex()


@contextmanager
def receiving(directory: Path) -> Iterator[Receiver]:
    file = directory / "spans.jsonl"
    with started("-m", "tests.support.otlp_receiver", str(file)) as process:
        yield Receiver(int(pipe(process.stdout).readline()), file)


def main() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)  # noqa: T201 - the protocol with the test
        server.serve_forever()


if __name__ == "__main__":
    main()
