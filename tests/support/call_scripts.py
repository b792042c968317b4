"""A server that answers a carrier as the product does: scripts with one question, and notices."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl

QUESTION: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Gather numDigits="1" action="keys" timeout="1">'
    "<Say>Press 1 to confirm.</Say></Gather><Hangup/></Response>"
)
THANKS: Final = "<Response><Say>Thank you.</Say><Hangup/></Response>"
HANG_UP: Final = "<Response><Hangup/></Response>"
MACHINES: Final = ("machine", "fax")


@dataclass(frozen=True, slots=True)
class Callback:
    """`url`: as the carrier called it."""

    url: str
    path: str
    fields: Sequence[tuple[str, str]]
    headers: dict[str, str]

    def value(self, name: str) -> str:
        return dict(self.fields).get(name, "")


@dataclass
class Scripts:
    """`answers`: the text for a path, in place of the usual one. `statuses`: how a path is answered, one by one."""

    url: str = ""
    received: list[Callback] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)

    def of(self, path: str) -> list[Callback]:
        return [each for each in self.received if each.path == path]

    def answer(self, callback: Callback) -> str:
        if callback.path in self.answers:
            return self.answers[callback.path]
        if callback.path == "/script":
            return HANG_UP if callback.value("AnsweredBy").startswith(MACHINES) else QUESTION
        return THANKS if callback.path == "/keys" else ""


@contextmanager
def serve_scripts() -> Iterator[Scripts]:
    scripts = Scripts()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            callback = self._read()
            scripts.received.append(callback)
            waiting = scripts.statuses.get(callback.path, [])
            status = waiting.pop(0) if waiting else 200
            body = scripts.answer(callback).encode() if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _read(self) -> Callback:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fields = parse_qsl(text, keep_blank_values=True)
            url = f"http://{self.headers['Host']}{self.path}"
            return Callback(url, self.path.partition("?")[0], fields, dict(self.headers))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scripts.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield scripts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
