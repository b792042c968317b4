"""The steps between a commit and the response. A failure does not undo the commit, and the response must say so."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

from routing.metrics.postgres import AFTER_COMMIT_FAILURES

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def after_commit_try(step: str, work: Callable[[], Result]) -> Result | None:
    """Run a step after a commit. Returns None on any exception: nothing stored is undone.

    A connection that broke is closed, so that the next step gets a new one.
    """
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the one place that contains such a failure, so that the response has what is stored
        cause = type(error).__name__
        AFTER_COMMIT_FAILURES.labels(step=step, cause=cause).inc()
        logger.error("routing.after_commit_failed", extra={"operation": step, "cause": cause})
        connection.close_if_unusable_or_obsolete()
        return None
