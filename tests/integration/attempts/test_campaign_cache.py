"""A cached campaign may be old but is never used when it is stale, and each used version is stored once."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.utils import timezone

import distribution.attempts.decide_under_lock
from distribution.attempts.campaigns import (
    CAMPAIGNS,
    CampaignCache,
    SnapshotMissing,
    UnknownCampaign,
    read_definition,
)
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from distribution.configuration import locate
from distribution.engine import CompiledCampaign
from distribution.models import Assignment, Buyer, Campaign, CampaignSnapshot, Enrollment, Tier
from distribution.money.wallet import adjust
from distribution.verify import run_verification
from routing.models import Lead, Source
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def campaign() -> Campaign:
    campaign = CampaignFactory(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=100_000)
    return campaign


@pytest.fixture
def source(campaign: Campaign) -> Source:
    return SourceFactory(workspace=campaign.workspace)


def distribute(source: Source) -> AttemptOutcome:
    return distribute_lead(LeadFactory(source=source).pk)


def version(campaign: Campaign) -> int:
    return Campaign.objects.values_list("config_version", flat=True).get(pk=campaign.pk)


CHANGES: dict[str, tuple[Callable[[], Any], str | int]] = {
    "price": (lambda: Campaign.objects.update(price_cents=1), 1),
    "price_of_the_tier": (lambda: Tier.objects.update(price_cents=2), 2),
    "bid": (lambda: Enrollment.objects.update(bid_cents=3), 3),
    "enrollment_paused": (lambda: Enrollment.objects.update(active=False), "no_eligible_buyers"),
    "buyer_paused": (lambda: Buyer.objects.update(paused_at=timezone.now()), "no_eligible_buyers"),
    "area": (lambda: Buyer.objects.update(service_area={}), "no_eligible_buyers"),
    "cap": (lambda: Enrollment.objects.update(cap_month=1), "all_buyers_capped"),
    "filter": (
        lambda: Tier.objects.update(content_filter={"field": "state", "op": "eq", "value": "AL"}),
        "no_eligible_buyers_after_tier_filters",
    ),
    "campaign_off": (lambda: Campaign.objects.update(active=False), "no_campaign"),
    "buyer_left": (lambda: Enrollment.objects.all().delete(), "no_enrolled_buyers"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_next_attempt_sees_every_change(source: Source, name: str) -> None:
    change, expected = CHANGES[name]
    assert distribute(source).charged_cents == 2_500

    change()
    outcome = distribute(source)

    assert (outcome.charged_cents if isinstance(expected, int) else outcome.skip_reason) == expected
    assert run_verification().holds


def between_decision_and_lock(monkeypatch: pytest.MonkeyPatch, change: Callable[[], Any]) -> None:
    """Commit a change on another connection: once, just before the candidates are locked."""
    real = distribution.attempts.decide_under_lock.lock_candidates

    def change_first(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(distribution.attempts.decide_under_lock, "lock_candidates", real)
        in_another_thread(change)
        return real(*arguments, **options)

    monkeypatch.setattr(distribution.attempts.decide_under_lock, "lock_candidates", change_first)


def in_another_thread(work: Callable[[], Any]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result(timeout=30)


def test_price_changed_before_the_lock_counts_from_the_next_attempt(
    campaign: Campaign, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One attempt uses one version: for the decision, the charge, the trace and the snapshot."""
    before = version(campaign)
    between_decision_and_lock(monkeypatch, lambda: Campaign.objects.update(price_cents=1))

    first, second = distribute(source), distribute(source)

    assert (first.charged_cents, second.charged_cents) == (2_500, 1)
    versions = [Attempt.objects.get(pk=each.attempt_id).config_version for each in (first, second)]
    assert versions == [before, before + 1]
    assert run_verification().holds


