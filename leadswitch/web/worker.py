"""A gunicorn worker that reads requests with waitress. A thread gets a request when all of it has arrived.

Gunicorn starts, watches, restarts and stops the processes; this module runs inside each of them.
"""

import logging
import os
import resource
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher

from leadswitch.web.server import BufferingServer

LOOP_SECONDS = 1.0
# The end of the graceful timeout: stop the threads, then enqueue leads that are stored and not enqueued yet.
DRAIN_SECONDS = 3.0
THREADS_SECONDS = 1
# A stopping process answers requests on open connections for this long.
LINGER_SECONDS = 1.0
MAX_CONNECTIONS = 2_000
# File descriptors that client connections may not use: files, PostgreSQL and Redis.
RESERVED_FILES = 100
MAX_HEADER_BYTES = 32 * 1024
# Higher than the limit of any view, so the view returns 413 with its own message.
MAX_BODY_BYTES = 16 * 1024 * 1024
# A response of up to this size is buffered for a slow reader, on disk from 1 MB, and frees its thread.
MAX_WAITING_ANSWER_BYTES = 64 * 1024 * 1024


class BufferingWorker(Worker):
    """Set by `worker_class` in leadswitch.web.config."""

    servers: Sequence[BufferingServer] = ()

    def run(self) -> None:
        logging.getLogger("waitress.queue").setLevel(
            logging.ERROR
        )  # it logs a line for each request that waits
        channels: dict[int, Any] = {}
        listening: Sequence[Any] = self.sockets  # each contains the socket itself
        threads = ThreadedTaskDispatcher()
        threads.set_thread_count(self.cfg.threads)
        max_connections = allow_connections(MAX_CONNECTIONS)
        self.servers = [
            BufferingServer(
                self.wsgi,
                channels,
                _sock=each.sock,
                dispatcher=threads,
                adj=adjust(each.sock, idle_seconds=self.cfg.keepalive),
                sockinfo=(each.sock.family, each.sock.type, each.sock.proto, each.sock.getsockname()),
                bind_socket=False,
                max_connections=max_connections,
            )
            for each in listening
        ]
        while self.alive and self.is_parent_alive():
            self.turn(channels)
        self.drain(channels)
        threads.shutdown(timeout=THREADS_SECONDS)
        self.notify()
        drain_enqueuer(timeout_seconds=DRAIN_SECONDS - THREADS_SECONDS)

    def turn(self, channels: dict[int, Any]) -> None:
        self.notify()
        wasyncore.poll2(LOOP_SECONDS, channels)

    def drain(self, channels: dict[int, Any]) -> None:
        """Stop accepting connections, and answer the requests already sent.

        Returns when no connection is open, or DRAIN_SECONDS before the graceful timeout ends.
        """
        for server in self.servers:
            server.stop_accepting()
        begun_at = time.monotonic()
        while any(server.connections for server in self.servers):
            waited_seconds = time.monotonic() - begun_at
            if waited_seconds > self.cfg.graceful_timeout - DRAIN_SECONDS:
                return
            if waited_seconds > LINGER_SECONDS:
                for server in self.servers:
                    server.close_idle()
            self.notify()
            wasyncore.poll2(0.1, channels)

    def is_parent_alive(self) -> bool:
        return self.ppid == os.getppid()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """On SIGTERM, end the poll at once instead of waiting for its timeout."""
        super().handle_exit(sig, frame)
        for server in self.servers:
            server.pull_trigger()


def drain_enqueuer(*, timeout_seconds: float) -> None:
    """Enqueue the leads that are stored and not enqueued yet, as far as Redis and the timeout allow."""
    # Imported here, because Django loads the apps after gunicorn imports this module.
    from routing.dispatch.enqueue import ENQUEUER

    ENQUEUER.drain(timeout_seconds=timeout_seconds)


def adjust(listening: Any, *, idle_seconds: int) -> Adjustments:
    is_behind_proxy = settings.SECURE_PROXY_SSL_HEADER is not None
    # The proxy overwrites both headers; REMOTE_ADDR becomes the client's address. Without one, waitress removes them.
    proxy = {
        "trusted_proxy": "*",
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
    }
    return Adjustments(
        sockets=[listening],
        ident="",
        channel_timeout=idle_seconds,
        cleanup_interval=1,
        connection_limit=1_000_000,  # BufferingServer closes the stalest one instead of refusing new ones
        max_request_header_size=MAX_HEADER_BYTES,
        max_request_body_size=MAX_BODY_BYTES,
        outbuf_high_watermark=MAX_WAITING_ANSWER_BYTES,
        log_socket_errors=False,
        clear_untrusted_proxy_headers=True,
        **(proxy if is_behind_proxy else {}),
    )


def allow_connections(wanted: int) -> int:
    """Raise the limit of open files for `wanted` connections, if the hard limit allows. Return how many fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft - RESERVED_FILES)
