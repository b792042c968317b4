"""What the suite changes in its own processes: shorter waits, and places at which a process kills itself when asked.

The product contains no code for it: `install` wraps its functions before the first process starts.
"""

import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from random import random
from types import ModuleType
from typing import Any, Final

from tests.chaos.probes import PROBE

# The carrier is asked for a call whose request had no answer. Longer than a request lasts in the suite.
SEARCH_SECONDS: Final = 5
TALK_SECONDS: Final = 2
# A request lasts about this long at least, so a process dies in the middle of one.
LONGEST_ASKING: Final = 0.01

# The call and the claim of its lead are committed, and nothing is requested.
BEGUN: Final = "begun"
# The request is out, and its answer is not known.
ASKING: Final = "asking"
# The carrier has the call, and only this process knows.
PLACED: Final = "placed"
# A report is applied, in a transaction that is not committed.
APPLYING: Final = "applying"
# The carrier has said what became of a call, and nothing is written.
ASKED: Final = "asked"
# A web server has stored a report, and the carrier has no answer.
STORED: Final = "stored"
# Whatever the dialer does.
MOMENT: Final = "moment"
POINTS: Final = (BEGUN, ASKING, PLACED, APPLYING, ASKED, STORED, MOMENT)


def install(directory: Path) -> None:
    PROBE.open(directory)
    _shorten()
    _kill_dialers()
    _kill_web()


def _shorten() -> None:
    from django.conf import settings

    from distribution.calls import (
        allowing,
        begin,
        check_times,
        checking,
        concluding,
        dial_outcomes,
        dialer,
        dialing,
        hearing,
        lines,
        reach,
        settling,
    )
    from distribution.reconcile import channels

    settings.LEADSWITCH_CALL_SEARCH_SECONDS = SEARCH_SECONDS
    _set("CHECK_MARGIN", timedelta(seconds=1), check_times, dial_outcomes)
    _set("USUAL_TALK", timedelta(seconds=TALK_SECONDS), check_times, hearing)
    _set("LEASE", timedelta(seconds=2), check_times, checking)
    _set("LONGEST_START", timedelta(seconds=2), check_times, concluding, lines)
    soon = tuple(timedelta(seconds=each) for each in (0.3, 1, 2))
    _set("SOON", soon, check_times, dial_outcomes)
    _set("EVERY", timedelta(seconds=1), check_times)
    _set("WHILE_LIVE", timedelta(seconds=0.5), check_times, concluding)
    _set("WHILE_UNREACHABLE", timedelta(seconds=0.5), check_times)
    _set("AFTER_HANG_UP", timedelta(seconds=0.3), check_times, concluding)
    _set("FIRST_PAUSE_SECONDS", 0.3, reach)
    _set("LONGEST_PAUSE_SECONDS", 0.5, reach)
    _set("TIME_LIMIT_SECONDS", TALK_SECONDS, lines, begin)
    _set("REQUEST_WITHIN_SECONDS", 2, dialing)
    _set("LOOK_AGAIN", timedelta(seconds=0.5), allowing, begin)
    _set("CHECK_SECONDS", 0.2, dialer)
    _set("CONCURRENCY_PAUSE", timedelta(seconds=0.2), dial_outcomes)
    _set("UNREACHABLE_PAUSE", timedelta(seconds=0.3), dial_outcomes)
    _set("UNKNOWN_PAUSE", timedelta(seconds=0.1), dial_outcomes)
    _set("LONGEST_UNKNOWN_PAUSE", timedelta(seconds=0.4), dial_outcomes)
    _set("KEY_GRACE", timedelta(seconds=1), settling)
    _set("THROTTLE_PAUSE", timedelta(seconds=0.2), dial_outcomes)
    _set("SHORTEST_PAUSE", timedelta(seconds=0.2), dial_outcomes)
    _set("LATE", timedelta(seconds=3), channels)


def _set(name: str, value: object, *modules: ModuleType) -> None:
    """A name that has moved must not leave the suite with the product's own waits."""
    for module in modules:
        assert hasattr(module, name), f"{module.__name__} has no {name}"
        setattr(module, name, value)


def _kill_dialers() -> None:
    from distribution.calls import applying, checking, dial_pool, dialing

    begin, place, apply, ask = dial_pool.begin_call, dialing.place, applying.apply_notices, checking.ask

    def begun(*given: Any, **named: Any) -> Any:
        result = begin(*given, **named)
        if isinstance(result, dial_pool.Begun):
            die_if_asked(BEGUN)
        return result

    def placed(*given: Any, **named: Any) -> Any:
        if PROBE.is_asked(ASKING):
            threading.Timer(random() * LONGEST_ASKING, die, [ASKING]).start()
        dialed = place(*given, **named)
        if dialed.sid:
            die_if_asked(PLACED)
        return dialed

    def applied(*given: Any, **named: Any) -> Any:
        result = apply(*given, **named)
        if PROBE.program == "dialer" and result[0]:
            die_if_asked(APPLYING)
        return result

    def asked(*given: Any, **named: Any) -> Any:
        answer = ask(*given, **named)
        die_if_asked(ASKED)
        return answer

    dial_pool.begin_call, dialing.place = begun, placed
    applying.apply_notices, checking.ask = applied, asked


def _kill_web() -> None:
    from distribution.calls import receiving

    store = receiving.store

    def stored(*given: Any, **named: Any) -> bool:
        is_new = store(*given, **named)
        die_if_asked(STORED)
        return is_new

    receiving.store = stored


def die_if_asked(point: str) -> None:
    if PROBE.is_asked(point):
        die(point)


def die(point: str) -> None:
    PROBE.log("dies", point=point)
    os.kill(os.getpid(), signal.SIGKILL)
