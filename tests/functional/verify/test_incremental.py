"""An incremental run checks rows written since the last clean run, found by their last writer and not by id."""

from contextlib import ExitStack

import pytest
from django.db import connections
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import OfferBuyer, VerifyWatermark
from distribution.verify import run_verification, touched
from tests.functional.verify.damage import Planted
from tests.functional.verify.planted import PLANTED
from tests.functional.verify.world import ALL_NUMBERS, World, broken, build_world, ids
from tests.support.factories import LeadFactory
from tests.support.offers import offering_campaign, open_offer_of
from tests.support.planting import plant, without
from tests.support.waiting import fetch_value, wait_until

NAMES = [
    "accounts",
    "caps",
    "charges",
    "deliveries",
    "due",
    "events",
    "payables",
    "pools",
    "privacy",
    "replay",
    "returns",
    "sales",
    "statements",
    "subscriptions",
    "wallets",
]
# Damage to rows that were clean before which the run cannot see: rows deleted past the triggers, changed snapshots.
FOR_THE_FULL_RUN = {
    "never_charged": {3},
    "above_max_buyers": {2, 7},
    "no_end": {5},
    "no_events": {5},
    "no_attempt": {5},
    "no_snapshot": {6, 7},
    "sale_not_owed": {10},
    "return_not_deducted": {10},
    "sale_without_a_delivery": {12},
}


def look() -> dict[int, list[str]]:
    wait_for_others()
    return broken(run_verification(incremental=True))


def wait_for_others() -> None:
    """Wait until all running transactions have ended: a watermark waits for those of every database of the server."""
    own = fetch_value("SELECT pg_current_xact_id()::text::bigint")
    wait_until(
        lambda: fetch_value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint") > own,
        what="the end of the transactions of other tests",
        seconds=120,
    )


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("planted", PLANTED, ids=[planted.name for planted in PLANTED])
def test_planted_breach_in_new_rows_is_found(planted: Planted) -> None:
    assert look() == {}
    world = build_world()
    names = ids(world)
    with ExitStack() as stack:
        if planted.constraint:
            stack.enter_context(without(planted.constraint[0], table=planted.constraint[1]))
        plant(planted.sql.format(**names))

        report = run_verification(incremental=True)
        found = broken(report)

    assert report.whole == set()
    assert sorted(found) == sorted(planted.breaches)
    for number, fragment in planted.breaches.items():
        expected = fragment.format(**names)
        assert any(expected in message for message in found[number]), (expected, found[number])


@pytest.mark.parametrize("planted", PLANTED, ids=[planted.name for planted in PLANTED])
def test_planted_breach_in_clean_rows_is_found_except_for_deleted_rows(
    world: World, planted: Planted
) -> None:
    assert look() == {}
    names = ids(world)
    with ExitStack() as stack:
        if planted.constraint:
            stack.enter_context(without(planted.constraint[0], table=planted.constraint[1]))
        plant(planted.sql.format(**names))

        found = look()
        full = broken(run_verification())

    assert sorted(full) == sorted(planted.breaches)
    assert set(full) - set(found) == FOR_THE_FULL_RUN.get(planted.name, set())


@pytest.mark.usefixtures("world")
def test_only_changed_rows_are_read_again() -> None:
    wait_for_others()
    first = run_verification(incremental=True)
    second = run_verification(incremental=True)

    assert sorted(first.whole) == NAMES
    assert second.whole == set()
    assert [found.checked for _, found in second.results] == [0] * len(ALL_NUMBERS)


def test_all_rows_of_a_changed_lead_are_read(world: World) -> None:
    look()
    distribute_lead(LeadFactory(source=world.sold.source).pk)
    plant("UPDATE routing_lead SET city = 'Macon' WHERE id = %s", [world.sold.pk])

    report = run_verification(incremental=True)

    checked = {invariant.name: found.checked for invariant, found in report.results}
    assert (checked["due"], checked["events"], checked["sales"]) == (2, 2, 3)


