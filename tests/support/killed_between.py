"""A process that is killed after Redis has dispatched leads to it and before it publishes them.

python -m tests.support.killed_between dispatcher           at its first claim of that many leads
python -m tests.support.killed_between enqueue LEAD_ID...   as every process does after committing their due times
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import django

# More than the number of canaries.
LEADS: Final = 10


def main(program: str) -> None:
    django.setup()
    from django.core.management import call_command

    from routing.dispatch import enqueue
    from routing.dispatch import publish as wake
    from routing.dispatch.enqueue import enqueue_now
    from routing.dispatch.schedule import Dispatched
    from routing.dispatcher import leader_tasks
    from routing.queries import read_due_times

    publish = wake.publish_ready

    def killed(dispatched: Sequence[Dispatched]) -> list[Dispatched]:
        if len(dispatched) >= LEADS:
            os.kill(os.getpid(), signal.SIGKILL)
        return publish(dispatched)

    enqueue.publish_ready = killed
    assert leader_tasks.publish is enqueue.publish
    if program == "dispatcher":
        call_command("dispatcher")
    else:
        print("ready", flush=True)  # noqa: T201 - the protocol with the test
        enqueue_now(read_due_times([int(each) for each in sys.stdin.readline().split()]))


if __name__ == "__main__":
    main(sys.argv[1])
