"""Row locks of calls.

Order: lead (routing.locks) -> its verification and its calls -> carrier account -> channel -> inserts. Only who has
the lead's lock waits for its verification or its calls, so these two have no order between them. Triggers of campaigns
and hours lock verifications alone, and wait for no other row after them. The call of a test has no lead.

The lines of a channel are counted in a statement after its lock, so that the count has every call that committed
before. A call that ends frees its line without that lock: who counts at the same time sees one free line less.
"""

from dataclasses import dataclass
from typing import Final

from django.db import connection

from distribution.models import Call, CarrierAccount, Channel, Verification
from routing.locks.leads_to_end import LeadToEnd, lock_unverified_lead

COUNT_LINES: Final = "SELECT count(*) FROM distribution_call WHERE channel_id = %s AND ended_at IS NULL"


@dataclass(frozen=True, slots=True)
class LockedCall:
    """`lead`: None if it is neither gated nor called any more, or the call is a test."""

    call: Call
    lead: LeadToEnd | None

    @property
    def claimed(self) -> LeadToEnd | None:
        """The lead, if the call still has its claim. If not, what the call comes to does not move it."""
        return self.lead if self.lead is not None and self.lead.locked_by == self.call.owner else None


def lock_call(call_id: int) -> LockedCall:
    """Wait for the call's lead, then for the call. Raises Call.DoesNotExist."""
    lead_id = Call.objects.values_list("lead_id", flat=True).get(pk=call_id)
    lead = None if lead_id is None else lock_unverified_lead(lead_id)
    call = Call.objects.select_for_update(no_key=True).get(pk=call_id)
    return LockedCall(call, lead)


def lock_verification(verification_id: int) -> Verification:
    """Wait for a verification. Needs its lead's lock. Raises Verification.DoesNotExist."""
    return (
        Verification.objects.select_for_update(no_key=True, of=("self",))
        .select_related("campaign")
        .get(pk=verification_id)
    )


def lock_account(account_id: int) -> CarrierAccount:
    return CarrierAccount.objects.select_for_update(no_key=True).get(pk=account_id)


def lock_channel(channel_id: int) -> Channel:
    return Channel.objects.select_for_update(no_key=True).get(pk=channel_id)


def count_lines(channel_id: int) -> int:
    """The lines in use. Exact under the channel's lock, if a statement before this one took it."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_LINES, [channel_id])
        (used,) = cursor.fetchone()
    return int(used)
