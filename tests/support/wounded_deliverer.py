"""`python -m tests.support.wounded_deliverer NAME`: a deliverer that loses threads.

Those whose name begins with NAME are killed in their next step.
"""

import ctypes
import os
import sys
import threading

from tests.support.waiting import wait_until


def find(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def kill_when_it_runs(name: str) -> None:
    wait_until(lambda: bool(find(name)), what=f"the thread {name}")
    for thread in find(name):
        assert thread.ident is not None
        end = ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), end)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
    threading.Thread(target=kill_when_it_runs, args=(sys.argv[1],), daemon=True).start()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "deliverer"])
