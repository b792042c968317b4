"""Celery shells of routing."""

from celery import shared_task

from routing.idempotency import forget_old_keys


@shared_task(name="routing.forget_idempotency_keys")
def forget_idempotency_keys() -> None:
    """Doubles are harmless: rows that another run is deleting are left to it."""
    forget_old_keys()
