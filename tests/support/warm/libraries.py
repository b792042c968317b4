"""What is imported before the fork: libraries, and tables of the product that depend on no setting."""

import gc
import sys
from importlib import import_module
from typing import Any, Final

from routing.places.zips import load_rows

# Each brings others with it. Left out are those that read the environment when they are imported (prometheus_client,
# OpenTelemetry) and those that need Django's settings.
LIBRARIES: Final = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends.redis",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.worker.components",
    "django.contrib.admin.utils",
    "django.contrib.messages.storage.fallback",
    "django.contrib.postgres.indexes",
    "django.contrib.postgres.search",
    "django.contrib.sessions.middleware",
    "django.core.management.commands.check",
    "django.core.wsgi",
    "django.db.backends.postgresql.base",
    "django.test.signals",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "httpx",
    "inflection",
    "jsonschema",
    "nameparser",
    "phonenumbers",
    "rest_framework.serializers",
    "segno",
    "stripe",
    "structlog.stdlib",
    "uritemplate",
    "uvicorn",
    "whitenoise.middleware",
    "yaml",
)


def import_libraries() -> None:
    gc.disable()  # nothing of it is garbage
    # As in every process of the product, OpenTelemetry is hidden while redis is imported (leadswitch/spans/hidden.py).
    modules: dict[str, Any] = sys.modules
    modules["opentelemetry"] = None
    for name in LIBRARIES:
        import_module(name)
    load_rows()
    del modules["opentelemetry"]
    # Children share these objects with this process as long as no garbage collection writes to them.
    gc.collect()
    gc.freeze()
    gc.enable()
