"""`python -m tests.support.killed_dialing STEP`: a dialer that is killed at a step of its first call.

insert   before the call is written         begun     after its commit, before its request
request  after the request was answered, before the answer is recorded
"""

import os
import signal
import sys

import django


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(step: str) -> None:
    django.setup()
    from django.core.management import call_command

    from distribution.calls import begin, dialing

    module, name = {
        "insert": (begin, "insert_call"),
        "begun": (dialing, "start_request"),
        "request": (dialing, "record"),
    }[step]
    assert hasattr(module, name)
    setattr(module, name, die)
    call_command("dialer")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
    main(sys.argv[1])
