"""manage.py deliverer: sends sold leads to the systems of their buyers. Runs until it is stopped."""

import signal
from secrets import token_hex
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from distribution.attempts.distribute import distribute_lead
from distribution.attempts.worker import freeze_startup_objects, worker_name
from distribution.deliveries.deliverer import Deliverer, ThreadDied
from distribution.deliveries.listening import Listener
from routing.places.zips import load_rows


class Command(BaseCommand):
    help = (
        "Send sold leads to the endpoints of their buyers, and try again what failed. Run one or more: PostgreSQL gives"
        " each delivery to one of them. Stop it with SIGTERM or Ctrl-C."
    )
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        import_string(settings.LEADSWITCH_BEGIN_DELIVERER_HOOK)()
        stop, wake, offers = Event(), Event(), Event()

        def end(*_: object) -> None:
            stop.set()
            wake.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        load_rows()  # so that the first next buyer of a direct post is not asked late
        freeze_startup_objects()
        listener = None if settings.LEADSWITCH_PGBOUNCER else Listener(stop=stop, wake=wake, offers=offers)
        # A process id may repeat on another machine or in another container.
        name = f"{worker_name()}:{token_hex(4)}"[:100]
        try:
            Deliverer(
                name, stop=stop, wake=wake, distribute=distribute_lead, listener=listener, offers=offers
            ).run()
        except ThreadDied as error:
            raise CommandError(str(error)) from error
