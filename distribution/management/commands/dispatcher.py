"""manage.py dispatcher: starts leads when they are due. Runs until it is stopped."""

import signal
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from distribution.attempts.distribute import distribute_next_due
from distribution.attempts.worker import freeze_startup_objects, worker_name
from routing.dispatch.installation import OtherInstallation
from routing.dispatcher.loop import Dispatcher
from routing.places.zips import load_rows


class Command(BaseCommand):
    help = (
        "Dispatch leads to the workers when they are due. Run two or more: one is the leader, another takes over within"
        " seconds. While Redis does not respond, the dispatcher runs due leads itself. Stop it with SIGTERM or Ctrl-C."
    )
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        import_string(settings.LEADSWITCH_BEGIN_HOOK)()
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        load_rows()  # so that the first lead it runs itself is not slow
        freeze_startup_objects()
        try:
            Dispatcher(worker_name(), run_next_due=run_next_due, stop=stop).run()
        except OtherInstallation as error:
            raise CommandError(str(error)) from error


def run_next_due() -> bool:
    return distribute_next_due().lead_id is not None
