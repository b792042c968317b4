"""Starts a process of the product. A wrong configuration ends it with one line and exit code 2, without a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from leadswitch.embedded import ServicesError
from routing.postgres_errors import sqlstate_of

EXIT_CODE = 2
TRACEBACK_OPTION = "--traceback"


def load_settings() -> None:
    """Load the settings, and with them the embedded servers. Ends the process if they are wrong."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
    from django.conf import settings

    with one_line_failures():
        settings.ROOT_URLCONF  # noqa: B018 - the first access reads them


def begin_dispatcher() -> None:
    """Check the database and serve metrics, before the dispatcher starts."""
    _begin("dispatcher", threads=1)


def begin_deliverer() -> None:
    """The same before the deliverer starts. Threads claim, record, distribute and listen; two more pay and listen."""
    _begin("deliverer", threads=6)


def begin_dialer() -> None:
    """The same before the dialer starts. Two threads pick and listen, 3 apply, 4 check, 2 finish; others call."""
    from django.conf import settings

    _begin("dialer", threads=11 + settings.LEADSWITCH_DIALER_THREADS)


def begin_streams() -> None:
    """The same before the streams start. Four threads read, and one connection listens."""
    _begin("streams", threads=5)


def _begin(name: str, *, threads: int) -> None:
    # Imported here: starting a process must not need the settings.
    from leadswitch.database.fitness import begin
    from leadswitch.levels.serving.begin import serve_metrics
    from leadswitch.levels.serving.processes import ProcessKind
    from leadswitch.spans.begin import begin_spans

    kind = ProcessKind(name)
    begin(threads=threads)
    serve_metrics(kind)
    begin_spans(kind)


@contextmanager
def one_line_failures() -> Iterator[None]:
    """Report in one line that the configuration is wrong or PostgreSQL is down, and exit with code 2.

    With `--traceback` on the command line the exception is raised.
    """
    try:
        yield
    except (ImproperlyConfigured, ServicesError) as error:
        _stop(str(error), error)
    except OperationalError as error:
        if not is_unreachable(error):
            raise
        _stop(f"PostgreSQL does not respond; check DATABASE_URL: {' '.join(str(error).split())}", error)


def is_unreachable(error: OperationalError) -> bool:
    """Whether no connection was made. A failed statement has a SQLSTATE."""
    return error.__cause__ is not None and not sqlstate_of(error)


def _stop(message: str, error: Exception) -> None:
    if TRACEBACK_OPTION in sys.argv:
        raise error
    sys.stderr.write(f"{message}\n")
    sys.exit(EXIT_CODE)
