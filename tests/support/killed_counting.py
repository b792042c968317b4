"""A Celery worker of which one process is killed with SIGKILL, right before or right after it counts one attempt.

python -m tests.support.killed_counting MOMENT LEAD worker OPTIONS...     the attempt on LEAD; MOMENT: before, after
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final

BEFORE: Final = "before"
AFTER: Final = "after"


def main(moment: str, lead: str, arguments: Sequence[str]) -> None:
    from leadswitch.celery import app  # first: it decides where the processes share their metrics

    app.set_default()
    app.loader.import_default_modules()
    from distribution.attempts import distribute
    from distribution.attempts.record import AttemptRecord

    report = distribute.report_attempt  # type: ignore[attr-defined]

    def report_and_die(record: AttemptRecord, **named: Any) -> None:
        is_marked = record.lead.id == int(lead)
        if is_marked and moment == BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        report(record, **named)
        if is_marked and moment == AFTER:
            os.kill(os.getpid(), signal.SIGKILL)

    distribute.report_attempt = report_and_die  # type: ignore[attr-defined]  # the point where this program dies
    app.worker_main([*arguments])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
