"""Calls of leads at the carrier of the tests: their rows, their requests, and what the product makes of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from distribution.calls.addresses import make_addresses
from distribution.calls.applying import apply_new
from distribution.calls.asking import read_phone
from distribution.calls.carrier import CarrierClient, Dialed, PlaceCall
from distribution.calls.checking import check_due
from distribution.calls.finishing import finish_due
from distribution.deliveries.outbound import OutboundClient
from distribution.models import Call, CallEvent, CallNotice, CarrierAccount
from tests.carrier import Carrier
from tests.support.delivering import local_client
from tests.support.factories import CallFactory, ChannelFactory, person
from tests.support.waiting import wait_until

AREA: Final = "+140455501"


@dataclass(frozen=True, slots=True)
class Office:
    """A channel whose account is at the carrier of the tests."""

    carrier: Carrier
    outbound: OutboundClient
    channel: Any

    def get_carrier(self, account: CarrierAccount) -> CarrierClient:
        return CarrierClient(
            api_url=account.api_url,
            account_sid=account.account_sid,
            auth_token=account.auth_token,
            outbound=self.outbound,
        )

    def begin(self, digits: str, **changes: Any) -> Call:
        """A committed call that is about to be requested. `digits` choose the callee (tests/carrier/callees.py)."""
        contact = {
            f"verification__lead__{name}": value for name, value in person(phone=AREA + digits).items()
        }
        made = CallFactory(channel=self.channel, ring_seconds=1, time_limit_seconds=30, **contact, **changes)
        return Call.objects.get(pk=made.pk)

    def request(self, call: Call) -> Dialed:
        """The one request of the call. Its answer is not recorded."""
        addresses = make_addresses(call.public_id)
        return self.get_carrier(self.channel.account).place(
            PlaceCall(
                read_phone(call),
                call.from_number,
                script_url=addresses.script,
                status_url=addresses.status,
                recording_url=addresses.recording,
                ring_seconds=call.ring_seconds,
                time_limit_seconds=call.time_limit_seconds,
                records=call.records,
            )
        )

    def check(self, *, after: timedelta = timedelta()) -> int:
        """Ask about every call, as if this time had passed."""
        Call.objects.filter(ended_at__isnull=True).update(next_check_at=timezone.now())
        checked = check_due(limit=100, get_carrier=self.get_carrier, clock=lambda: timezone.now() + after)
        self.finish_others(after=after)
        return checked

    def finish_others(self, *, after: timedelta = timedelta()) -> int:
        """End second calls and ask for costs, as if this time had passed."""
        return finish_due(limit=100, get_carrier=self.get_carrier, clock=lambda: timezone.now() + after)

    def finish(self, call: Call) -> Call:
        """Apply what the carrier reports until the call has ended."""

        def has_ended() -> bool:
            apply_new(limit=100)
            call.refresh_from_db()
            return call.ended_at is not None

        wait_until(has_ended, what="the end of the call")
        return call

    def wait_until_reported(self, event: str = "completed") -> None:
        """Until the carrier has been answered."""
        wait_until(
            lambda: any(each["event"] == event and each["tries"] for each in self.carrier.notices()),
            what=f"the report of {event}",
        )

    def wait_until_over(self) -> None:
        wait_until(
            lambda: all(call["ended_at"] for call in self.carrier.calls()), what="the end at the carrier"
        )


@contextmanager
def open_office(carrier: Carrier) -> Iterator[Office]:
    outbound = local_client()
    channel = ChannelFactory(
        lines=50,
        account__account_sid=carrier.account_sid,
        account__auth_token=carrier.auth_token,
        account__signing_key=carrier.signing_key,
        account__api_url=carrier.api_url,
    )
    try:
        yield Office(carrier, outbound, channel)
    finally:
        outbound.close()


def story_of(call: Call) -> list[str]:
    return list(
        CallEvent.objects.filter(verification_id=call.verification_id)
        .order_by("pk")
        .values_list("code", flat=True)
    )


def results_of(call: Call) -> list[tuple[str, str, str]]:
    return list(CallNotice.objects.filter(call=call).order_by("pk").values_list("kind", "status", "result"))
