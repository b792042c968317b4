"""The machine and the time of a measurement."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import django
import psycopg
from django.db import connection

from tests.bench.database import server_version


def describe_machine() -> Mapping[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu_count": os.cpu_count(),
        "cpu": _cpu_model(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "django": django.get_version(),
        "psycopg": f"{psycopg.__version__} ({psycopg.pq.__impl__})",
        "postgres": server_version(),
        "fsync": _fsync(),
    }


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(
                (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), ""
            )
    except OSError:
        return platform.processor()


def _fsync() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('fsync') || ', commit ' || current_setting('synchronous_commit')"
        )
        return str(cursor.fetchone()[0])
