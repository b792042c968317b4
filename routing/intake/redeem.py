"""Checks the ping of a lead that is about to be stored. The insert of the lead uses the ping, at most once."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from routing.intake.parse import CleanLead
from routing.intake.ping_ids import digest_fields, find_secret, read_ping_id
from routing.intake.pings import ALWAYS_PRICED, PRICED_IF_SENT
from routing.models import Lead, Ping, Source
from routing.values.attributes import flatten_attributes

FIELD: Final = "ping_id"
OR_WITHOUT: Final = "Ping again, or send the lead without ping_id."
# (lead, *, source, at) -> the id of the campaign that takes the lead now.
CampaignHook = Callable[..., int | None]


class PingRefused(ValueError):
    """The lead was not stored, because its ping cannot be used. `code` is permanent.

    `field`: the field whose value differs. `used_by`: the lead that used it.
    """

    def __init__(self, code: str, message: str, *, field: str = "", used_by: UUID | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.used_by = used_by


USED: Final = f"This ping_id was already used. {OR_WITHOUT}"


def redeem(ping_id: object, lead: CleanLead, *, source: Source, at: datetime) -> int:
    """Return the row of the ping that the lead may use. Raises PingRefused. Locks nothing: the insert decides."""
    sent = read_ping_id(ping_id)
    ping = None if sent is None else Ping.objects.filter(public_id=sent.public_id).first()
    secret = None if sent is None or ping is None else find_secret(ping, sent.signature)
    if ping is None or secret is None:
        raise PingRefused("ping_unknown", f"is no ping_id of this installation. {OR_WITHOUT}", field=FIELD)
    if ping.source_id != source.pk:
        raise PingRefused("ping_of_other_source", f"belongs to another source. {OR_WITHOUT}", field=FIELD)
    used_by = Lead.objects.filter(ping_id=ping.pk).values_list("public_id", flat=True).first()
    if used_by is not None:
        raise PingRefused("ping_used", USED, used_by=used_by)
    if ping.expires_at <= at:
        raise PingRefused("ping_expired", f"This ping_id has expired. {OR_WITHOUT}")
    _refuse_other_data(ping, lead, secret=secret)
    hook = cast("CampaignHook", import_string(settings.LEADSWITCH_CAMPAIGN_HOOK))
    if hook(lead, source=source, at=at) != ping.campaign_id:
        message = f"The campaign of this ping_id no longer takes the lead. {OR_WITHOUT}"
        raise PingRefused("ping_campaign_changed", message)
    return ping.pk


def _refuse_other_data(ping: Ping, lead: CleanLead, *, secret: str) -> None:
    """A lead may have more than its ping, but must repeat all of it."""
    fresh = digest_fields(_read_all(lead), public_id=ping.public_id, secret=secret)
    different = [name for name, digest in ping.digests.items() if fresh.get(name) != digest]
    if different:
        first = min(different, key=_order)
        message = f"is not the value that the ping had: send the same one. {OR_WITHOUT}"
        raise PingRefused("ping_data_differs", message, field=first)


def _order(name: str) -> tuple[int, str]:
    fields = (*ALWAYS_PRICED, *PRICED_IF_SENT)
    return (fields.index(name) if name in fields else len(fields), name)


def _read_all(lead: CleanLead) -> Mapping[str, Any]:
    priced = {name: getattr(lead, name) for name in (*ALWAYS_PRICED, *PRICED_IF_SENT)}
    token = lead.consent.token if lead.consent is not None else None
    return {**priced, "consent.token": token, **flatten_attributes(lead.attributes)}
