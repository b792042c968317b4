"""manage.py dialer: calls people who must be verified before their leads are sold. Runs until it is stopped."""

import signal
from secrets import token_hex
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from distribution.attempts.worker import freeze_startup_objects, worker_name
from distribution.calls.dialer import Dialer, ThreadDied
from distribution.calls.hours.area_codes import load_area_codes
from distribution.deliveries.listening import Listener
from routing.places.zips import load_rows


class Command(BaseCommand):
    help = (
        "Call the people whose leads wait for a verification, over the lines of the channels. Run one or more:"
        " PostgreSQL gives each call to one of them. Stop it with SIGTERM or Ctrl-C."
    )
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        import_string(settings.LEADSWITCH_BEGIN_DIALER_HOOK)()
        stop = Event()
        is_woken = not settings.LEADSWITCH_PGBOUNCER
        # A process id may repeat on another machine or in another container.
        dialer = Dialer(f"{worker_name()}:{token_hex(4)}"[:100], stop=stop, is_woken=is_woken)

        def end(*_: object) -> None:
            stop.set()
            dialer.wakes.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        load_rows()  # so that the first call is not placed late
        load_area_codes()
        freeze_startup_objects()
        if is_woken:
            dialer.add(Listener(stop=stop, wakes=dialer.listens))
        try:
            dialer.run()
        except ThreadDied as error:
            raise CommandError(str(error)) from error
