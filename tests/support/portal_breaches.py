"""Rows of the portal and of changes that wait for approval that the database refuses, by the name of the constraint."""

from collections.abc import Callable
from typing import Any, Final

from django.utils import timezone

from distribution.models import ChangeProposal, PortalLink
from tests.support.delivery_breaches import twice
from tests.support.factories import BuyerFactory, EnrollmentFactory, PortalUserFactory


def _new_link(**columns: Any) -> PortalLink:
    """One whose link was used."""
    now = timezone.now()
    return PortalLink.objects.create(requested_at=now, used_at=now, **columns)


def _new_change(**columns: Any) -> ChangeProposal:
    """A new name, which waits."""
    buyer = columns.pop("buyer", None) or BuyerFactory()
    given = {"part": "profile", "fields": ["name"], "patch": {"name": "Ann Inc."}, **columns}
    return ChangeProposal.objects.create(buyer=buyer, base_version="1", asked_by="key", **given)


def _ask_again_for_an_enrollment() -> None:
    place = EnrollmentFactory()
    twice(_new_change, buyer=place.buyer, enrollment=place, part="enrollment")


PORTAL_BREACHES: Final[list[tuple[str, Callable[[], Any]]]] = [
    (
        "portaluser_once_each_buyer",
        lambda: twice(PortalUserFactory, buyer=BuyerFactory(), email="ann@example.com"),
    ),
    ("portaluser_email_is_lower", lambda: PortalUserFactory(email="Ann@example.com")),
    ("portallink_used_with_token", lambda: _new_link(expires_at=timezone.now())),
    ("portallink_used_with_token", lambda: _new_link(token_hash="a")),
    ("changeproposal_decided_iff_not_waiting", lambda: _new_change(decided_at=timezone.now())),
    ("changeproposal_decided_iff_not_waiting", lambda: _new_change(state="approved")),
    ("changeproposal_decided_iff_not_waiting", lambda: _new_change(state="withdrawn")),
    ("changeproposal_one_waits", lambda: twice(_new_change, buyer=BuyerFactory())),
    ("changeproposal_one_waits", _ask_again_for_an_enrollment),
]
