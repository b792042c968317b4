"""Takes a report of the carrier: verifies it, stores it, and says what the carrier performs next.

The signature covers every field, also those that are not known here, so it is checked before any is read.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from distribution.calls.inbox import store
from distribution.calls.notices import BadNotice, Notice, read_notice
from distribution.calls.signing import is_signed
from distribution.models import Call, CarrierAccount

logger = logging.getLogger(__name__)

# Accounts with the same id: one in each workspace that uses it.
MOST_ACCOUNTS: Final = 100
ACCOUNT_SID: Final = re.compile(r"[A-Za-z0-9]{1,64}")


class BadSignature(Exception):
    """The report does not come from a carrier of ours."""


class UnknownAddress(BadSignature):
    """Nor is its address one of a call of ours. Anybody can send such a thing: the carrier alone knows the others."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A report as it arrived. `url`: as the carrier called it. `settings`: the header of this name."""

    kind: str
    url: str
    fields: Sequence[tuple[str, str]]
    signature: str
    settings: str

    def is_from(self, account: CarrierAccount) -> bool:
        return is_signed(
            self.url,
            self.fields,
            signature=self.signature,
            settings=self.settings,
            tokens=[account.auth_token, account.previous_token or ""],
            signing_keys=[account.signing_key or ""],
        )


@dataclass(frozen=True, slots=True)
class Received:
    """A report of a call of ours, which is stored now. `is_new`: it was not before."""

    call: Call
    notice: Notice
    is_new: bool


def receive(public_id: UUID, signed: Signed) -> Received | None:
    """None: a carrier of ours reports on a call that we do not know. Raises BadSignature, BadNotice."""
    call = Call.objects.select_related("account", "workspace", "verification").filter(public_id=public_id)
    found = call.first()
    if not any(signed.is_from(account) for account in _list_accounts(found, signed)):
        if found is None:
            logger.info("calls.unknown_address")
            raise UnknownAddress
        logger.warning("calls.bad_signature", extra={"call": str(public_id)})
        raise BadSignature
    if found is None:
        logger.error("calls.unknown_call", extra={"call": str(public_id)})
        return None
    notice = _read(found, signed)
    return Received(found, notice, store(notice, call_id=found.pk))


def _list_accounts(call: Call | None, signed: Signed) -> Iterable[CarrierAccount]:
    """Those whose signature counts: of the call, or those that a report on an unknown call names."""
    if call is not None:
        return [call.account]
    named = next((value for name, value in signed.fields if name == "AccountSid"), "")
    if not ACCOUNT_SID.fullmatch(named):
        return []
    return CarrierAccount.objects.filter(account_sid=named)[:MOST_ACCOUNTS]


def _read(call: Call, signed: Signed) -> Notice:
    try:
        return read_notice(signed.kind, signed.fields)
    except BadNotice:
        logger.warning("calls.bad_notice", extra={"call": str(call.public_id)})
        raise
