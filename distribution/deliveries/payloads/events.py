"""An event as it is sent: the data of a webhook, or an email for a person. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final

from distribution.deliveries.payloads.catalog import CATALOG
from distribution.deliveries.payloads.mails import TEST_MARK, TIME, MailContent
from tracing.wording import money

TITLES: Final[Mapping[str, str]] = {
    "lead.sold": "Lead sold",
    "lead.unsold": "Lead not sold",
    "lead.returned": "Lead returned",
    "lead.status_changed": "Lead has another status",
    "assignment.delivered": "Lead delivered",
    "assignment.rejected": "Lead rejected",
    "wallet.low": "Wallet is low",
    "wallet.recharge_failed": "Recharge paused",
    "cap.reached": "Cap reached",
    "change.decided": "Change decided",
    "campaign.unsold": "No buyer for a lead",
}
MAX_SUBJECT: Final = 150
TEST_LINE: Final = "This is a test. Nothing happened, and the values below are invented."


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """`data`: what its subscriber may have. `names`: of the buyer and the campaign, for an email to a person."""

    event_id: str
    kind: str
    at: datetime
    data: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)
    is_test: bool = False


def write_notice(event: DeliveredEvent, *, zone: tzinfo, unsubscribe_link: str) -> MailContent:
    """`zone`: the subscriber's."""
    subject = ": ".join(filter(None, (TITLES[event.kind], event.names.get("buyer", ""))))
    lines = [
        *((TEST_LINE, "") if event.is_test else ()),
        CATALOG[event.kind].about,
        "",
        *(f"{label}: {value}" for label, value in _list_rows(event, zone)),
        "",
        f'This address is subscribed to "{TITLES[event.kind]}". Unsubscribe: {unsubscribe_link}',
    ]
    mark = TEST_MARK if event.is_test else ""
    return MailContent(
        subject=f"{mark}{' '.join(subject.split())}"[:MAX_SUBJECT], text="\n".join(lines) + "\n"
    )


def _list_rows(event: DeliveredEvent, zone: tzinfo) -> Iterator[tuple[str, str]]:
    yield "Time", event.at.astimezone(zone).strftime(TIME)
    for name, value in event.names.items():
        yield name.capitalize(), " ".join(value.split())
    for name, value in event.data.items():
        if value in ("", None) or name.removesuffix("_id") in event.names:
            continue
        label = name.removesuffix("_cents").replace("_id", " id").replace("_", " ").capitalize()
        yield label, _write(name, value, zone)


def _write(name: str, value: Any, zone: tzinfo) -> str:
    if name.endswith("_cents"):
        return money(value)
    if name.endswith("_at"):
        return datetime.fromisoformat(value).astimezone(zone).strftime(TIME)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
