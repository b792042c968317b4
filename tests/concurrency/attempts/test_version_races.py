"""Two people change the configuration at once: a worker's cached campaign equals the tables at the current version."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, Final

import pytest
from django.db import OperationalError
from django.utils import timezone

from distribution.attempts.campaigns import CampaignCache
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Campaign, Enrollment, Tier
from distribution.setup import apply
from distribution.setup.document import read_document
from routing.models import RoutingRule, Workspace
from routing.rules.plans import PlanCache
from tests.support.configuration import (
    SECONDS,
    CampaignReader,
    Change,
    PlanReader,
    overlap,
    wait_long,
    without_trigger,
)
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    RuleFactory,
    TierFactory,
    WorkspaceFactory,
    give_credits,
)
from tests.support.race_leads import assert_verified, make_leads, store_snapshot
from tests.support.racing import in_background, open_transaction
from tests.support.waiting import count_deadlocks, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

FILTER: Final = {"field": "state", "op": "eq", "value": "GA"}
HOURS: Final = {"mon": [["09:00", "17:00"]]}
locked_or_not = pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "control"])


@dataclass(slots=True)
class Scene:
    """Two campaigns. `enrolled` is in both, `former` was archived in the first, `new` is in neither."""

    first: Campaign
    second: Campaign
    spare: Tier
    enrolled: Buyer
    former: Buyer
    new: Buyer


def make_scene() -> Scene:
    first = CampaignFactory()
    second = CampaignFactory(workspace=first.workspace)
    enrolled, former, new = BuyerFactory.create_batch(3, workspace=first.workspace)
    for campaign in (first, second):
        EnrollmentFactory(campaign=campaign, buyer=enrolled)
    archived = EnrollmentFactory(campaign=first, buyer=former)
    Enrollment.objects.filter(pk=archived.pk).update(archived_at=timezone.now())
    return Scene(first, second, TierFactory(campaign=first), enrolled, former, new)


def change_buyer(which: str, **values: Any) -> Callable[[Scene], object]:
    return lambda scene: Buyer.objects.filter(pk=getattr(scene, which).pk).update(**values)


def enroll_in(campaign: str, buyer: str) -> Callable[[Scene], object]:
    return lambda scene: EnrollmentFactory(campaign=getattr(scene, campaign), buyer=getattr(scene, buyer))


def change_enrollment(**values: Any) -> Callable[[Scene], object]:
    return lambda scene: Enrollment.objects.filter(campaign=scene.first, buyer=scene.enrolled).update(
        **values
    )


CHANGES: Final[dict[str, Callable[[Scene], object]]] = {
    "pause the enrolled": change_buyer("enrolled", paused_at=timezone.now()),
    "pause the new": change_buyer("new", paused_at=timezone.now()),
    "pause the former": change_buyer("former", paused_at=timezone.now()),
    "area of the new": change_buyer("new", service_area={}),
    "time zone of the new": change_buyer("new", timezone="UTC"),
    "hours of the new": change_buyer("new", hours=HOURS),
    "two columns of every buyer": lambda scene: Buyer.objects.filter(workspace=scene.first.workspace).update(
        timezone="America/Denver", service_area={}
    ),
    "enroll the new": enroll_in("first", "new"),
    "enroll the new elsewhere": enroll_in("second", "new"),
    "enroll the former again": enroll_in("first", "former"),
    "take the former back": lambda scene: Enrollment.everything.filter(
        campaign=scene.first, buyer=scene.former
    ).update(archived_at=None),
    "pause the enrollment": change_enrollment(active=False),
    "filter of the enrollment": change_enrollment(lead_filter=FILTER),
    "another tier": lambda scene: Enrollment.objects.filter(campaign=scene.first).update(tier=scene.spare),
    "remove the enrollment": lambda scene: Enrollment.objects.filter(
        campaign=scene.first, buyer=scene.enrolled
    ).delete(),
    "price of the tier": lambda scene: Tier.objects.filter(pk=scene.spare.pk).update(price_cents=7),
    "filter of every tier": lambda scene: Tier.objects.filter(campaign=scene.first).update(
        content_filter=FILTER
    ),
    "add a tier": lambda scene: TierFactory(campaign=scene.first, position=9),
    "price of the campaign": lambda scene: Campaign.objects.filter(pk=scene.first.pk).update(price_cents=9),
    "save the campaign as it was read": lambda scene: _save(scene.first, max_buyers=3),
}
# Two ways to write one row that a constraint makes exclusive.
IMPOSSIBLE: Final = {"enroll the former again", "take the former back"}


def _save(campaign: Campaign, **values: Any) -> None:
    for name, value in values.items():
        setattr(campaign, name, value)
    campaign.save()


def find_stale_after(first: str, second: str) -> list[str]:
    scene = make_scene()
    readers = [CampaignReader(each.pk, CampaignCache()) for each in (scene.first, scene.second)]

    def read() -> None:
        for reader in readers:
            reader.read()

    overlap(partial(CHANGES[first], scene), partial(CHANGES[second], scene), read=read)
    return [f"{first} | {second}: {stale}" for reader in readers for stale in reader.find_stale()]


def is_possible(first: str, second: str) -> bool:
    enrolls = first == second and first.startswith(("enroll", "add", "take"))
    return not enrolls and not (first != second and {first, second} <= IMPOSSIBLE)


@pytest.mark.parametrize("first", CHANGES)
def test_no_pair_of_changes_leaves_a_stale_campaign(first: str) -> None:
    stale = [
        each for second in CHANGES if is_possible(first, second) for each in find_stale_after(first, second)
    ]

    assert not stale


def test_control_without_the_buyer_lock_pairs_leave_stale_campaigns() -> None:
    with without_trigger("distribution_enrollment", "buyer_holds_still"):
        stale = find_stale_after("pause the new", "enroll the new")

    assert len(stale) == 1


@locked_or_not
def test_buyer_edited_during_its_enrollment_buys_by_the_edit(*, is_locked: bool) -> None:
    campaign = CampaignFactory()
    buyer = BuyerFactory(workspace=campaign.workspace, credits_cents=100_000)
    first, *others = make_leads(campaign, count=4)
    # Not a pause, because the sale's statement checks pauses again.
    narrow = partial(Buyer.objects.filter(pk=buyer.pk).update, service_area={})
    sold_first: list[Any] = []

    def read() -> None:
        """A worker sells one lead between the two commits, and keeps its compiled campaign."""
        if Enrollment.objects.filter(buyer=buyer).exists() and not sold_first:
            sold_first.append(distribute_lead(first))

    with nullcontext() if is_locked else without_trigger("distribution_enrollment", "buyer_holds_still"):
        overlap(narrow, partial(EnrollmentFactory, campaign=campaign, buyer=buyer), read=read)

    outcomes = [distribute_lead(each) for each in others]

    assert {each.skip_reason for each in outcomes} == ({"no_eligible_buyers"} if is_locked else {""})
    assert Assignment.objects.filter(buyer=buyer).count() == (0 if is_locked else 4)
    if is_locked:
        assert_verified()


@pytest.mark.parametrize("change", ["enroll", "pause"])
def test_lead_does_not_wait_for_a_change_of_its_buyer(change: str) -> None:
    """An attempt does not need the locks that an edit holds until its commit."""
    scene = make_scene()
    give_credits(scene.enrolled, amount_cents=10_000)
    [lead] = make_leads(scene.first, count=1)
    store_snapshot(scene.first)
    third = TierFactory(campaign__workspace=scene.first.workspace, campaign__vertical="hvac").campaign
    work = {
        "enroll": partial(EnrollmentFactory, campaign=third, buyer=scene.enrolled),
        "pause": partial(CHANGES["pause the enrolled"], scene),
    }[change]
    Campaign.objects.filter(pk=scene.second.pk).update(active=False)

    with open_transaction(work):
        outcome = distribute_lead(lead)

    assert outcome.result == "success"


SETUP: Final = """
workspace: {{slug: {slug}}}
campaigns:
  - {{name: First, price_dollars: 45}}
  - {{name: Second, enrollments: [{{buyer: Peach}}]}}
