"""Objects of the start are not collected again: a full collection over them would delay requests and scrapes."""

import subprocess
import sys
from typing import Final

import pytest
from gunicorn.config import Config

from leadswitch.env import REPOSITORY
from leadswitch.web import config
from tests.support.processes import child_environment

REPORT: Final = """
import gc
print(gc.get_freeze_count(), len(gc.get_objects()), gc.get_threshold()[0])
"""
WEB: Final = """
from types import SimpleNamespace
from leadswitch.start import load_settings
from leadswitch.web import config
load_settings()
import leadswitch.wsgi
config.post_worker_init(SimpleNamespace(app=SimpleNamespace(app_uri="leadswitch.wsgi")))
"""
# Celery repeats the signal after each new connection to the broker.
WORKER: Final = """
from leadswitch import celery
celery.app.loader.init_worker()
from celery.signals import worker_ready
class Consumer:
    pool = object()
sender = Consumer()
worker_ready.send(sender=sender)
"""

BEAT: Final = """
from celery.signals import beat_init
from leadswitch import celery
celery.app.loader.import_default_modules()
beat_init.send(sender=None)
"""
# Stopped as soon as it serves.
EXPORTER: Final = """
import os, signal
from leadswitch.start import load_settings
load_settings()
import django
django.setup()
from django.core.management import call_command
from leadswitch.management.commands import exporter
from tests.support.ports import free_port
exporter.Command._say_ready = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
call_command("exporter", "--port", str(free_port()))
"""


@pytest.mark.parametrize("start", [WEB, WORKER, BEAT, EXPORTER], ids=["web", "worker", "beat", "exporter"])
def test_objects_of_the_start_are_frozen(start: str) -> None:
    frozen, others, threshold = report(start)
    assert frozen > 100_000
    assert others < 5_000
    assert threshold == 50_000


def test_worker_that_connects_again_freezes_nothing_more() -> None:
    later = "kept = [[] for _ in range(20_000)]\nworker_ready.send(sender=sender)\n"
    _, others, _ = report(WORKER + later)
    assert others > 20_000


def test_every_hook_of_the_web_server_is_known_to_gunicorn() -> None:
    hooks = {
        name for name, value in vars(config).items() if getattr(value, "__module__", "") == config.__name__
    }
    assert "post_worker_init" in hooks
    assert hooks <= set(Config().settings)


def report(start: str) -> list[int]:
    """Of a new process: objects that are frozen, others, and how many new ones start a collection."""
    done = subprocess.run(
        [sys.executable, "-c", start + REPORT],
        cwd=REPOSITORY,
        env=child_environment(),
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return [int(each) for each in done.stdout.splitlines()[-1].split()]
