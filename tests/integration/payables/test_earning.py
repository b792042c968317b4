"""What sales and refunds write, by database trigger: fixed amounts, shares, returns and held sales."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from distribution.attempts.assign_by_hand import assign_within
from distribution.attempts.campaigns import run_with_snapshots
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, PayableEntry, SourceContract
from tests.support.factories import CampaignFactory, ContractFactory, LeadFactory, SourceFactory, enroll
from tests.support.payables import booked, build_campaign, build_source, refund_part, sell_lead
from tests.support.returning import return_assignment

pytestmark = pytest.mark.django_db

SHARE = {"pays": "share", "share_bps": 4_000}


def owed(source: object) -> int:
    return PayableEntry.objects.filter(source=source).aggregate(cents=Sum("amount_cents"))["cents"] or 0


def give_back(sold: Assignment) -> None:
    return_assignment(sold.public_id, actor="ann", reason="wrong number")


class TestSales:
    def test_sale_without_a_contract_writes_nothing(self) -> None:
        campaign = build_campaign()
        source = SourceFactory(workspace=campaign.workspace)

        sell_lead(source)

        assert not PayableEntry.objects.exists()

    def test_fixed_amount_is_earned_once_for_all_buyers(self) -> None:
        source = build_source(build_campaign(buyers=3), amount_cents=700)

        sold = sell_lead(source)

        assert booked(source) == [("earned", 700), ("earned", 0), ("earned", 0)]
        entry = PayableEntry.objects.earliest("id")
        assert (entry.assignment_id, entry.lead_id) == (sold[0].pk, sold[0].lead_id)
        assert entry.contract == SourceContract.objects.get()
        assert (entry.idempotency_key, entry.actor) == (f"earned:{sold[0].public_id}", "engine")

    def test_share_is_earned_of_each_sale(self) -> None:
        source = build_source(build_campaign(buyers=2), **SHARE)

        sell_lead(source)

        assert booked(source) == [("earned", 1_000), ("earned", 1_000)]

    @pytest.mark.parametrize(
        ("price_cents", "bps", "earned"),
        [(5, 5_000, 2), (7, 5_000, 4), (1, 4_999, 0), (1, 5_001, 1), (2_501, 10_000, 2_501), (0, 10_000, 0)],
    )
    def test_share_is_rounded_half_to_even(self, price_cents: int, bps: int, earned: int) -> None:
        source = build_source(build_campaign(price_cents=price_cents), pays="share", share_bps=bps)

        sell_lead(source)

        assert booked(source) == [("earned", earned)]

    def test_share_is_rounded_once_for_a_lead(self) -> None:
        """Two sales for 5 cents at 50% are 5 cents, and not twice 2."""
        source = build_source(build_campaign(buyers=2, price_cents=5), pays="share", share_bps=5_000)

        sell_lead(source)

        assert booked(source) == [("earned", 2), ("earned", 3)]

    def test_manual_sale_earns(self) -> None:
        campaign = CampaignFactory(price_cents=2_500)
        [enrollment] = enroll(campaign, count=1, credits_cents=10_000, active=False)
        source = build_source(campaign)
        lead = LeadFactory(source=source)
        assert distribute_lead(lead.pk).result != "success"

        run_with_snapshots(lambda: assign_within(lead.pk, enrollment_id=enrollment.pk))

        assert booked(source) == [("earned", 500)]

    def test_contract_that_pays_nothing_writes_nothing(self) -> None:
        source = build_source(build_campaign(), pays="nothing")

        sell_lead(source)

        assert booked(source) == []

    def test_lead_of_another_source_earns_nothing_for_this_one(self) -> None:
        campaign = build_campaign()
        source, other = build_source(campaign), build_source(campaign, amount_cents=900)

        sell_lead(other)

        assert (booked(source), booked(other)) == ([], [("earned", 900)])


class TestVersions:
    def test_version_in_force_at_the_sale_decides(self) -> None:
        """The newest version that has started. A later one waits, and an earlier one is over."""
        source = build_source(build_campaign(), amount_cents=100)
        now = timezone.now()
        for amount_cents, starts_at in [
            (200, now - timedelta(days=2)),
            (300, now - timedelta(days=1)),
            (400, now + timedelta(days=1)),
        ]:
            ContractFactory(source=source, amount_cents=amount_cents, starts_at=starts_at)

        sell_lead(source)

        assert booked(source) == [("earned", 300)]

    def test_second_version_for_the_same_start_replaces_the_first(self) -> None:
        source = build_source(build_campaign(), amount_cents=100)
        ContractFactory(source=source, amount_cents=250)

        sell_lead(source)

        assert booked(source) == [("earned", 250)]

    def test_return_is_deducted_by_the_version_of_the_sale(self) -> None:
        source = build_source(build_campaign(), amount_cents=100)
        [sold] = sell_lead(source)
        ContractFactory(source=source, pays="nothing", starts_at=timezone.now() + timedelta(seconds=1))

        give_back(sold)

        assert booked(source) == [("earned", 100), ("deducted", -100)]

    def test_version_is_never_changed(self) -> None:
        contract = ContractFactory()

        for change in (
            lambda: SourceContract.objects.filter(pk=contract.pk).update(amount_cents=1),
            lambda: SourceContract.objects.filter(pk=contract.pk).delete(),
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                change()

    def test_version_in_the_past_is_refused_once_the_source_has_leads(self) -> None:
        source = LeadFactory().source

        with pytest.raises(IntegrityError, match="cannot start in the past"), transaction.atomic():
            ContractFactory(source=source, starts_at=timezone.now())
        assert ContractFactory(source=source, starts_at=timezone.now() + timedelta(minutes=1)).pk

    @pytest.mark.parametrize(
        "terms",
        [
            {"pays": "fixed", "amount_cents": None},
            {"pays": "fixed", "amount_cents": -1},
            {"pays": "fixed", "amount_cents": 1, "share_bps": 1},
            {"pays": "share", "share_bps": 10_001},
            {"pays": "share", "share_bps": None},
            {"pays": "nothing", "amount_cents": 0},
            {"pays": "all", "amount_cents": 0},
        ],
    )
    def test_terms_that_do_not_fit_are_refused(self, terms: dict[str, object]) -> None:
        with pytest.raises(IntegrityError, match="contract_terms_fit"), transaction.atomic():
            ContractFactory(**terms)


class TestReturns:
    @pytest.mark.parametrize(
        ("contract", "earned"), [({"amount_cents": 700}, 700), ({"pays": "share", "share_bps": 3_333}, 833)]
    )
    def test_full_return_deducts_everything(self, contract: dict[str, object], earned: int) -> None:
        source = build_source(build_campaign(), **contract)
        [sold] = sell_lead(source)

        give_back(sold)

        assert booked(source) == [("earned", earned), ("deducted", -earned)]
        assert PayableEntry.objects.latest("id").reason == "wrong number"

    def test_partial_refunds_deduct_in_proportion(self) -> None:
        """700 of 2,500 cents: a third is left of the fixed amount, rounded half to even at each step."""
        source = build_source(build_campaign(), amount_cents=700)
        [sold] = sell_lead(source)

        refund_part(sold, 1_250, key="a")  # half is left: 350
        refund_part(sold, 417, key="b")  # 833 of 2,500 are left: 233.24
        refund_part(sold, 833, key="c")

        assert [cents for _, cents in booked(source)] == [700, -350, -117, -233]
        assert owed(source) == 0

    def test_partial_refund_of_a_share(self) -> None:
        source = build_source(build_campaign(), **SHARE)
        [sold] = sell_lead(source)

        refund_part(sold, 500)

        assert booked(source) == [("earned", 1_000), ("deducted", -200)]

    def test_fixed_amount_is_kept_while_one_buyer_keeps_the_lead(self) -> None:
        source = build_source(build_campaign(buyers=2), amount_cents=700)
        first, second = sell_lead(source)

        give_back(first)
        assert owed(source) == 700
        give_back(second)

        assert booked(source) == [("earned", 700), ("earned", 0), ("deducted", 0), ("deducted", -700)]

    def test_lead_sold_again_after_its_return_earns_again(self) -> None:
        campaign = build_campaign()
        source = build_source(campaign, amount_cents=700)
        [sold] = sell_lead(source)
        give_back(sold)
        [again] = enroll(campaign, count=1, credits_cents=10_000)

        run_with_snapshots(lambda: assign_within(sold.lead_id, enrollment_id=again.pk))

        assert booked(source) == [("earned", 700), ("deducted", -700), ("earned", 700)]

    @pytest.mark.parametrize("contract", [{"amount_cents": 700}, SHARE])
    def test_returns_that_are_not_deducted(self, contract: dict[str, object]) -> None:
        """The entry of 0 counts the return."""
        source = build_source(build_campaign(), returns_deducted=False, **contract)
        [sold] = sell_lead(source)
        earned = owed(source)

        give_back(sold)

        assert booked(source)[1:] == [("deducted", 0)]
        assert owed(source) == earned

    def test_free_sale_is_deducted_by_its_return(self) -> None:
        """It has no refund in the ledger."""
        source = build_source(build_campaign(price_cents=0), amount_cents=700)
        [sold] = sell_lead(source)

        give_back(sold)

        assert booked(source) == [("earned", 700), ("deducted", -700)]

    def test_return_without_a_contract_writes_nothing(self) -> None:
        [sold] = sell_lead(SourceFactory(workspace=build_campaign().workspace))

        give_back(sold)

        assert not PayableEntry.objects.exists()


class TestLedger:
    def test_entries_are_never_changed(self) -> None:
        source = build_source(build_campaign())
        sell_lead(source)

        for change in (
            lambda: PayableEntry.objects.update(amount_cents=1),
            lambda: PayableEntry.objects.all()._raw_delete("default"),
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                change()