def test_breach_is_found_until_it_is_repaired(world: World) -> None:
    """The watermark of a check moves when that check is clean. Those of the others move independently."""
    look()
    plant("UPDATE routing_lead SET status = 'failed' WHERE id = %s", [world.sold.pk])
    marks = dict(VerifyWatermark.objects.values_list("check_name", "transaction_id"))

    assert [sorted(look()), sorted(look())] == [[4], [4]]

    moved = dict(VerifyWatermark.objects.values_list("check_name", "transaction_id"))
    assert {name for name in NAMES if moved[name] == marks[name]} == {"due"}
    plant("UPDATE routing_lead SET status = 'distributed' WHERE id = %s", [world.sold.pk])
    assert look() == {}
    assert VerifyWatermark.objects.get(check_name="due").transaction_id > marks["due"]


DAMAGE = "UPDATE routing_lead SET status = 'gated', next_attempt_at = NULL WHERE id = %s"


def commit_after_a_clean_run(world: World) -> dict[int, list[str]]:
    """A transaction that began before a run, and commits its damage after it."""
    lead = LeadFactory(source=world.sold.source)
    look()
    with connections["verdict"].cursor() as other:
        other.execute("BEGIN")
        other.execute(DAMAGE, [lead.pk])
        LeadFactory(source=world.sold.source)  # transactions with higher ids end before
        assert broken(run_verification(incremental=True)) == {}
        other.execute("COMMIT")
    return look()


def test_late_commit_is_found(world: World) -> None:
    assert sorted(commit_after_a_clean_run(world)) == [4]


def test_control_watermark_without_waiting_misses_late_commits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a watermark at the newest transaction instead of the oldest running one."""
    real = touched.VerifyWatermark

    def at_the_newest(snapshot: touched.DatabaseSnapshot, clean: list[str]) -> None:
        for name in clean:
            real.objects.update_or_create(
                check_name=name,
                defaults={
                    "transaction_id": snapshot.next,
                    "cluster": touched._read_cluster(),
                    "read_at": snapshot.at,
                },
            )

    monkeypatch.setattr("distribution.verify.run.store_watermarks", at_the_newest)

    assert commit_after_a_clean_run(world) == {}


@pytest.mark.usefixtures("world")
def test_watermark_of_another_cluster_is_ignored() -> None:
    look()
    VerifyWatermark.objects.filter(check_name="due").update(cluster=1)
    VerifyWatermark.objects.filter(check_name="caps").update(transaction_id=2**40)

    assert run_verification(incremental=True).whole == {"due", "caps"}


@pytest.mark.usefixtures("world")
def test_too_many_changes_cause_a_full_run(monkeypatch: pytest.MonkeyPatch) -> None:
    look()
    monkeypatch.setattr(touched, "MAX_TOUCHED", 3)
    plant("UPDATE routing_lead SET city = city")

    report = run_verification(incremental=True)

    assert sorted(report.whole) == NAMES
    assert report.holds


@pytest.mark.usefixtures("world")
def test_full_run_writes_nothing() -> None:
    run_verification()
    run_verification(limit=2)

    assert not VerifyWatermark.objects.exists()


def test_attempts_are_found_by_their_lead_with_any_id(world: World) -> None:
    """A process with a slow clock gives its attempts ids of the past."""
    look()
    lead = LeadFactory(source=world.sold.source)
    distribute_lead(lead.pk)
    plant(
        "UPDATE tracing_leaddistributionevent SET attempt_id = '00000000-0000-7000-8000-000000000001'"
        " WHERE lead_id = %s",
        [lead.pk],
    )
    plant(
        "UPDATE distribution_assignment SET attempt_id = '00000000-0000-7000-8000-000000000001' WHERE lead_id = %s",
        [lead.pk],
    )
    plant(
        "UPDATE tracing_attempt SET id = '00000000-0000-7000-8000-000000000001', result = 'gated' WHERE lead_id = %s",
        [lead.pk],
    )

    assert 5 in look()


@pytest.mark.usefixtures("committed_db")
def test_claim_that_was_refused_since_is_found() -> None:
    """It touches no row of its lead."""
    offer = open_offer_of(offering_campaign(buyers=1), at=timezone.now())
    assert look() == {}
    gates = [{"gate": "lead_filter_rejected", "observed": {"attributes.note": "ada@example.com"}}]
    OfferBuyer.objects.filter(offer=offer).update(
        lost_at=timezone.now(), lost_reason="lead_filter_rejected", lost_gates=gates
    )
    [place] = OfferBuyer.objects.filter(offer=offer)
    assert look() == {
        9: [
            f"claim of buyer {place.buyer_id} for lead {offer.lead_id}: [0].observed.attributes.note"
            " holds an email address"
        ]
    }
