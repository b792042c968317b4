"""Gunicorn's whole configuration: `gunicorn leadswitch.wsgi --config python:leadswitch.web.config --bind ...`.

The command line adds the address and, if needed, the number of processes.
"""

import os
import warnings
from importlib import import_module
from typing import Any

from django.conf import settings
from prometheus_client import multiprocess

from distribution.attempts.worker import freeze_startup_objects
from leadswitch.database.fitness import begin
from leadswitch.levels.serving.processes import ProcessKind, register_process
from leadswitch.spans.begin import begin_spans, end_spans
from leadswitch.start import load_settings
from routing.places.zips import load_rows

workers = 2
threads = 4
worker_class = "leadswitch.web.worker.BufferingWorker"
control_socket_disable = True
# Requests that run when the server is stopped get ten seconds to end; the leads that they enqueued get the rest
# (worker.py). Then gunicorn kills the process. Shorter than the grace time of the supervisor.
graceful_timeout = 13
# Longer than a proxy keeps an idle connection (nginx 60 s or 75 s, most balancers 60 s): if the server closed it
# first, a request in flight would be lost.
keepalive = 90


def on_starting(server: Any) -> None:
    """Before the workers fork: they share the table of ZIP codes, and none loads it during a request."""
    os.environ.setdefault("LEADSWITCH_ROLE", "web")
    load_settings()
    if server.app.app_uri == "leadswitch.wsgi":  # the bench also serves another application
        with warnings.catch_warnings():
            # Apps are loaded in the workers, after the fork. This reads the session's limits and no model.
            warnings.filterwarnings("ignore", "Accessing the database during app init", RuntimeWarning)
            begin(processes=server.cfg.workers, threads=server.cfg.threads)
        register_process(ProcessKind.WEB)
    load_rows()


def post_fork(server: Any, _worker: Any) -> None:
    if server.app.app_uri == "leadswitch.wsgi":
        begin_spans(ProcessKind.WEB)


def post_worker_init(worker: Any) -> None:
    """With the views loaded: a full collection over all of these objects would delay a request by 100 ms."""
    if worker.app.app_uri == "leadswitch.wsgi":
        import_module(settings.ROOT_URLCONF)
    freeze_startup_objects()


def worker_exit(_server: Any, _worker: Any) -> None:
    """After the worker answered its requests and enqueued their leads."""
    end_spans()


def child_exit(_server: Any, worker: Any) -> None:
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
