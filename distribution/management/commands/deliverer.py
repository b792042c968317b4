"""manage.py deliverer: sends sold leads to the systems of their buyers, and payments to the card provider.

Runs until it is stopped.
"""

import signal
from secrets import token_hex
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from distribution.attempts.distribute import distribute_lead
from distribution.attempts.worker import freeze_startup_objects, worker_name
from distribution.deliveries.deliverer import Deliverer, ThreadDied
from distribution.deliveries.listening import Listener
from distribution.models import CHANNEL, PAYMENTS_CHANNEL
from distribution.payments.account import has_cards
from distribution.payments.payer import Payer
from routing.places.zips import load_rows


class Command(BaseCommand):
    help = (
        "Send sold leads to the endpoints of their buyers, and try again what failed. Run one or more: PostgreSQL gives"
        " each delivery to one of them. Stop it with SIGTERM or Ctrl-C."
    )
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        import_string(settings.LEADSWITCH_BEGIN_DELIVERER_HOOK)()
        stop, wake, pay = Event(), Event(), Event()

        def end(*_: object) -> None:
            stop.set()
            wake.set()
            pay.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        load_rows()  # so that the first next buyer of a direct post is not asked late
        freeze_startup_objects()
        others = [*_listen(stop, wake=wake, channel=CHANNEL), *_start_paying(stop, wake=pay)]
        # A process id may repeat on another machine or in another container.
        name = f"{worker_name()}:{token_hex(4)}"[:100]
        try:
            Deliverer(name, stop=stop, wake=wake, distribute=distribute_lead, others=others).run()
        except ThreadDied as error:
            raise CommandError(str(error)) from error


def _listen(stop: Event, *, wake: Event, channel: str) -> list[Thread]:
    return [] if settings.LEADSWITCH_PGBOUNCER else [Listener(stop=stop, wake=wake, channel=channel)]


def _start_paying(stop: Event, *, wake: Event) -> list[Thread]:
    """Nothing without an account at the card provider."""
    if not has_cards():
        return []
    return [Payer(stop=stop, wake=wake), *_listen(stop, wake=wake, channel=PAYMENTS_CHANNEL)]
