"""Sessions of the portal: a browser that is signed in for an address, and the buyer it looks at.

They have nothing in common with the sessions of the admin. A person whom the agency removes is out at the next request.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from distribution.metrics import PORTAL_SIGN_INS
from distribution.models import PortalSession, PortalUser
from distribution.models.portal import hash_token, make_token
from tracing import audit

SIGNED_IN: Final = "signed_in"
SIGNED_OUT: Final = "signed_out_everywhere"


def session_time() -> timedelta:
    return timedelta(days=settings.LEADSWITCH_PORTAL_SESSION_DAYS)


def start_session(email: str, *, at: datetime) -> str | None:
    """Return the text of the cookie. None: nobody has this address any longer. One buyer is chosen at once."""
    users = list_users(email)
    if not users:
        return None
    text = make_token()
    with transaction.atomic():
        session = PortalSession.objects.create(
            token_hash=hash_token(text), email=email, created_at=at, expires_at=at + session_time()
        )
        if len(users) == 1:
            _enter(session, users[0], at=at)
    PORTAL_SIGN_INS.labels(step="succeeded").inc()
    return text


def find_session(text: str, *, at: datetime) -> PortalSession | None:
    """With its user, buyer, workspace and wallet. None: it ended, or nobody has its address any longer."""
    sessions = PortalSession.objects.select_related("user__buyer__workspace", "user__buyer__wallet")
    session = sessions.filter(token_hash=hash_token(text), expires_at__gt=at).first()
    if session is None:
        return None
    is_known = session.user is not None or _with_address(session.email).exists()
    return session if is_known else None


def list_users(email: str) -> list[PortalUser]:
    """Return the buyers of an address, by name."""
    users = _with_address(email).select_related("buyer__workspace")
    return list(users.order_by("buyer__name", "pk"))


def choose_buyer(session: PortalSession, public_id: UUID, *, at: datetime) -> bool:
    """Look at another buyer of this address. False: this address has no such buyer."""
    user = _with_address(session.email).select_related("buyer").filter(public_id=public_id).first()
    if user is None:
        return False
    with transaction.atomic():
        _enter(session, user, at=at)
    return True


def end_session(text: str) -> None:
    PortalSession.objects.filter(token_hash=hash_token(text)).delete()


def end_all_sessions(session: PortalSession) -> int:
    """Sign this address out in every browser. Returns how many."""
    with transaction.atomic():
        ended, _ = PortalSession.objects.filter(email=session.email).delete()
        if session.user is not None:
            _record(session.user, SIGNED_OUT)
    return ended


def _with_address(email: str) -> QuerySet[PortalUser]:
    return PortalUser.objects.filter(email=email)


def _enter(session: PortalSession, user: PortalUser, *, at: datetime) -> None:
    PortalSession.objects.filter(pk=session.pk).update(user=user)
    PortalUser.objects.filter(pk=user.pk).update(last_signed_in_at=at)
    _record(user, SIGNED_IN)


def _record(user: PortalUser, action: str) -> None:
    audit.record(actor=user.actor, action=action, target=user, workspace_id=user.buyer.workspace_id)
