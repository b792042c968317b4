"""`python -m tests.support.wounded_deliverer NAME`: a deliverer that loses threads.

Those whose name begins with NAME are killed in their next step.
"""

import ctypes
import os
import sys
import threading
from types import FrameType

from tests.support.waiting import wait_until


def find(name: str) -> list[int]:
    """The ids of these threads, once they run code of the product. Their end before that would stop the main one."""
    found = [thread.ident for thread in threading.enumerate() if thread.name.startswith(name)]
    frames = sys._current_frames()
    return [ident for ident in found if ident in frames and is_of_the_product(frames[ident])]


def is_of_the_product(frame: FrameType | None) -> bool:
    while frame is not None and f"{os.sep}distribution{os.sep}" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


def kill_when_it_runs(name: str) -> None:
    wait_until(lambda: bool(find(name)), what=f"the thread {name}")
    for ident in find(name):
        end = ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), end)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
    threading.Thread(target=kill_when_it_runs, args=(sys.argv[1],), daemon=True).start()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "deliverer"])
