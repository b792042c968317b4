"""Every constraint of ours refuses its case, by name. A constraint without a case here is reported as missing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from uuid6 import uuid7

from distribution.engine.limits import (
    MAX_BUDGET_CENTS,
    MAX_BUYERS_PER_LEAD,
    MAX_CREDIT_LIMIT_CENTS,
    MAX_PRICE_CENTS,
)
from distribution.models import (
    Assignment,
    Buyer,
    BuyerKey,
    Campaign,
    CampaignSnapshot,
    Enrollment,
    LedgerEntry,
    Tier,
    Wallet,
    WorkspaceKey,
)
from leadswitch.models import DigestMail
from routing.models import (
    DispatchControl,
    Lead,
    LeadAllowance,
    Membership,
    ScopedKey,
    Source,
    SourceKey,
    Workspace,
)
from tests.support.call_breaches import CALL_BREACHES
from tests.support.delivery_breaches import DELIVERY_BREACHES
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    CardDisputeFactory,
    CardFactory,
    CardPaymentFactory,
    CardRefundFactory,
    EnrollmentFactory,
    LeadFactory,
    RechargeFactory,
    RechargeNoticeFactory,
    RuleFactory,
    SourceFactory,
    TierFactory,
    WorkspaceFactory,
    issue_buyer_key,
    issue_key,
    issue_workspace_key,
    store_answer,
)
from tests.support.offer_breaches import OFFER_BREACHES
from tests.support.ping_breaches import PING_BREACHES
from tests.support.portal_breaches import PORTAL_BREACHES
from tests.support.return_breaches import RETURN_BREACHES
from tests.support.statement_breaches import STATEMENT_BREACHES
from tracing.models import (
    Attempt,
    AttemptDay,
    AttemptHour,
    AttemptHourTotal,
    LeadDistributionEvent,
    RollupState,
    WorkspaceDay,
    WorkspaceHour,
)
from tracing.rollups.edges import BINS

pytestmark = pytest.mark.django_db


def _tell_of_a_pause_again() -> None:
    first = RechargeNoticeFactory()
    RechargeNoticeFactory(recharge=first.recharge, paused_at=first.paused_at)


def new_assignment(**changes: Any) -> Assignment:
    enrollment = changes.pop("enrollment", None) or EnrollmentFactory()
    lead = changes.pop("lead", None) or LeadFactory(source__workspace=enrollment.campaign.workspace)
    values = {
        "lead": lead,
        "buyer": enrollment.buyer,
        "campaign": enrollment.campaign,
        "enrollment": enrollment,
        "attempt_id": uuid7(),
        "price_cents": 100,
    }
    return Assignment.objects.create(**{**values, **changes})


def of_card(kind: str, *, amount_cents: int) -> LedgerEntry:
    return new_entry(kind=kind, amount_cents=amount_cents, other_account="card_clearing")


def new_entry(**changes: Any) -> LedgerEntry:
    values = {
        "wallet": changes.pop("wallet", None) or BuyerFactory().wallet,
        "kind": "topup",
        "amount_cents": 1,
        "balance_after_cents": 1,
        "idempotency_key": str(uuid7()),
        "actor": "test",
    }
    return LedgerEntry.objects.create(**{**values, **changes})


def new_attempt(**changes: Any) -> Attempt:
    now = timezone.now()
    values = {"lead_id": 1, "number": 1, "trigger": "ingest", "source_workspace_id": 1, "result": "unsold"}
    times = {"started_at": now, "finished_at": now, "duration_ms": 0.0}
    return Attempt.objects.create(**{**values, **times, **changes})


def new_event(**changes: Any) -> LeadDistributionEvent:
    values = {"lead_id": 1, "attempt_id": uuid7(), "seq": 1, "event": "distribution_started"}
    return LeadDistributionEvent.objects.create(**{**values, **changes})


def two_of(create: Callable[..., Any], **same: Any) -> None:
    create(**same)
    create(**same)


def sold_twice() -> None:
    first = new_assignment()
    new_assignment(lead=first.lead, enrollment=first.enrollment)


def charged_twice() -> None:
    assignment = new_assignment()
    for kind in ("charge", "capture"):
        new_entry(kind=kind, amount_cents=-1, assignment=assignment)


def held_twice() -> None:
    first = new_assignment(state="held")
    new_assignment(lead=first.lead, enrollment=first.enrollment)


def hold_ended_twice() -> None:
    assignment = new_assignment()
    new_entry(kind="capture", amount_cents=-1, assignment=assignment)
    new_entry(kind="release", amount_cents=1, assignment=assignment)


def enrolled_twice() -> None:
    first = EnrollmentFactory()
    EnrollmentFactory(campaign=first.campaign, tier=TierFactory(campaign=first.campaign), buyer=first.buyer)


def new_key(issue: Callable[[Any], str], owner: Any) -> ScopedKey:
    issue(owner)
    return owner.keys.get()


def two_ends_the_same(workspace: Workspace) -> None:
    RuleFactory(workspace=workspace, destination=workspace)


def open_payment(**values: Any) -> None:
    CardPaymentFactory(state="open", failure_code="", ended_at=None, next_try_at=timezone.now(), **values)


def pause_without_length(create: Callable[..., Any]) -> None:
    now = timezone.now()
    create(paused_at=now, paused_until=now)


def update(model: type[Any], row: Any, **changes: Any) -> None:
    model.objects.filter(pk=row.pk).update(**changes)


NO_BINS: list[int] = [0] * BINS
COUNTED: dict[str, Any] = {
    "hour": "2026-01-01T00:00Z",
    "count": 0,
    **dict.fromkeys(("duration_bins", "due_bins", "receipt_bins"), NO_BINS),
}
CELL: dict[str, Any] = {**COUNTED, "result": "success"}
REFUSED: list[tuple[str, Callable[[], Any]]] = [
    ("assignment_lead_buyer_once", sold_twice),
    ("assignment_lead_buyer_once", held_twice),
    ("assignment_settled_at_fits_state", lambda: new_assignment(state="held", settled_at=timezone.now())),
    ("assignment_settled_at_fits_state", lambda: new_assignment(state="rejected", is_counted=False)),
    ("assignment_real_sale_is_counted", lambda: new_assignment(state="held", is_counted=False)),
    ("assignment_returned_at_iff_returned", lambda: new_assignment(state="held", returned_at=timezone.now())),
    ("assignment_returned_at_iff_returned", lambda: new_assignment(state="returned")),
    ("assignment_returned_at_iff_returned", lambda: new_assignment(returned_at=timezone.now())),
    ("assignment_returned_at_iff_returned", lambda: new_assignment(state="lost")),
    ("assignment_real_sale_is_counted", lambda: new_assignment(is_counted=False)),
    ("assignment_test_is_not_counted", lambda: new_assignment(is_test=True)),
    ("assignment_counted_on_a_date", lambda: update(Assignment, new_assignment(), counted_on=None)),
    ("buyer_paused_until_after_start", lambda: BuyerFactory(paused_until=timezone.now())),
    ("buyer_paused_until_after_start", lambda: pause_without_length(BuyerFactory)),
    ("buyer_paused_by_itself_is_paused", lambda: BuyerFactory(is_paused_by_buyer=True)),
    ("buyer_workspace_name_unique", lambda: two_of(BuyerFactory, workspace=WorkspaceFactory(), name="one")),
    (
        "buyerkey_id_is_no_hash",
        lambda: update(BuyerKey, new_key(issue_buyer_key, BuyerFactory()), id="a.b$$c"),
    ),
    ("sourcekey_id_is_no_hash", lambda: update(SourceKey, new_key(issue_key, SourceFactory()), id="a.b$$c")),
    ("sourcekey_has_a_scope", lambda: issue_key(SourceFactory(), scopes=[])),
    (
        "leadallowance_lead_asked_by",
        lambda: two_of(
            LeadAllowance.objects.create, lead=LeadFactory(), asked_by="sender", full_at=timezone.now()
        ),
    ),
    (
        "workspacekey_id_is_no_hash",
        lambda: update(WorkspaceKey, new_key(issue_workspace_key, WorkspaceFactory()), id="a.b$$c"),
    ),
    ("workspacekey_has_a_scope", lambda: issue_workspace_key(WorkspaceFactory(), scopes=[])),
    ("buyerkey_has_a_scope", lambda: issue_buyer_key(BuyerFactory(), scopes=[])),
    ("campaign_max_buyers_positive", lambda: update(Campaign, CampaignFactory(), max_buyers=0)),
    (
        "campaign_workspace_name_unique",
        lambda: two_of(CampaignFactory, workspace=WorkspaceFactory(), name="one"),
    ),
    (
        "snapshot_campaign_version_unique",
        lambda: two_of(
            CampaignSnapshot.objects.create, campaign=CampaignFactory(), config_version=1, config={}
        ),
    ),
    ("enrollment_live_campaign_buyer_unique", enrolled_twice),
    ("enrollment_paused_until_after_start", lambda: EnrollmentFactory(paused_until=timezone.now())),
    ("enrollment_paused_until_after_start", lambda: pause_without_length(EnrollmentFactory)),
    ("enrollment_weight_in_range", lambda: update(Enrollment, EnrollmentFactory(), weight=0)),
    ("enrollment_weight_in_range", lambda: update(Enrollment, EnrollmentFactory(), weight=1_001)),
    ("ledger_key_not_blank", lambda: new_entry(idempotency_key="")),
    ("distribution_ledgerentry_idempotency_key_key", lambda: two_of(new_entry, idempotency_key="once")),
    ("ledger_one_charge_each", charged_twice),
    ("ledger_one_end_of_hold", hold_ended_twice),
    ("ledger_sign_fits_kind", lambda: new_entry(kind="hold", amount_cents=-1)),  # without an assignment
    ("ledger_sign_fits_kind", lambda: new_entry(kind="hold", amount_cents=1, assignment=new_assignment())),
    (
        "ledger_sign_fits_kind",
        lambda: new_entry(kind="release", amount_cents=-1, assignment=new_assignment()),
    ),
    ("ledger_sign_fits_kind", lambda: new_entry(kind="topup", amount_cents=0)),
    ("ledger_sign_fits_kind", lambda: new_entry(kind="topup", amount_cents=-1)),
    ("ledger_sign_fits_kind", lambda: new_entry(kind="refund", amount_cents=-1)),
    ("ledger_sign_fits_kind", lambda: of_card("cardrefund", amount_cents=1)),
    ("ledger_sign_fits_kind", lambda: of_card("chargeback", amount_cents=0)),
    ("ledger_sign_fits_kind", lambda: of_card("won_back", amount_cents=-1)),
    ("ledger_account_fits_kind", lambda: new_entry(kind="chargeback", amount_cents=-1)),  # of revenue
    ("ledger_account_fits_kind", lambda: of_card("adjustment", amount_cents=1)),
    ("ledger_account_fits_kind", lambda: of_card("refund", amount_cents=1)),
    ("ledger_sign_fits_kind", lambda: new_entry(kind="charge", amount_cents=-1)),  # without an assignment
    ("ledger_sign_fits_kind", lambda: new_entry(kind="charge", amount_cents=1, assignment=new_assignment())),
    ("ledger_sign_fits_kind", lambda: new_entry(kind="adjustment", amount_cents=0)),
    ("ledger_account_fits_kind", lambda: new_entry(kind="gift", amount_cents=1)),
    ("ledger_time_out_of_hold", lambda: new_entry(expires_at=timezone.now())),
    ("ledger_released_by_capture", lambda: new_entry(released_cents=1)),
    (
        "ledger_released_by_capture",
        lambda: new_entry(kind="capture", amount_cents=-1, released_cents=-1, assignment=new_assignment()),
    ),
    (
        "tier_campaign_position_unique",
        lambda: two_of(Tier.objects.create, campaign=CampaignFactory(), position=1),
    ),
    ("distribution_wallet_buyer_id_key", lambda: Wallet.objects.create(buyer=BuyerFactory())),
    ("wallet_held_not_negative", lambda: update(Wallet, BuyerFactory().wallet, held_cents=-1)),
    (
        "wallet_limit_not_negative",
        lambda: update(Wallet, BuyerFactory().wallet, credit_limit_cents=-1, balance_cents=1),
    ),
    ("wallet_not_below_limit", lambda: update(Wallet, BuyerFactory().wallet, balance_cents=-1)),
    ("wallet_not_below_limit", lambda: update(Wallet, BuyerFactory().wallet, held_cents=1)),
    (
        "wallet_not_below_limit",
        lambda: update(Wallet, BuyerFactory().wallet, balance_cents=-6, credit_limit_cents=5),
    ),
    (
        "wallet_charged_back_not_negative",
        lambda: update(Wallet, BuyerFactory().wallet, charged_back_cents=-1, balance_cents=1),
    ),
    ("wallet_terms_fit", lambda: update(Wallet, BuyerFactory().wallet, terms_days=30)),
    (
        "wallet_terms_fit",
        lambda: update(Wallet, BuyerFactory().wallet, terms_days=366, statements_from="2026-01-01"),
    ),
    ("card_last_four_digits", lambda: CardFactory(last4="42x2")),
    ("card_expires_in_a_month", lambda: CardFactory(exp_month=13)),
    (
        "card_one_current_each",
        lambda: CardFactory(buyer=(card := CardFactory()).buyer, customer=card.customer),
    ),
    ("payment_one_pending_each", lambda: two_of(open_payment, card=CardFactory())),
    ("payment_amount_in_range", lambda: CardPaymentFactory(amount_cents=49)),
    ("payment_amount_in_range", lambda: CardPaymentFactory(amount_cents=1_000_001)),
    ("payment_pending_is_due", lambda: CardPaymentFactory(state="open", ended_at=None)),
    ("payment_pending_is_due", lambda: CardPaymentFactory(ended_at=None)),
    ("payment_succeeded_is_credited", lambda: CardPaymentFactory(state="succeeded", provider_id="pi_1")),
    ("payment_surplus_names_the_first", lambda: CardPaymentFactory(state="surplus", provider_id="pi_1")),
    ("payment_refunded_in_range", lambda: CardPaymentFactory(refunded_cents=5_001)),
    ("payment_refund_failed_not_negative", lambda: CardPaymentFactory(refund_failed_cents=-1)),
    ("recharge_notice_once_each_pause", lambda: _tell_of_a_pause_again()),
    ("recharge_notice_state_fits", lambda: RechargeNoticeFactory(next_try_at=None)),
    ("recharge_notice_state_fits", lambda: RechargeNoticeFactory(state="sent")),
    ("refund_one_open_each", lambda: CardRefundFactory(payment=CardRefundFactory().payment)),
    ("refund_amount_positive", lambda: CardRefundFactory(amount_cents=0)),
    ("refund_open_is_due", lambda: CardRefundFactory(next_try_at=None)),
    ("dispute_amount_positive", lambda: CardDisputeFactory(amount_cents=0)),
    ("dispute_taken_has_payment", lambda: CardDisputeFactory(taken_at=timezone.now())),
    (
        "dispute_given_back_was_taken",
        lambda: CardDisputeFactory(payment=CardPaymentFactory(), given_back_at=timezone.now()),
    ),
    ("recharge_threshold_not_negative", lambda: RechargeFactory(threshold_cents=-1)),
    ("recharge_amount_in_range", lambda: RechargeFactory(amount_cents=49)),
    ("recharge_limits_in_order", lambda: RechargeFactory(day_limit_cents=4_999)),
    ("recharge_limits_in_order", lambda: RechargeFactory(week_limit_cents=49_999)),
    ("recharge_limits_in_order", lambda: RechargeFactory(month_limit_cents=49_999)),
    ("recharge_tries_in_range", lambda: RechargeFactory(max_tries=6)),
    ("recharge_pause_has_a_reason", lambda: RechargeFactory(paused_at=timezone.now())),
    ("campaign_post_deadline_in_range", lambda: CampaignFactory(post_deadline_seconds=0)),
    ("campaign_post_deadline_in_range", lambda: CampaignFactory(post_deadline_seconds=3_601)),
    ("campaign_amounts_in_range", lambda: CampaignFactory(price_cents=9 * 10**18)),
    ("campaign_amounts_in_range", lambda: CampaignFactory(price_cents=MAX_PRICE_CENTS + 1)),
    ("campaign_amounts_in_range", lambda: CampaignFactory(max_buyers=MAX_BUYERS_PER_LEAD + 1)),
    ("tier_amounts_in_range", lambda: TierFactory(price_cents=MAX_PRICE_CENTS + 1)),
    ("enrollment_amounts_in_range", lambda: EnrollmentFactory(bid_cents=MAX_PRICE_CENTS + 1)),
    ("enrollment_amounts_in_range", lambda: EnrollmentFactory(budget_day_cents=MAX_BUDGET_CENTS + 1)),
    (
        "wallet_limit_in_range",
        lambda: update(Wallet, BuyerFactory().wallet, credit_limit_cents=MAX_CREDIT_LIMIT_CENTS + 1),
    ),
    ("idempotency_owner_route_key", lambda: two_of(store_answer, source=SourceFactory())),
    (
        "lead_due_exactly_while_pending",
        lambda: LeadFactory(next_attempt_at=None),
    ),  # otherwise the lead is an orphan
    ("lead_due_exactly_while_pending", lambda: LeadFactory(status="failed", finished_at=timezone.now())),
    ("lead_finished_at_iff_finished", lambda: LeadFactory(status="failed", next_attempt_at=None)),
    ("lead_finished_at_iff_finished", lambda: LeadFactory(finished_at=timezone.now())),
    ("lead_posting_since", lambda: LeadFactory(status="posting", next_attempt_at=None)),
    ("lead_posting_since", lambda: LeadFactory(is_partly_sold=True)),
    (
        "lead_paused_only_while_pending",
        lambda: LeadFactory(
            status="failed", next_attempt_at=None, finished_at=timezone.now(), paused_at=timezone.now()
        ),
    ),
    (
        "lead_locked_exactly_while_calling",
        lambda: LeadFactory(status="calling", next_attempt_at=None, locked_by="caller:1"),
    ),
    (
        "lead_locked_exactly_while_calling",
        lambda: LeadFactory(status="calling", next_attempt_at=None, locked_at=timezone.now()),
    ),
    ("lead_locked_exactly_while_calling", lambda: LeadFactory(locked_by="a-caller")),
    ("lead_locked_exactly_while_calling", lambda: LeadFactory(locked_at=timezone.now())),
    ("lead_hash_not_blank", lambda: LeadFactory(email_hash="")),  # otherwise all blanks are one person
    ("lead_hash_not_blank", lambda: LeadFactory(phone_hash="")),
    ("lead_test_has_no_identity", lambda: LeadFactory(is_test=True, phone_hash="a")),
    ("lead_source_external_id_unique", lambda: two_of(LeadFactory, source=SourceFactory(), external_id="7")),
    (
        "source_workspace_name_unique",
        lambda: two_of(SourceFactory, workspace=WorkspaceFactory(), name="form"),
    ),
    (
        "membership_user_workspace_unique",
        lambda: two_of(
            Membership.objects.create, user=User.objects.create_user("clerk"), workspace=WorkspaceFactory()
        ),
    ),
    ("dispatchcontrol_wakes_leads", lambda: DispatchControl.objects.create(wake_leads_per_second=0)),
    ("digest_once_a_day", lambda: two_of(DigestMail.objects.create, date="2026-01-01", recipient="a@b.c")),
    ("dispatchcontrol_one_row", lambda: DispatchControl.objects.create(pk=2)),
    (
        "workspace_dispatch_mode_known",
        lambda: update(Workspace, WorkspaceFactory(), dispatch_mode="magic"),
    ),
    ("source_intake_mode_known", lambda: update(Source, SourceFactory(), intake_mode="magic")),
    ("workspace_duplicate_days_positive", lambda: update(Workspace, WorkspaceFactory(), duplicate_days=0)),
    ("workspace_duplicate_scope_known", lambda: update(Workspace, WorkspaceFactory(), duplicate_scope="x")),
    ("rule_workspace_name_unique", lambda: two_of(RuleFactory, workspace=WorkspaceFactory(), name="one")),
    ("rule_leads_elsewhere", lambda: two_ends_the_same(WorkspaceFactory())),
    ("attempt_duplicate_has_first", lambda: new_attempt(result="duplicate")),  # the rate is counted by it
    ("workspace_ttl_positive", lambda: update(Workspace, WorkspaceFactory(), lead_ttl_days=0)),
    ("attempt_ends_after_start", lambda: new_attempt(finished_at="2000-01-01T00:00Z")),
    ("attempt_lead_number_unique", lambda: two_of(new_attempt)),
    ("event_attempt_seq_unique", lambda: two_of(new_event, attempt_id=uuid7())),
    ("event_seq_from_one", lambda: new_event(seq=0)),
    (
        "attempthour_cell_unique",
        lambda: two_of(AttemptHour.objects.create, source_workspace_id=1, destination_workspace_id=1, **CELL),
    ),
    (
        "attemptday_cell_unique",
        lambda: two_of(AttemptDay.objects.create, destination_workspace_id=1, **CELL),
    ),
    ("attempthourtotal_cell_unique", lambda: two_of(AttemptHourTotal.objects.create, **CELL)),
    (
        "workspacehour_cell_unique",
        lambda: two_of(WorkspaceHour.objects.create, destination_workspace_id=1, **COUNTED),
    ),
    (
        "workspaceday_cell_unique",
        lambda: two_of(WorkspaceDay.objects.create, destination_workspace_id=1, **COUNTED),
    ),
    ("rollupstate_one_row", lambda: RollupState.objects.create(pk=2)),
    *CALL_BREACHES,
    *DELIVERY_BREACHES,
    *OFFER_BREACHES,
    *PING_BREACHES,
    *PORTAL_BREACHES,
    *RETURN_BREACHES,
    *STATEMENT_BREACHES,
]


@pytest.mark.parametrize(
    ("name", "break_it"), REFUSED, ids=[f"{place}-{name}" for place, (name, _) in enumerate(REFUSED)]
)
def test_breach_is_refused_by_name(name: str, break_it: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        break_it()

    assert refused.value.__cause__.diag.constraint_name == name  # type: ignore[union-attr]


def test_largest_amounts_are_allowed() -> None:
    enrollment = EnrollmentFactory(
        campaign__price_cents=MAX_PRICE_CENTS,
        campaign__max_buyers=MAX_BUYERS_PER_LEAD,
        bid_cents=MAX_PRICE_CENTS,
        budget_month_cents=MAX_BUDGET_CENTS,
        cap_month=2**31 - 1,
    )
    update(Wallet, enrollment.buyer.wallet, credit_limit_cents=MAX_CREDIT_LIMIT_CENTS)
    assert Enrollment.objects.count() == 1


def test_apparent_breach_is_allowed() -> None:
    first = new_assignment()
    update(Assignment, first, state="returned", returned_at=timezone.now())
    new_assignment(lead=first.lead, enrollment=first.enrollment)
    two_of(LeadFactory, source=SourceFactory(), external_id="", email_hash=None, phone_hash=None)
    wallet = first.buyer.wallet
    new_entry(wallet=wallet, kind="charge", amount_cents=-2, assignment=first)
    for kind in ("refund", "refund"):
        new_entry(wallet=wallet, kind=kind, amount_cents=1, assignment=first)
    update(Wallet, first.buyer.wallet, credit_limit_cents=5, balance_cents=-3, held_cents=2)

    assert Assignment.objects.filter(lead=first.lead).count() == 2
    assert Lead.objects.filter(external_id="").count() == 3


def test_parts_of_an_enrollment_belong_together() -> None:
    """A trigger refuses a tier of another campaign or a buyer of another workspace, on insert and on update."""
    campaign, foreign = CampaignFactory(), CampaignFactory()
    enrollment = EnrollmentFactory(campaign=campaign)
    attempts: list[Callable[[], Any]] = [
        lambda: EnrollmentFactory(campaign=campaign, buyer=BuyerFactory(workspace=foreign.workspace)),
        lambda: EnrollmentFactory(campaign=campaign, tier=TierFactory(campaign=foreign)),
        lambda: update(Enrollment, enrollment, tier=TierFactory(campaign=foreign)),
    ]
    for attempt in attempts:
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            attempt()
        assert refused.value.__cause__.diag.constraint_name == "enrollment_same_campaign_and_workspace"  # type: ignore[union-attr]
    assert Enrollment.objects.count() == 1


def test_every_buyer_has_exactly_one_empty_wallet_however_it_was_created() -> None:
    workspace = WorkspaceFactory()
    Buyer.objects.create(workspace=workspace, name="created")
    Buyer.objects.bulk_create([Buyer(workspace=workspace, name=f"bulk {number}") for number in range(3)])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO distribution_buyer (public_id, workspace_id, name, timezone, service_area, answers, hours)"
            " VALUES (gen_random_uuid(), %s, 'by hand', 'UTC', '{}', '{}', '{}')",
            [workspace.pk],
        )

    wallets = Wallet.objects.filter(buyer__workspace=workspace)
    columns = ("buyer__name", "balance_cents", "held_cents", "credit_limit_cents", "version")
    assert sorted(wallets.values_list(*columns)) == [
        (name, 0, 0, 0, 0) for name in ("bulk 0", "bulk 1", "bulk 2", "by hand", "created")
    ]


def test_every_constraint_of_ours_has_a_case() -> None:
    """Django names its own (`_check` of unsigned columns, `_key` of unique ones). We name all others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u')"
            " AND conrelid::regclass::text ~ '^(distribution|leadswitch|routing|tracing)_'"
            " AND conname !~ '^(distribution|leadswitch|routing|tracing)_'"
            " UNION SELECT indexname FROM pg_indexes"
            " WHERE tablename ~ '^(distribution|leadswitch|routing|tracing)_' AND indexdef ~ '^CREATE UNIQUE.* WHERE'"
        )
        names = {name for (name,) in cursor.fetchall()}
    covered = {
        name for name, _ in REFUSED if not name.endswith("_key") or name == "idempotency_owner_route_key"
    }

    assert covered == names


def test_referenced_sources_and_leads_are_not_deleted() -> None:
    assignment = new_assignment()
    for row in (assignment.lead, assignment.buyer, assignment.campaign):
        with pytest.raises(IntegrityError), transaction.atomic():
            delete_now(row)
    assert Source.objects.count() == 1


def delete_now(row: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