"""


@locked_or_not
def test_setup_and_a_buyer_edit_lock_in_one_order(
    monkeypatch: pytest.MonkeyPatch, *, is_locked: bool
) -> None:
    """The control changes a campaign of the buyer first: it waits for the buyer, whose edit waits for the campaign."""
    buyer = BuyerFactory(name="Peach")
    first, second = (CampaignFactory(workspace=buyer.workspace, name=name) for name in ("First", "Second"))
    EnrollmentFactory(campaign=first, buyer=buyer)
    TierFactory(campaign=second)
    if not is_locked:
        monkeypatch.setattr(apply, "lock_buyers", lambda *_, **__: None)
    document = read_document(SETUP.format(slug=buyer.workspace.slug))
    is_half_done, may_go_on = Event(), Event()
    enroll_buyer = apply._Setup._put_enrollment

    def wait_and_enroll(*arguments: Any, **options: Any) -> None:
        is_half_done.set()
        assert may_go_on.wait(SECONDS)
        enroll_buyer(*arguments, **options)

    monkeypatch.setattr(apply._Setup, "_put_enrollment", wait_and_enroll)
    deadlocks_before = count_deadlocks()

    with in_background(partial(_state_of, partial(apply.apply_setup, document, actor="test"))) as setup:
        assert is_half_done.wait(SECONDS)
        pause = partial(Buyer.objects.filter(pk=buyer.pk).update, paused_at=timezone.now())
        with in_background(partial(_state_of, pause)) as edit:
            wait_until_blocked()
            may_go_on.set()

    assert sorted([setup.result(), edit.result()]) == (["", ""] if is_locked else ["", "40P01"])
    if is_locked:
        assert count_deadlocks() == deadlocks_before


def _state_of(change: Change) -> str:
    """The SQLSTATE of its error."""
    wait_long()
    try:
        change()
    except OperationalError as error:
        return str(getattr(error.__cause__, "sqlstate", None))
    return ""


@dataclass(slots=True)
class Ways:
    """Rules lead from `first` to `second`, and from there to `third`. `fourth` has no rules yet."""

    first: Workspace
    second: Workspace
    third: Workspace
    fourth: Workspace
    onward: RoutingRule
    beyond: RoutingRule


def make_ways() -> Ways:
    first, second, third, fourth = WorkspaceFactory.create_batch(4)
    onward = RuleFactory(workspace=first, destination=second)
    beyond = RuleFactory(workspace=second, destination=third)
    return Ways(
        *(Workspace.objects.get(pk=each.pk) for each in (first, second, third, fourth)), onward, beyond
    )


def change_rule(which: str, **values: Any) -> Callable[[Ways], object]:
    return lambda ways: RoutingRule.objects.filter(pk=getattr(ways, which).pk).update(**values)


def _save_workspace(name: str) -> Callable[[Ways], object]:
    """As it was read before the others changed it: it writes every column."""
    return lambda ways: getattr(ways, name).save()


RULE_CHANGES: Final[dict[str, Callable[[Ways], object]]] = {
    "rename onward": change_rule("onward", name="Onward"),
    "switch onward off": change_rule("onward", active=False),
    "rename beyond": change_rule("beyond", name="Beyond"),
    "remove beyond": lambda ways: RoutingRule.objects.filter(pk=ways.beyond.pk).delete(),
    "lead third on": lambda ways: RuleFactory(workspace=ways.third, destination=ways.fourth, name="Third"),
    "lead first elsewhere": lambda ways: RoutingRule.objects.filter(pk=ways.onward.pk).update(
        destination=ways.third
    ),
    "lead fourth to second": lambda ways: RuleFactory(
        workspace=ways.fourth, destination=ways.second, name="Fourth"
    ),
    "save first as it was read": _save_workspace("first"),
    "save second as it was read": _save_workspace("second"),
    "pause the first": lambda ways: Workspace.objects.filter(pk=ways.first.pk).update(
        paused_at=timezone.now()
    ),
}
CYCLES: Final = {"lead third on", "lead fourth to second"}


def find_stale_plans_after(first: str, second: str) -> list[str]:
    ways = make_ways()
    readers = [PlanReader(each.pk, PlanCache()) for each in (ways.first, ways.second, ways.fourth)]

    def read() -> None:
        for reader in readers:
            reader.read()

    overlap(partial(RULE_CHANGES[first], ways), partial(RULE_CHANGES[second], ways), read=read)
    # One more change would bring back a version that was removed.
    RoutingRule.objects.filter(pk=ways.onward.pk).update(priority=5, name="Later")
    return [f"{first} | {second}: {stale}" for reader in readers for stale in reader.find_stale()]


@pytest.mark.parametrize("first", RULE_CHANGES)
def test_no_pair_of_changes_leaves_a_stale_plan(first: str) -> None:
    pairs = [(first, second) for second in RULE_CHANGES if not ({first, second} <= CYCLES)]

    assert not [stale for pair in pairs for stale in find_stale_plans_after(*pair)]