def test_buyer_removed_before_the_lock_gets_nothing(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    between_decision_and_lock(monkeypatch, lambda: Enrollment.objects.all().delete())

    outcome = distribute(source)

    assert (outcome.result, outcome.skip_reason) == ("unsold", "no_enrolled_buyers")
    assert not Assignment.objects.exists()
    assert run_verification().holds


def test_credits_spent_before_the_lock_are_not_spent_twice(
    campaign: Campaign, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision from before the lock is confirmed after it, in a new statement."""
    buyer_id = campaign.enrollments.get().buyer_id
    spend = {"amount_cents": -99_000, "key": "1", "actor": "ann", "reason": "fee"}
    between_decision_and_lock(monkeypatch, lambda: adjust(buyer_id, **spend))

    outcome = distribute(source)

    assert (outcome.result, outcome.skip_reason) == ("unsold", "insufficient_credits")
    assert run_verification().holds


def test_each_version_is_stored_once_and_only_if_an_attempt_used_it(
    campaign: Campaign, source: Source
) -> None:
    first = version(campaign)
    for _ in range(3):
        distribute(source)
    Campaign.objects.update(price_cents=1)  # a version that no attempt uses
    Campaign.objects.update(price_cents=2)
    for _ in range(2):
        distribute(source)

    kept = CampaignSnapshot.objects.order_by("id").values_list(
        "config_version", "config__campaign__price_cents"
    )
    assert list(kept) == [(first, 2_500), (first + 2, 2)]


def test_rolled_back_snapshot_is_written_again(campaign: Campaign) -> None:
    cache = CampaignCache()
    compiled = cache.get(campaign.pk, config_version=version(campaign))
    with transaction.atomic():
        cache.store_snapshot_within(compiled)
        transaction.set_rollback(True)
    assert not CampaignSnapshot.objects.exists()
    with pytest.raises(SnapshotMissing):
        cache.require_snapshot(compiled)

    for _ in range(2):
        with transaction.atomic():
            cache.store_snapshot_within(compiled)

    cache.require_snapshot(compiled)
    assert CampaignSnapshot.objects.get().config == read_definition(campaign.pk)[1]
    assert compiled.config_version == version(campaign)


CIRCLE: dict[str, Any] = {"radius": [{"zip": "30312", "miles": 25}]}
FAR: dict[str, Any] = {"latitude": 64.8, "longitude": -147.7}  # Fairbanks


@contextmanager
def other_tables() -> Iterator[None]:
    """A process whose tables have the circle's ZIP code at another place."""
    real = locate.find_place

    def find_elsewhere(zip_code: str) -> Any:
        place = real(zip_code)
        return None if place is None else place._replace(**FAR)

    with mock.patch.object(locate, "find_place", find_elsewhere):
        yield


def center_of(campaign: CompiledCampaign) -> float:
    [enrollment] = campaign.enrollments
    [circle] = enrollment.area.include.radius
    return circle.latitude


@pytest.mark.parametrize("is_loaded_first", [True, False])
def test_every_process_compiles_the_stored_snapshot(campaign: Campaign, *, is_loaded_first: bool) -> None:
    """This does not depend on its own ZIP code tables, or on whether it compiled the version before it was stored."""
    Buyer.objects.update(service_area=CIRCLE)
    first, second = CampaignCache(), CampaignCache()
    number = version(campaign)
    with other_tables():
        if is_loaded_first:
            assert center_of(second.get(campaign.pk, config_version=number)) == FAR["latitude"]
    first.store_snapshot(first.get(campaign.pk, config_version=number))
    with other_tables():
        if is_loaded_first:
            second.store_snapshot(second.get(campaign.pk, config_version=number))
        theirs = second.get(campaign.pk, config_version=number)
        second.require_snapshot(theirs)

    assert center_of(theirs) == center_of(first.get(campaign.pk, config_version=number)) != FAR["latitude"]


def test_last_resort_decides_by_another_processs_snapshot(campaign: Campaign) -> None:
    Buyer.objects.update(service_area=CIRCLE)
    first, second = CampaignCache(), CampaignCache()
    number = version(campaign)
    with other_tables():
        theirs = second.get(campaign.pk, config_version=number)
    first.store_snapshot(first.get(campaign.pk, config_version=number))

    with transaction.atomic():
        used = second.store_snapshot_within(theirs)

    assert center_of(theirs) == FAR["latitude"] != center_of(used)


def test_two_processes_with_different_tables_decide_alike(campaign: Campaign, source: Source) -> None:
    Buyer.objects.update(service_area=CIRCLE)
    assert distribute(source).result == "success"

    CAMPAIGNS.clear()  # another process
    with other_tables():
        outcome = distribute(source)

    assert outcome.result == "success"
    assert Attempt.objects.filter(campaign_id=campaign.pk, config_version=version(campaign)).count() == 2
    assert run_verification().holds


def test_check_definitions_makes_campaigns_use_new_tables(campaign: Campaign, source: Source) -> None:
    Buyer.objects.update(service_area=CIRCLE)
    distribute(source)
    before = version(campaign)

    with other_tables():
        out = io.StringIO()
        with pytest.raises(CommandError, match="1 definition needs"):
            call_command("check_definitions", stdout=out)
        assert (
            f"campaign {campaign.pk} config_version: the ZIP code tables have new locations for its circles"
            in out.getvalue()
        )
        assert version(campaign) == before
        call_command("check_definitions", fix=True, stdout=out)
        outcome = distribute(source)

    assert (version(campaign), outcome.skip_reason) == (before + 1, "no_eligible_buyers")
    assert run_verification().holds


def test_one_unknown_zip_affects_only_its_buyer(campaign: Campaign, source: Source) -> None:
    """Stored without the form, or still known to the tables when it was saved."""
    [lost] = enroll(campaign, count=1, credits_cents=100_000)
    area = {"states": ["GA"], "radius": [{"zip": "00000", "miles": 5}]}
    Buyer.objects.filter(pk=lost.buyer_id).update(service_area=area)

    outcome = distribute(source)

    assert (outcome.result, len(outcome.assignments)) == ("success", 1)
    skip = LeadDistributionEvent.objects.get(attempt_id=outcome.attempt_id, event="buyer_skipped")
    assert (skip.buyer_id, skip.skip_reason) == (lost.buyer_id, "outside_service_area")
    [gate] = skip.data["gates"]
    assert gate["problem"] == (
        "service_area.radius[0].zip: '00000' is not a US ZIP code with a known location; use one nearby"
    )
    assert run_verification().holds
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("check_definitions", stdout=out)
    assert (
        f"buyer {lost.buyer_id} service_area: radius[0].zip: '00000' is not a US ZIP code" in out.getvalue()
    )


def test_stored_version_costs_no_statement(
    campaign: Campaign, django_assert_num_queries: Callable[[int], Any]
) -> None:
    cache = CampaignCache()
    first = cache.get(campaign.pk, config_version=version(campaign))
    cache.store_snapshot(first)
    before = version(campaign)

    with django_assert_num_queries(0):
        assert cache.get(campaign.pk, config_version=before) is first
        cache.require_snapshot(first)
        cache.store_snapshot(first)


def test_another_process_finds_a_snapshot_with_the_definition(
    campaign: Campaign, django_assert_num_queries: Callable[[int], Any]
) -> None:
    here, there = CampaignCache(), CampaignCache()
    here.store_snapshot(here.get(campaign.pk, config_version=version(campaign)))
    before = version(campaign)

    with django_assert_num_queries(1):
        there.require_snapshot(there.get(campaign.pk, config_version=before))


def test_definition_dropped_before_it_was_stored_is_read_again(campaign: Campaign) -> None:
    cache = CampaignCache(size=1)
    compiled = cache.get(campaign.pk, config_version=version(campaign))
    other = CampaignFactory()
    cache.get(other.pk, config_version=version(other))

    cache.store_snapshot(compiled)
    with pytest.raises(SnapshotMissing):
        cache.require_snapshot(compiled)
    cache.store_snapshot(cache.get(campaign.pk, config_version=version(campaign)))

    cache.require_snapshot(compiled)


def test_cache_drops_the_least_recently_used() -> None:
    cache = CampaignCache(size=2)
    campaigns = [CampaignFactory() for _ in range(3)]
    with transaction.atomic():
        compiled = [cache.get(each.pk, config_version=version(each)) for each in campaigns]
        again = [cache.get(each.pk, config_version=version(each)) for each in reversed(campaigns)]

    assert [now is then for now, then in zip(reversed(again), compiled, strict=True)] == [False, True, True]


def test_campaign_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(UnknownCampaign, match="no campaign has the id 0"), transaction.atomic():
        CAMPAIGNS.get(0, config_version=1)


def test_attempts_of_a_lead_keep_their_versions(campaign: Campaign, source: Source) -> None:
    """Two attempts of one lead under two configurations: each can be replayed from its own snapshot."""
    Enrollment.objects.update(active=False)
    lead = LeadFactory(source=source)
    assert distribute_lead(lead.pk).result == "unsold"
    Lead.objects.filter(pk=lead.pk).update(status="pending", next_attempt_at=timezone.now(), finished_at=None)
    Enrollment.objects.update(active=True)

    assert distribute_lead(lead.pk).result == "success"

    versions = (
        Attempt.objects.filter(lead_id=lead.pk).order_by("number").values_list("config_version", flat=True)
    )
    assert list(versions) == [version(campaign) - 1, version(campaign)]
    assert run_verification().holds
