"""What is imported before the fork: libraries, and tables of the product that depend on no setting."""

import gc
from importlib import import_module
from typing import Final

# Each brings others with it. Left out are those that read the environment when they are imported (prometheus_client,
# OpenTelemetry's spans) and those that need Django's settings.
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
    from routing.places.zips import load_rows

    for name in LIBRARIES:
        import_module(name)
    load_rows()
    # Children share these objects with this process as long as no garbage collection writes to them.
    gc.collect()
    gc.freeze()
