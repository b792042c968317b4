"""The reconcilers, by the names in the settings. An app above routing can have some too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from tracing.reconciling import Run


@dataclass(frozen=True, slots=True)
class Reconciler:
    name: str
    period_seconds: int
    run: Run


def list_reconcilers() -> Sequence[Reconciler]:
    """All of them, in the order of the settings."""
    return [find_reconciler(name) for name in settings.LEADSWITCH_RECONCILERS]


def find_reconciler(name: str) -> Reconciler:
    """Raises KeyError."""
    place, period_seconds = settings.LEADSWITCH_RECONCILERS[name]
    return Reconciler(name, period_seconds, cast("Run", import_string(place)))
