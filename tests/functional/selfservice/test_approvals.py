"""Changes that the agency must approve: they wait, are decided once, and never undo another change."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from distribution.admin import approval
from distribution.api.changesdocuments import WAITING, ChangeDocument, ChangePage
from distribution.models import (
    ApprovalPolicy,
    Buyer,
    ChangeProposal,
    Endpoint,
    Enrollment,
    Event,
    Tier,
    Wallet,
)
from distribution.selfservice import approvals
from distribution.selfservice.author import Author
from distribution.slow_work import REPLAYS
from tests.support.admin_pages import client_of, page, person
from tests.support.described import assert_described
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    SubscriptionFactory,
    enroll,
    issue_buyer_key,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

BASE = "/api/v1/buyer/"
AREA = {"service_area": {"states": ["AL"]}}
BY = Author("ann", datetime(2026, 3, 2, 12, tzinfo=UTC), "agreed by phone")


@pytest.fixture
def enrollment() -> Enrollment:
    [made] = enroll(CampaignFactory(), count=1)
    ApprovalPolicy.objects.create(workspace=made.buyer.workspace, fields=["service_area", "caps"])
    return made


@pytest.fixture
def buyer(enrollment: Enrollment) -> Buyer:
    return enrollment.buyer


def client_for(buyer: Buyer) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer, name='CRM')}"})


def send(client: Client, path: str, body: dict[str, Any]) -> Any:
    return client.patch(BASE + path, body, content_type="application/json", headers={"If-Match": "*"})


def ask(buyer: Buyer, path: str = "area/", body: Any = None) -> ChangeProposal:
    answer = send(client_for(buyer), path, body or AREA)
    assert answer.status_code == 202, answer.content
    return ChangeProposal.objects.get(public_id=answer.json()["id"])


def test_change_waits_and_nothing_is_changed(buyer: Buyer) -> None:
    client = client_for(buyer)
    before = client.get(f"{BASE}area/")

    answer = send(client, "area/", AREA)

    shown = answer.json()
    assert (answer.status_code, shown["state"], shown["fields"]) == (202, "waiting", ["service_area"])
    assert answer["Location"] == f"{BASE}changes/{shown['id']}/"
    assert_described(shown, ChangeDocument())
    after = client.get(f"{BASE}area/")
    assert (after.json(), after["ETag"]) == (before.json(), before["ETag"])
    assert client.get(answer["Location"]).json() == shown
    listed = client.get(f"{BASE}changes/?state=waiting").json()
    assert listed == {"results": [shown], "next_cursor": None}
    assert_described(listed, ChangePage())
    assert_described(WAITING, ChangeDocument())
    assert not AuditEntry.objects.exists()


def test_name_always_waits_and_other_fields_with_it(buyer: Buyer) -> None:
    ApprovalPolicy.objects.all().delete()
    proposal = ask(buyer, "me/", {"name": "Acme Inc.", "timezone": "America/Chicago"})
    assert proposal.fields == ["name", "timezone"]
    stored = Buyer.objects.get(pk=buyer.pk)
    assert (stored.name, stored.timezone) == (buyer.name, buyer.timezone)

    approvals.approve(proposal.pk, by=BY)
    stored.refresh_from_db()
    assert (stored.name, stored.timezone) == ("Acme Inc.", "America/Chicago")


def test_fields_without_approval_change_at_once(buyer: Buyer, enrollment: Enrollment) -> None:
    client = client_for(buyer)
    path = f"enrollments/{enrollment.campaign.public_id}/"
    assert send(client, path, {"bid_cents": 4_000}).status_code == 200
    assert send(client, path, {"bid_cents": 5_000, "caps": {"day": 3}}).status_code == 202
    enrollment.refresh_from_db()
    assert (enrollment.bid_cents, enrollment.cap_day) == (4_000, None)
    assert send(client, "pause/", {"paused": True}).status_code == 200


def test_wrong_change_is_refused_before_it_waits(buyer: Buyer) -> None:
    answer = send(client_for(buyer), "area/", {"service_area": {"sates": []}})
    assert (answer.status_code, ChangeProposal.objects.count()) == (400, 0)


def test_second_change_of_a_part_is_refused_until_the_first_is_withdrawn(buyer: Buyer) -> None:
    proposal, client = ask(buyer), client_for(buyer)
    answer = send(client, "area/", {"service_area": {"states": ["FL"]}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "already_waiting")
    withdraw = f"{BASE}changes/{proposal.public_id}/withdraw/"
    assert client.post(withdraw).json()["state"] == "withdrawn"
    assert client.post(withdraw).status_code == 200
    assert send(client, "area/", {"service_area": {"states": ["FL"]}}).status_code == 202
    with pytest.raises(approvals.DecisionRefused, match="it is withdrawn by the buyer already"):
        approvals.approve(proposal.pk, by=BY)


def test_approval_makes_the_change_and_says_who_asked(buyer: Buyer) -> None:
    proposal = ask(buyer)

    approvals.approve(proposal.pk, by=BY)

    assert Buyer.objects.get(pk=buyer.pk).service_area["states"] == ["AL"]
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by, proposal.decision_reason) == (
        *("approved", "ann"),
        "agreed by phone",
    )
    changed = AuditEntry.objects.get(model="distribution.buyer")
    assert (changed.actor, changed.reason) == ("ann", f"agreed by phone (asked by {proposal.asked_by})")
    assert proposal.asked_by.startswith("key CRM (")
    with pytest.raises(approvals.DecisionRefused, match="it is approved already"):
        approvals.decline(proposal.pk, by=BY)


def test_stale_change_is_refused_and_can_be_declined(buyer: Buyer) -> None:
    proposal = ask(buyer)
    Buyer.objects.filter(pk=buyer.pk).update(service_area={"states": ["TX"]})

    with pytest.raises(approvals.DecisionRefused, match="may undo another"):
        approvals.approve(proposal.pk, by=BY)

    assert Buyer.objects.get(pk=buyer.pk).service_area == {"states": ["TX"]}
    proposal.refresh_from_db()
    assert proposal.state == "waiting"
    approvals.decline(proposal.pk, by=BY)
    shown = client_for(buyer).get(f"{BASE}changes/{proposal.public_id}/").json()
    assert (shown["state"], shown["decision_reason"]) == ("declined", "agreed by phone")


def test_change_that_became_invalid_is_refused(buyer: Buyer) -> None:
    proposal = ask(buyer, "me/", {"name": "Acme"})
    BuyerFactory.create(workspace=buyer.workspace, name="Acme")
    with pytest.raises(approvals.DecisionRefused, match="it is no longer valid"):
        approvals.approve(proposal.pk, by=BY)


def test_notice_of_the_wallet_may_need_approval(buyer: Buyer) -> None:
    ApprovalPolicy.objects.update(fields=["notice_below_cents"])
    proposal = ask(buyer, "wallet/", {"notice_below_cents": 700})
    assert Wallet.objects.get(buyer=buyer).notice_below_cents is None
    approvals.approve(proposal.pk, by=BY)
    assert Wallet.objects.get(buyer=buyer).notice_below_cents == 700


@pytest.mark.parametrize("decide", [approvals.approve, approvals.decline])
def test_subscribers_hear_of_the_decision(buyer: Buyer, decide: Any) -> None:
    proposal = ask(buyer)
    SubscriptionFactory(buyer=buyer, events=["change.decided"])
    assert Endpoint.objects.count() == 1

    decide(proposal.pk, by=BY)

    event = Event.objects.get()
    assert (event.kind, event.buyer_id) == ("change.decided", buyer.pk)
    assert event.facts["change_id"] == str(proposal.public_id)
    assert event.facts["fields"] == ["service_area"]
    assert event.facts["decision"] in ("approved", "declined")


def test_withdrawn_change_is_no_event(buyer: Buyer) -> None:
    proposal = ask(buyer)
    SubscriptionFactory(buyer=buyer, events=["change.decided"])
    approvals.withdraw(proposal.pk, by=BY)
    assert not Event.objects.exists()


class TestAdmin:
    def test_queue_shows_difference_and_effect_and_a_button_approves(self, buyer: Buyer) -> None:
        Buyer.objects.filter(pk=buyer.pk).update(service_area={"states": ["GA"]})
        proposal = ask(buyer)
        client = client_of(person("operator", buyer.workspace))
        listed = client.get(page(ChangeProposal, "changelist"))
        assert "service area" in listed.content.decode()
        shown = client.get(page(ChangeProposal, "change", proposal.pk)).content.decode()
        assert re.search(r": GA \(covers [\d,]+ ZIPs\) becomes AL \(covers [\d,]+ ZIPs\)<", shown)
        assert "It would have won none of 0 leads that it missed in 30 days." in shown

        named = ask(buyer, "me/", {"name": "Another name"})
        shown = client.get(page(ChangeProposal, "change", named.pk)).content.decode()
        assert "None: no decision about a lead reads a name or a contact." in shown

        url = page(ChangeProposal, "act", proposal.pk, "approve")
        asked = client.get(url).content.decode()
        assert "becomes AL (covers " in asked
        assert "Effect: It would have won none of 0 leads" in asked
        assert client.post(url, {"reason": ""}).status_code == 400
        assert client.post(url, {"reason": "agreed", "seen": "waiting"}).status_code == 302
        assert Buyer.objects.get(pk=buyer.pk).service_area["states"] == ["AL"]
        again = client.post(url, {"reason": "again"})
        assert "it is approved already" in again.content.decode()

    def test_page_does_not_count_beside_another_replay(self, buyer: Buyer) -> None:
        proposal = ask(buyer)
        client = client_of(person("operator", buyer.workspace))
        with REPLAYS.take():
            shown = client.get(page(ChangeProposal, "change", proposal.pk)).content.decode()
        assert "Not counted now: another change is being tried. Load this page again in a moment." in shown
        assert "becomes" in shown

    def test_leads_are_tried_only_where_the_effect_is_shown_first(
        self, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[ChangeProposal] = []
        monkeypatch.setattr(approval, "assess", lambda proposal, at: tried.append(proposal))  # noqa: ARG005
        proposal = ask(buyer)
        client = client_of(person("operator", buyer.workspace))
        for name in ("decline", "approve"):
            refused = client.post(page(ChangeProposal, "act", proposal.pk, name), {"reason": ""})
            assert refused.status_code == 400
        asked = client.get(page(ChangeProposal, "act", proposal.pk, "decline")).content.decode()
        assert ("becomes" in asked, "Effect: " in asked) == (True, False)
        assert tried == []
        asked = client.get(page(ChangeProposal, "act", proposal.pk, "approve")).content.decode()
        assert "Effect: not known" in asked
        assert tried == [proposal]

    def test_stale_change_says_so(self, buyer: Buyer) -> None:
        proposal = ask(buyer)
        Buyer.objects.filter(pk=buyer.pk).update(service_area={"states": ["TX"]})
        client = client_of(User.objects.create_superuser("root"))
        shown = client.get(page(ChangeProposal, "change", proposal.pk)).content.decode()
        assert "It cannot be approved" in shown
        refused = client.post(page(ChangeProposal, "act", proposal.pk, "approve"), {"reason": "x"})
        assert (refused.status_code, "may undo another" in refused.content.decode()) == (400, True)

    @pytest.mark.parametrize("role", ["viewer", "finance"])
    def test_others_only_look(self, buyer: Buyer, role: str) -> None:
        proposal, client = ask(buyer), client_of(person(role, buyer.workspace))
        assert client.get(page(ChangeProposal, "change", proposal.pk)).status_code == 200
        url = page(ChangeProposal, "act", proposal.pk, "approve")
        assert client.post(url, {"reason": "x"}).status_code == 403

    def test_policy_is_set_with_boxes(self, buyer: Buyer) -> None:
        client, policy = client_of(User.objects.create_superuser("root")), ApprovalPolicy.objects.get()
        url = page(ApprovalPolicy, "change", policy.pk)
        sent = {"workspace": buyer.workspace_id, "fields": ["bid_cents", "hours"], "change_reason": "new"}
        assert client.post(url, sent).status_code == 302
        assert ApprovalPolicy.objects.get().fields == ["bid_cents", "hours"]


@pytest.mark.parametrize(
    ("mode", "before", "bid", "status"),
    [
        ("round_robin", None, 2_499, 202),
        ("round_robin", None, 2_500, 200),
        ("round_robin", 2_000, 2_001, 200),
        ("round_robin", 3_000, 2_999, 202),
        ("round_robin", 3_000, None, 202),
        ("ping_post", None, 1, 202),
        ("price", None, 2_499, 202),
        ("price", 3_000, 2_500, 200),
        ("price", 3_000, None, 200),
        ("price", 3_000, 2_499, 202),
        ("auction", 3_000, 1, 200),
    ],
)
def test_bid_that_lowers_the_price_waits_outside_auctions(
    mode: str, before: int | None, bid: int | None, status: int
) -> None:
    [own] = enroll(CampaignFactory(mode=mode, price_cents=2_500), count=1)
    Enrollment.objects.filter(pk=own.pk).update(bid_cents=before)
    answer = send(client_for(own.buyer), f"enrollments/{own.campaign.public_id}/", {"bid_cents": bid})
    assert answer.status_code == status, answer.content
    own.refresh_from_db()
    assert own.bid_cents == (bid if status == 200 else before)


def test_bid_waits_where_price_rules_may_ask_for_more() -> None:
    rules = [{"when": {"field": "state", "op": "eq", "value": "GA"}, "add_cents": 1_000}]
    [own] = enroll(CampaignFactory(price_cents=2_500, price_rules=rules), count=1)
    path = f"enrollments/{own.campaign.public_id}/"
    assert send(client_for(own.buyer), path, {"bid_cents": 9_000}).status_code == 202


def test_price_of_its_tier_is_what_a_bid_may_not_be_below() -> None:
    [own] = enroll(CampaignFactory(price_cents=2_500), count=1)
    Tier.objects.filter(pk=own.tier_id).update(price_cents=4_000)
    path, client = f"enrollments/{own.campaign.public_id}/", client_for(own.buyer)
    assert send(client, path, {"bid_cents": 4_000}).status_code == 200
    Enrollment.objects.filter(pk=own.pk).update(bid_cents=None)
    assert send(client, path, {"bid_cents": 3_999}).status_code == 202


@pytest.mark.parametrize("mode", ["auction", "round_robin"])
def test_bid_of_nothing_is_refused(mode: str) -> None:
    [own] = enroll(CampaignFactory(mode=mode), count=1)
    answer = send(client_for(own.buyer), f"enrollments/{own.campaign.public_id}/", {"bid_cents": 0})
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"]["bid_cents"][0]["message"] == "must be at least 1 cent, or null"
