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
from distribution.models import CHANNEL, OFFERS_CHANNEL, PAYMENTS_CHANNEL
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
        stop, wake, offers, pay = Event(), Event(), Event(), Event()

        def end(*_: object) -> None:
            stop.set()
            wake.set()
            pay.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        load_rows()  # so that the first next buyer of a direct post is not asked late
        freeze_startup_objects()
        wakes = {CHANNEL: wake, OFFERS_CHANNEL: offers}
        others: list[Thread] = []
        if has_cards():
            wakes[PAYMENTS_CHANNEL] = pay
            others.append(Payer(stop=stop, wake=pay))
        if not settings.LEADSWITCH_PGBOUNCER:
            others.append(Listener(stop=stop, wakes=wakes))
        # A process id may repeat on another machine or in another container.
        name = f"{worker_name()}:{token_hex(4)}"[:100]
        try:
            Deliverer(
                name, stop=stop, wake=wake, distribute=distribute_lead, others=others, offers=offers
            ).run()
        except ThreadDied as error:
            raise CommandError(str(error)) from error
