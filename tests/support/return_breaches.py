"""A case for each constraint of the tables of returns, which the database must refuse by its name."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from uuid6 import uuid7

from distribution.models import (
    Assignment,
    LedgerEntry,
    ReturnFile,
    ReturnPolicy,
    ReturnRequest,
)
from tests.support.factories import (
    BuyerFactory,
    EnrollmentFactory,
    LeadFactory,
    ReturnPolicyFactory,
    WorkspaceFactory,
)


def new_sale(*, price_cents: int = 100) -> Assignment:
    """With its charge."""
    place = EnrollmentFactory()
    lead = LeadFactory(source__workspace=place.campaign.workspace)
    parts = {"lead": lead, "buyer": place.buyer, "campaign": place.campaign, "enrollment": place}
    sold = Assignment.objects.create(**parts, attempt_id=uuid7(), price_cents=price_cents)
    new_entry(sold, kind="charge", amount_cents=-price_cents)
    return sold


def new_entry(sold: Assignment, *, kind: str, amount_cents: int) -> LedgerEntry:
    return LedgerEntry.objects.create(
        wallet=sold.buyer.wallet,
        kind=kind,
        amount_cents=amount_cents,
        balance_after_cents=0,
        idempotency_key=str(uuid7()),
        actor="test",
        assignment=sold,
    )


def new_return(sold: Assignment | None = None, **changes: Any) -> ReturnRequest:
    sold = sold or new_sale()
    values = {
        "assignment": sold,
        "lead": sold.lead,
        "buyer": sold.buyer,
        "reason": "fake",
        "requested_by": "key",
    }
    return ReturnRequest.objects.create(**{**values, **changes})


def approved(sold: Assignment, **changes: Any) -> ReturnRequest:
    entry = new_entry(sold, kind="refund", amount_cents=1)
    end = {
        "state": "approved",
        "decided_at": timezone.now(),
        "is_full": True,
        "refund_cents": 1,
        "refund": entry,
    }
    return new_return(sold, **{**end, **changes})


def twice(create: Callable[..., Any], *same: Any, **named: Any) -> None:
    create(*same, **named)
    create(*same, **named)


def two_files() -> None:
    request = new_return()
    file = {
        "request": request,
        "name": "a.txt",
        "content_type": "text/plain",
        "size_bytes": 1,
        "content": b"a",
    }
    twice(ReturnFile.objects.create, **file, sha256="a")


def one_refund_for_two() -> None:
    sold = new_sale()
    first = approved(sold, is_full=False)
    approved(sold, is_full=False, refund=first.refund)


def refund_above_the_charge() -> None:
    sold = new_sale()
    new_entry(sold, kind="refund", amount_cents=60)
    new_entry(sold, kind="refund", amount_cents=41)


def changed_after_its_end(**changes: Any) -> None:
    request = new_return(state="declined", decided_at=timezone.now())
    ReturnRequest.objects.filter(pk=request.pk).update(**changes)


def resold_twice() -> None:
    first = new_sale()
    approved(first, is_resold=True)
    other = EnrollmentFactory(campaign=first.campaign)
    parts = {"lead": first.lead, "buyer": other.buyer, "campaign": other.campaign, "enrollment": other}
    second = Assignment.objects.create(**parts, attempt_id=uuid7(), price_cents=100)
    new_entry(second, kind="charge", amount_cents=-100)
    approved(second, is_resold=True)


def policy(**columns: Any) -> ReturnPolicy:
    made: ReturnPolicy = ReturnPolicyFactory(**columns)
    return made


def policies_of_one_buyer() -> None:
    buyer = BuyerFactory()
    twice(policy, workspace=buyer.workspace, buyer=buyer)


RETURN_BREACHES: list[tuple[str, Callable[[], Any]]] = [
    ("return_policy_one_default", lambda: twice(policy, workspace=WorkspaceFactory())),
    ("distribution_returnpolicy_buyer_id_key", policies_of_one_buyer),
    ("return_policy_limit_fits", lambda: policy(limit_value=1)),
    ("return_policy_limit_fits", lambda: policy(limit_basis="leads")),
    ("return_policy_limit_fits", lambda: policy(limit_basis="leads_percent")),
    ("return_policy_limit_fits", lambda: policy(limit_basis="revenue_percent", limit_value=101)),
    ("return_policy_window_in_range", lambda: policy(window_hours=0)),
    ("return_policy_has_a_reason", lambda: policy(reasons=[])),
    ("return_policy_automatic_percent_in_range", lambda: policy(automatic_percent=0)),
    ("return_policy_automatic_percent_in_range", lambda: policy(automatic_percent=100)),
    ("return_one_open_each", lambda: twice(new_return, new_sale())),
    ("return_one_full_each", lambda: twice(approved, new_sale())),
    ("return_one_resale_each", resold_twice),
    ("return_state_fits", lambda: new_return(decided_at=timezone.now())),
    ("return_state_fits", lambda: new_return(state="declined")),
    ("return_state_fits", lambda: new_return(state="magic")),
    ("return_refund_fits", lambda: approved(new_sale(), refund=None)),
    ("return_refund_fits", lambda: approved(new_sale(), refund_cents=0)),
    ("distribution_returnrequest_refund_id_key", one_refund_for_two),
    ("return_asks_for_money", lambda: new_return(asked_cents=0)),
    ("return_resold_is_full", lambda: new_return(is_resold=True)),
    ("return_file_once", two_files),
    (
        "return_file_size_in_range",
        lambda: ReturnFile.objects.create(request=new_return(), size_bytes=0, content=b"", name="a"),
    ),
]
# The same for triggers.
TRIGGER_BREACHES: list[tuple[str, Callable[[], Any]]] = [
    ("ledger_refund_within_charge", refund_above_the_charge),
    ("return_policy_same_workspace", lambda: policy(buyer=BuyerFactory())),
    ("return_fits_assignment", lambda: new_return(lead=LeadFactory())),
    ("return_fits_assignment", lambda: new_return(buyer=BuyerFactory())),
    ("return_end_is_final", lambda: changed_after_its_end(text="other")),
]
