"""Answers a ping of a source, and stores it without what it contained."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from uuid6 import uuid7

from distribution.offers.quotes import Quote, quote
from routing.calendar.zones import load_zone
from routing.intake.parse import CleanLead
from routing.intake.ping_ids import digest_fields, write_ping_id
from routing.intake.pings import parse_ping
from routing.leads.unpriced import NoPrice, explain_no_price
from routing.models import IntakeMode, Ping, Source, SourceKey


@dataclass(frozen=True, slots=True)
class PingAnswer:
    """`ping_id` is the signed id of a ping with a price. `no_price`: why it has none."""

    lead: CleanLead
    price_cents: int | None
    ping_id: str | None
    expires_at: datetime | None
    no_price: NoPrice | None


def answer_ping(payload: object, *, key: SourceKey, at: datetime) -> PingAnswer:
    """Store the ping and return its answer. Raises LeadInvalid and HasContactData; nothing is stored then."""
    source = key.source
    lead, priced = parse_ping(
        payload,
        default_vertical=source.default_vertical,
        at=at,
        is_lenient=source.intake_mode == IntakeMode.LENIENT,
        zone=load_zone(source.workspace.timezone),
        is_test=key.is_test,
    )
    public_id = UUID(int=uuid7().int)
    # The low bits of the id are random: they break ties as those of an attempt's id do.
    quoted = quote(lead, source=source, at=at, seed=public_id.int & 0xFFFF_FFFF_FFFF)
    ping = _store(quoted, priced, source=source, public_id=public_id, at=at, is_test=lead.is_test)
    if quoted.price_cents is None:
        reason = explain_no_price(
            quoted.reason, gates=quoted.gates, zip_code=lead.zip, is_elsewhere=quoted.is_elsewhere
        )
        return PingAnswer(lead, None, None, None, reason)
    return PingAnswer(lead, quoted.price_cents, write_ping_id(ping), ping.expires_at, None)


def _store(
    quoted: Quote, priced: Mapping[str, Any], *, source: Source, public_id: UUID, at: datetime, is_test: bool
) -> Ping:
    seconds = source.ping_seconds or settings.LEADSWITCH_PING_SECONDS
    has_price = quoted.price_cents is not None
    ping = Ping(
        public_id=public_id,
        source=source,
        campaign_id=quoted.campaign_id,
        price_cents=quoted.price_cents,
        reason=quoted.reason,
        digests=digest_fields(priced, public_id=public_id) if has_price else {},
        is_test=is_test,
        created_at=at,
        expires_at=at + timedelta(seconds=seconds),
    )
    ping.save(force_insert=True)
    return ping
