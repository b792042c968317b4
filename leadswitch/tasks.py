"""The Celery tasks of the wiring."""

from celery import shared_task

from leadswitch.levels.digest.sending import is_due, send_digest
from routing.queries import read_clock


@shared_task(name="leadswitch.send_digest")
def send_due_digest() -> None:
    """Safe to repeat: each recipient gets the digest once a day."""
    at = read_clock()
    if is_due(at):
        send_digest(at=at)
