"""A confirmation page does nothing to rows that changed after it was opened: it reports the change, and asks again."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign, Enrollment, Tier, Wallet
from routing.models import Lead
from tests.support.admin_pages import lead_title, page, save
from tests.support.factories import (
    BuyerFactory,
    EnrollmentFactory,
    LeadFactory,
    TierFactory,
    WorkspaceFactory,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


def hidden(client: Client, url: str, *, form: str = "form") -> dict[str, Any]:
    """The hidden fields that the page at this address sends back."""
    asked = client.get(url).context[form]
    return {bound.html_name: bound.value() for bound in asked.hidden_fields() if bound.value() is not None}


def test_changed_row_is_not_deleted(ann: Client, ben: Client) -> None:
    tier = TierFactory(name="Silver")
    url = page(Tier, "delete", tier.pk)
    answer = {"post": "yes", "change_reason": "unused", **hidden(ben, url, form="reason_form")}
    save(ann, Tier, tier, name="Gold", change_reason="for the new partner")

    refused = ben.post(url, answer)

    assert refused.status_code == 400
    text = refused.content.decode()
    assert "Nothing was done. The data changed after you opened this page" in text
    assert "Last entry in the audit log: changed by ann at" in text
    assert "(for the new partner)" in text
    assert Tier.objects.filter(pk=tier.pk).exists()
    again = {**answer, "seen": refused.context["reason_form"]["seen"].value()}
    assert ben.post(url, again).status_code == 302
    assert not Tier.objects.filter(pk=tier.pk).exists()


def test_changed_rows_are_not_deleted_together(ann: Client, ben: Client) -> None:
    one = TierFactory(name="Silver")
    two = TierFactory(name="Bronze", campaign=one.campaign, position=7)
    chosen = {"action": "delete_selected", "_selected_action": [one.pk, two.pk]}
    asked = ben.post(page(Tier, "changelist"), chosen).context["reason_form"]
    answer = {**chosen, "post": "yes", "change_reason": "unused", "seen": asked["seen"].value()}
    save(ann, Tier, two, name="Gold")

    refused = ben.post(page(Tier, "changelist"), answer)

    assert "changed after you opened this page" in refused.content.decode()
    assert Tier.objects.count() == 2
    again = {**answer, "seen": refused.context["reason_form"]["seen"].value()}
    assert ben.post(page(Tier, "changelist"), again).status_code == 302
    assert not Tier.objects.exists()


def test_new_cascaded_row_stops_the_deletion(ben: Client) -> None:
    """Only rows that the page lists are deleted."""
    tier = TierFactory()
    url = page(type(tier.campaign), "delete", tier.campaign.pk)
    answer = {"post": "yes", "change_reason": "unused", **hidden(ben, url, form="reason_form")}
    TierFactory(campaign=tier.campaign, position=8)

    assert ben.post(url, answer).status_code == 400

    assert Tier.objects.count() == 2
    assert not AuditEntry.objects.exists()


def test_sale_does_not_stop_a_deletion(ben: Client) -> None:
    """People do not decide by counters."""
    place = EnrollmentFactory()
    url = page(Enrollment, "delete", place.pk)
    answer = {"post": "yes", "change_reason": "left", **hidden(ben, url, form="reason_form")}
    Enrollment.objects.update(day_leads=3)

    assert ben.post(url, answer).status_code == 302
    assert not Enrollment.objects.exists()


def act(name: str, *leads: Lead) -> str:
    return f"{reverse('admin:routing_lead_act', args=[name])}?ids={','.join(str(lead.pk) for lead in leads)}"


def texts(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_changed_lead_is_left_alone(ann: Client, ben: Client) -> None:
    """It was resumed and paused again for another reason, or tried, which the user has not seen."""
    one, two = LeadFactory(), LeadFactory()
    url = act("cancel", one, two)
    answer = {"reason": "test data", **hidden(ben, url)}
    ann.post(act("pause", one), {"reason": "wait for the customer"})

    done = ben.post(url, answer, follow=True)

    assert texts(done) == [
        "1 lead: canceled.",
        f"{lead_title(one)}: it changed after you opened the page and is now waiting until it is due and paused;"
        " reload the page",
    ]
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.status, two.status) == ("pending", "cancelled")


def test_lead_tried_since_the_page_was_read_is_left_alone(ben: Client) -> None:
    lead = LeadFactory()
    url = act("pause", lead)
    answer = {"reason": "test data", **hidden(ben, url)}
    Lead.objects.update(attempts=1, skip_reason="all_buyers_capped")

    ben.post(url, answer)

    lead.refresh_from_db()
    assert lead.paused_at is None
    assert not AuditEntry.objects.exists()


def test_new_due_time_of_a_lead_stops_no_action(ben: Client) -> None:
    lead = LeadFactory()
    url = act("pause", lead)
    answer = {"reason": "test data", **hidden(ben, url)}
    Lead.objects.update(next_attempt_at=timezone.now() + timedelta(hours=3))

    ben.post(url, answer)

    lead.refresh_from_db()
    assert lead.paused_at is not None


def test_same_correction_by_two_people_is_made_once(ann: Client, ben: Client) -> None:
    wallet = BuyerFactory(credits_cents=10_000).wallet
    url = reverse("admin:distribution_wallet_money", args=[wallet.pk, "adjust"])
    first, second = ({"amount": "-50", "reason": "x", **hidden(each, url)} for each in (ann, ben))
    assert ann.post(url, {**first, "reason": "booked twice"}).status_code == 302

    refused = ben.post(url, second)

    assert refused.status_code == 400
    assert "No money was moved: ann moved -$50.00 at 20" in refused.content.decode()
    assert "(booked twice), after you opened this page" in refused.content.decode()
    assert balance(wallet) == 5_000
    again = {**second, "seen": refused.context["form"]["seen"].value()}
    assert ben.post(url, again).status_code == 302
    assert balance(wallet) == 0


def test_sale_in_between_stops_no_top_up(ben: Client) -> None:
    place = EnrollmentFactory(buyer__credits_cents=10_000)
    wallet = place.buyer.wallet
    url = reverse("admin:distribution_wallet_money", args=[wallet.pk, "topup"])
    answer = {"amount": "5", "reason": "paid", **hidden(ben, url)}
    distribute_lead(LeadFactory(source__workspace=place.campaign.workspace).pk)

    assert ben.post(url, answer).status_code == 302
    assert balance(wallet) == 8_000


def test_another_pause_is_not_lifted(ann: Client, ben: Client) -> None:
    workspace = WorkspaceFactory()
    switch = [
        f"{reverse('admin:routing_dispatchcontrol_switch', args=[name])}?workspace={workspace.pk}"
        for name in ("pause", "resume")
    ]
    ann.post(switch[0], {"reason": "lunch"})
    answer = {"reason": "lunch is over", **hidden(ben, switch[1])}
    ann.post(switch[1], {"reason": "back"})
    ann.post(switch[0], {"reason": "the partner went bankrupt"})

    refused = ben.post(switch[1], answer)

    assert refused.status_code == 400
    assert "Nothing was changed" in refused.content.decode()
    assert "the partner went bankrupt" in refused.content.decode()
    workspace.refresh_from_db()
    assert workspace.paused_at is not None


def balance(wallet: Wallet) -> int:
    return Wallet.objects.get(pk=wallet.pk).balance_cents


class TestSaleByHand:
    """The sale is exactly the one that the user confirmed."""

    @pytest.fixture
    def place(self) -> Enrollment:
        place: Enrollment = EnrollmentFactory(
            buyer__credits_cents=10_000, buyer__service_area={"states": ["FL"]}
        )
        return place

    @pytest.fixture
    def lead(self, place: Enrollment) -> Lead:
        lead: Lead = LeadFactory(source__workspace=place.campaign.workspace)
        distribute_lead(lead.pk)
        return lead

    @staticmethod
    def url(lead: Lead, place: Enrollment | None = None) -> str:
        url = reverse("admin:routing_lead_assign", args=[lead.pk])
        return url if place is None else f"{url}?enrollment={place.pk}"

    def test_page_shows_price_balance_and_gates_of_each_buyer(
        self, lead: Lead, place: Enrollment, ben: Client
    ) -> None:
        poor = EnrollmentFactory(campaign=place.campaign, buyer__credits_cents=100, buyer__name="Poor")
        capped = EnrollmentFactory(
            campaign=place.campaign, buyer__credits_cents=9_000, cap_day=0, active=False, bid_cents=3_000
        )

        rows = {row.enrollment.pk: row for row in ben.get(self.url(lead)).context["rows"]}

        chosen = rows[place.pk]
        assert (chosen.price, chosen.balance, chosen.balance_after) == ("$25.00", "$100.00", "$75.00")
        assert chosen.not_overridable == ()
        assert len(chosen.overridden) == 1
        assert "30312" in chosen.overridden[0]
        assert len(rows[poor.pk].not_overridable) == 1
        assert "the price is $25.00, and only $1.00 is available" in rows[poor.pk].not_overridable[0]
        assert (rows[capped.pk].price, len(rows[capped.pk].overridden)) == ("$30.00", 1)
        assert len(rows[capped.pk].not_overridable) == 1
        shown = ben.get(self.url(lead)).content.decode()
        assert f"?enrollment={place.pk}" in shown
        assert f"?enrollment={poor.pk}" not in shown

    def test_confirmation_names_the_money_and_the_sale_follows_it(
        self, lead: Lead, place: Enrollment, ben: Client
    ) -> None:
        url = self.url(lead, place)
        asked = ben.get(url).content.decode()
        assert "pays $25.00 for this lead" in asked
        assert "from $100.00 to $75.00" in asked
        assert "Overridden: " in asked
        assert "Assign and charge $25.00" in asked

        assert ben.post(url, {"reason": "promised", **hidden(ben, url)}).status_code == 302

        assert balance(place.buyer.wallet) == 7_500

    @pytest.mark.parametrize("change", ["price", "pause"])
    def test_changed_price_or_gate_prevents_the_sale(
        self, change: str, lead: Lead, place: Enrollment, ben: Client
    ) -> None:
        url = self.url(lead, place)
        answer = {"reason": "promised", **hidden(ben, url)}
        if change == "price":
            Campaign.objects.update(price_cents=4_000)
        else:
            Enrollment.objects.update(active=False)

        refused = ben.post(url, answer)

        assert refused.status_code == 400
        assert "or the overridden checks changed; check again" in refused.content.decode()
        assert balance(place.buyer.wallet) == 10_000
        again = {**answer, "seen": refused.context["form"]["seen"].value()}
        assert ben.post(url, again).status_code == 302

    def test_closed_campaign_still_shows_its_buyers(self, lead: Lead, place: Enrollment, ben: Client) -> None:
        Campaign.objects.update(schedule={"mon": []})

        [row] = ben.get(self.url(lead)).context["rows"]

        assert (row.enrollment, row.not_overridable) == (place, ())

    def test_full_lead_says_so(self, place: Enrollment, ben: Client) -> None:
        other = EnrollmentFactory(campaign=place.campaign, buyer__credits_cents=10_000)
        lead = LeadFactory(source__workspace=place.campaign.workspace)
        distribute_lead(lead.pk)

        rows = {row.enrollment.pk: row for row in ben.get(self.url(lead)).context["rows"]}

        assert "as many buyers as its campaign allows" in rows[place.pk].not_overridable[-1]
        assert "bought this lead before" in " ".join(rows[other.pk].not_overridable)
        assert ben.get(self.url(lead, place)).context["is_possible"] is False

    def test_finished_lead_offers_no_buyers(self, lead: Lead, ben: Client) -> None:
        Lead.objects.update(status="cancelled", next_attempt_at=None, finished_at=timezone.now())

        shown = ben.get(self.url(lead)).content.decode()

        assert "The lead is canceled" in shown
        assert "?enrollment=" not in shown
