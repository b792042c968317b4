#!/usr/bin/env python3
"""Django's command line."""

import os
import select
import signal
import sys
from typing import TextIO


def main() -> None:
    try:
        from leadswitch.start import load_settings, one_line_failures
    except ModuleNotFoundError as error:
        # This Python has none of the requirements. Any other missing module is a fault.
        if error.name != "django":
            raise
        sys.exit(
            "Django is not installed for this Python: run .venv/bin/python manage.py (`make venv` creates it)"
        )

    # As Ctrl-C does: transactions roll back, and leads that wait to be enqueued reach Redis at the exit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if sys.argv[1:2] == ["exporter"]:
        os.environ.setdefault("LEADSWITCH_ROLE", "exporter")
    load_settings()
    from django.core.management import execute_from_command_line

    try:
        with one_line_failures():
            execute_from_command_line(sys.argv)
            sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has read enough. Python flushes once more at its end.
        if not is_closed(sys.stdout):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def is_closed(stream: TextIO) -> bool:
    """Whether the reader of the pipe is away: another broken pipe is a failure."""
    found = select.poll()
    found.register(stream.fileno(), select.POLLERR)
    return bool(found.poll(0))


if __name__ == "__main__":
    main()
