"""Serves a part of the demo that is outside of the product, in a process of its own."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

HOST: Final = "127.0.0.1"


class QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer_bytes(
        self, status: int, body: bytes, *, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write no log: the demo shows what the product recorded."""


def serve(handler: type[QuietHandler]) -> None:
    """Print the port, and serve until the process that started this one ends."""
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=_stop_with_parent, args=(server,), daemon=True).start()
    server.serve_forever(poll_interval=0.1)


def _stop_with_parent(server: ThreadingHTTPServer) -> None:
    """Its stdin ends with the process that started it."""
    sys.stdin.read()
    server.shutdown()
