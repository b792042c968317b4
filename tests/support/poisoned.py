"""A process in which the attempt on one lead kills the process at once, as the kernel does when memory runs out.

python -m tests.support.poisoned ZIP dispatcher     the dispatcher
python -m tests.support.poisoned ZIP pick_up        one round of the pick-up
python -m tests.support.poisoned ZIP wake LEAD      one wake-up; unmarked_wake: without its mark
"""

import os
import signal
import sys
from typing import Any

import django


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from distribution import tasks
    from distribution.attempts import distribute
    from routing.leads import crash_marks

    poisonous, command, *arguments = sys.argv[1:]
    decide_and_sell = distribute.decide_and_sell

    def run(record: Any, **options: Any) -> Any:
        if record.lead.zip == poisonous:
            os.kill(os.getpid(), signal.SIGKILL)
        return decide_and_sell(record, **options)

    distribute.decide_and_sell = run
    if command == "dispatcher":
        call_command("dispatcher")
    elif command == "pick_up":
        tasks.pick_up_due()
    else:
        if command == "unmarked_wake":
            crash_marks.begin = lambda _: None
        tasks.process_leads([int(each) for each in arguments])


if __name__ == "__main__":
    main()
