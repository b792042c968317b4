"""Gunicorn's configuration that is code: what the web processes share, and what a dead one leaves behind."""

import os
from typing import Any

from prometheus_client import multiprocess

from leadswitch.database.fitness import begin
from leadswitch.start import load_settings
from routing.places import load_rows


def on_starting(server: Any) -> None:
    """Before the workers are forked: they share the table of ZIP codes, and none loads it in a request."""
    os.environ.setdefault("LEADSWITCH_ROLE", "web")
    load_settings()
    if server.app.app_uri == "leadswitch.wsgi":  # the bench serves another application, too
        begin(processes=server.cfg.workers, threads=server.cfg.threads)
    load_rows()


def child_exit(_server: Any, worker: Any) -> None:
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
