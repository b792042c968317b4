"""One-time links to sign in to the portal, and invitations. Stores what is to be mailed; another room mails it.

Nothing depends on whether an address is known, not even the limits. Only the process that mails a link ever has its
token: the row contains the hash.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils.crypto import salted_hmac

from distribution.locks import lock_texts
from distribution.metrics import PORTAL_SIGN_INS
from distribution.models import PortalLink, PortalSession, PortalUser
from distribution.models.portal import hash_token, make_token
from routing.dispatch.enqueue import after_commit
from routing.dispatch.publish import send_wake

MAIL_TASK: Final = "leadswitch.mail_portal_links"
LINK_MINUTES: Final = 15
LIMIT_PERIOD: Final = timedelta(hours=1)
LINKS_PER_ADDRESS: Final = 5
# An office shares one address on the internet.
LINKS_PER_NETWORK: Final = 30
# A mail that its process did not finish is sent by another one after this time.
CLAIM: Final = timedelta(minutes=2)
MAX_TRIES: Final = 5
# After this time a request is of no use, for the limits or for the person.
KEPT: Final = timedelta(days=1)


class TooManyLinks(Exception):
    """`wait_minutes`: when the next request is accepted."""

    def __init__(self, wait_minutes: int) -> None:
        super().__init__(wait_minutes)
        self.wait_minutes = wait_minutes


@dataclass(frozen=True, slots=True)
class DueMail:
    """A mail to send now. `token`: of the sign-in link; None for an invitation, which is for `invited`."""

    link_id: int
    email: str
    token: str | None
    invited: PortalUser | None


def request_link(email: str, *, network: str, at: datetime) -> None:
    """Owe a link to this address, if somebody has it. `email`: from normalize_email. Raises TooManyLinks."""
    email_hash, network_hash = _hash("address", email), _hash("network", network)
    try:
        with transaction.atomic():
            lock_texts(email_hash, network_hash)
            _refuse_many(Q(email_hash=email_hash), limit=LINKS_PER_ADDRESS, at=at)
            _refuse_many(Q(network_hash=network_hash), limit=LINKS_PER_NETWORK, at=at)
            is_known = PortalUser.objects.filter(email=email).exists()
            PortalLink.objects.create(
                email=email if is_known else "",
                email_hash=email_hash,
                network_hash=network_hash,
                requested_at=at,
            )
            after_commit(partial(send_wake, MAIL_TASK))
    except TooManyLinks:
        PORTAL_SIGN_INS.labels(step="refused").inc()
        raise
    PORTAL_SIGN_INS.labels(step="requested").inc()


def owe_invitation(user: PortalUser, *, at: datetime) -> None:
    """Needs the transaction that stores the user."""
    PortalLink.objects.create(email=user.email, invited=user, requested_at=at)
    after_commit(partial(send_wake, MAIL_TASK))


def claim_due_mail(*, at: datetime) -> DueMail | None:
    """Return the next mail to send, with a new token. None: nothing waits. Another process does not get it too."""
    with transaction.atomic():
        waiting = PortalLink.objects.filter(sent_at=None, tries__lt=MAX_TRIES).exclude(email="")
        free = waiting.filter(Q(claimed_at=None) | Q(claimed_at__lt=at - CLAIM))
        useful = free.filter(
            Q(invited__isnull=False) | Q(requested_at__gt=at - timedelta(minutes=LINK_MINUTES))
        )
        link = useful.select_for_update(skip_locked=True, of=("self",)).order_by("pk").first()
        if link is None:
            return None
        token = make_token() if link.invited_id is None else None
        PortalLink.objects.filter(pk=link.pk).update(
            token_hash=None if token is None else hash_token(token),
            expires_at=at + timedelta(minutes=LINK_MINUTES),
            claimed_at=at,
            tries=F("tries") + 1,
        )
    return DueMail(link.pk, link.email, token, _find_invited(link))


def _find_invited(link: PortalLink) -> PortalUser | None:
    users = PortalUser.objects.select_related("buyer__workspace")
    return None if link.invited_id is None else users.filter(pk=link.invited_id).first()


def finish_mail(mail: DueMail, *, is_sent: bool, is_refused: bool, at: datetime) -> None:
    """A mail that was not sent is tried again when its claim ends, with another token; a refused one is not."""
    row = PortalLink.objects.filter(pk=mail.link_id)
    if is_sent:
        row.update(sent_at=at)
    elif is_refused:
        row.update(tries=MAX_TRIES)
    PORTAL_SIGN_INS.labels(step="mailed" if is_sent else "not_mailed").inc()


def make_link_token(email: str, *, at: datetime) -> str | None:
    """A link that an operator hands over. None: no portal user has this address."""
    if not PortalUser.objects.filter(email=email).exists():
        return None
    token = make_token()
    PortalLink.objects.create(
        email=email,
        requested_at=at,
        sent_at=at,
        token_hash=hash_token(token),
        expires_at=at + timedelta(minutes=LINK_MINUTES),
    )
    return token


def is_open(token: str, *, at: datetime) -> bool:
    """Whether this token can be used now. Uses nothing up."""
    return PortalLink.objects.filter(token_hash=hash_token(token), used_at=None, expires_at__gt=at).exists()


def use_link(token: str, *, at: datetime) -> str | None:
    """Use the link up and return its address. None: it is used, old or wrong."""
    links = PortalLink.objects.filter(token_hash=hash_token(token))
    if not links.filter(used_at=None, expires_at__gt=at).update(used_at=at):
        PORTAL_SIGN_INS.labels(step="invalid").inc()
        return None
    return links.values_list("email", flat=True).get()


def remove_old(*, at: datetime) -> None:
    """Forget old requests and sessions that have ended."""
    PortalLink.objects.filter(requested_at__lt=at - KEPT).delete()
    PortalSession.objects.filter(expires_at__lt=at).delete()


def _refuse_many(which: Q, *, limit: int, at: datetime) -> None:
    """The oldest of the last `limit` requests leaves the period first."""
    recent = PortalLink.objects.filter(which, requested_at__gt=at - LIMIT_PERIOD).order_by("-requested_at")
    times = list(recent.values_list("requested_at", flat=True)[:limit])
    if len(times) == limit:
        left = times[-1] + LIMIT_PERIOD - at
        raise TooManyLinks(max(1, math.ceil(left / timedelta(minutes=1))))


def _hash(purpose: str, text: str) -> str:
    return salted_hmac(f"leadswitch portal {purpose}", text, algorithm="sha256").hexdigest()
