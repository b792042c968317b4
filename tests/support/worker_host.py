"""Starts Celery workers quickly: it imports everything once, then forks a worker for each line on stdin.

    python -m tests.support.worker_host ARGUMENTS     prints "ready"; then the pid of a new worker for each line

A worker is the real program, main process and prefork pool, in its own process group.
"""

import os
import signal
import sys


def main() -> None:
    from django.core.checks import run_checks

    from leadswitch.celery import app
    from leadswitch.up import WORKER_OPTIONS
    from routing.places.zips import load_rows

    app.set_default()
    app.loader.import_default_modules()
    load_rows()
    run_checks()  # the real worker begins with these imports, so they happen here
    print("ready", flush=True)  # noqa: T201 - the protocol with the test
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that killed workers leave no zombies
    while sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.dup2(2, 1)  # its banner is not for the test
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            app.worker_main(["worker", *WORKER_OPTIONS, *sys.argv[1:]])
            os._exit(0)
        print(pid, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
