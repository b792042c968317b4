"""A small HTTP server in a thread: `GET /metrics` of a process that serves no web pages.

It needs no token. It binds to LEADSWITCH_METRICS_HOST, which is local by default, and metrics contain no personal data.
"""

import logging
import os
import socket
import sys
import threading
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

logger = logging.getLogger(__name__)

PATH: Final = "/metrics"


class MetricsServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), MetricsHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is the library's
        """A client that disconnects is no error. Without this, the library prints a traceback with its address."""
        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError)):
            logger.error("metrics.request_failed", exc_info=error)


class MetricsHandler(BaseHTTPRequestHandler):
    timeout = 10  # a client that sends nothing must not occupy a thread forever
    server: MetricsServer

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, explain=f"The metrics are at {PATH}.")
            return
        body = generate_latest(self.server.registry)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: a line for each scrape has no use."""


def serve(registry: CollectorRegistry, *, host: str, port: int) -> MetricsServer | None:
    """Serve the registry in a thread until the process ends. None: the port cannot be used, which is logged.

    A process without metrics still does its work, so it does not end then.
    """
    try:
        server = MetricsServer(host, port, registry)
    except (OSError, OverflowError) as error:
        logger.error("metrics.not_served", extra={"host": host, "port": port, "cause": str(error)})
        return None
    # A child that inherits the socket would keep the port in use after its parent ended.
    os.register_at_fork(after_in_child=partial(socket.socket.close, server.socket))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    logger.info("metrics.served", extra={"host": host, "port": server.server_address[1]})
    return server
