"""Structured logging: one JSON object per line, from structlog and from the standard library.

Log ids, codes, counts and durations. Never log a name, phone number, email address or street.
"""

import json
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

# Only these fields of a record's `extra` are logged: Django puts whole requests there.
EXTRA_FIELDS = (
    *(
        "lead_id",
        "attempt_id",
        "result",
        "skip_reason",
        "ended_by",
        "buyers",
        "charged_cents",
        "duration_ms",
        "slow",
    ),
    *("cause", "reason", "task", "attempts", "owner", "lock", "lock_ms", "lead_row"),
    *("rule_id", "duplicate", "duplicate_of"),
    *("source_workspace_id", "destination_workspace_id", "duplicate_workspace_id"),
    *("is_test",),
    *("reconciler", "checked", "repaired", "skipped", "found"),
    *("leader", "epoch", "operation", "path", "lost_workers"),
    *("sqlstate", "age_seconds"),
    *("wallet_id", "balance_cents", "entries_cents"),
    *("needed", "used", "limit"),
    *("leads", "seconds"),
    *("collector", "host", "port", "part"),
    *("tries",),
    *("delivery", "number", "outcome", "status_code", "state", "endpoint"),
    *("payment", "refund", "card", "wallet"),
    *("call", "channel", "account", "verification", "problem"),
)

SIGN_IN_PATH = "/portal/enter/"
SIGN_IN_LINK = re.compile(re.escape(SIGN_IN_PATH) + r"""[^/\s"'\\?]+""")


def render(event: Any, default: Callable[[Any], Any]) -> str:
    """orjson takes a third of the time of the standard library, which handles what orjson refuses, such as half a
    surrogate pair.
    """
    try:
        line = orjson.dumps(event, default=default).decode()
    except TypeError:
        line = json.dumps(event, default=default)
    return hide_sign_in_links(line)


def hide_sign_in_links(line: str) -> str:
    """Django logs the path of a request that it refuses. A link in it may still sign in."""
    return SIGN_IN_LINK.sub(SIGN_IN_PATH + "[hidden]", line) if SIGN_IN_PATH in line else line


SHARED_PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class ShortRefusals(logging.Filter):
    """A request that was refused (4xx) is the client's error: its class says enough, and a traceback is noise."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info and record.exc_info[1]
        if error and getattr(record, "status_code", 500) < 500:
            record.cause = type(error).__name__
            record.exc_info = record.exc_text = None
        return True


def make_formatters(*more: Processor) -> dict[str, Any]:
    """`more` processors add fields to each line."""
    return {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": [
                *SHARED_PROCESSORS,
                *more,
                structlog.stdlib.ExtraAdder(allow=EXTRA_FIELDS),
            ],
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Stack frames only: local variables contain leads.
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(serializer=render),
            ],
        },
    }


def make_logging_settings(level: str, processors: Sequence[Processor]) -> dict[str, Any]:
    """The setting LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": make_formatters(*processors),
        "filters": {"short_refusals": {"()": ShortRefusals}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "filters": ["short_refusals"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # Its lines carry the path with the query string, which may contain text that a person typed.
            "django.server": {"handlers": [], "level": "WARNING", "propagate": False},
            "axes": {"level": "ERROR"},
            "celery.app.trace": {"level": "WARNING"},
            # One line for each received task: the canaries alone write four every five seconds.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }


def configure_structlog(*more: Processor) -> None:
    structlog.configure(
        processors=[*SHARED_PROCESSORS, *more, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
