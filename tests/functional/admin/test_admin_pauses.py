"""A pause begins now and is shown on every page, and buyers with the same name are distinguishable."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Campaign, Enrollment, LedgerEntry, Tier, Wallet
from routing.models import Lead, Workspace
from tests.support import switches
from tests.support.admin_pages import build_world, client_of, page, person, save
from tests.support.factories import (
    BuyerFactory,
    EnrollmentFactory,
    LeadFactory,
    TierFactory,
    WorkspaceFactory,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


def typed(at: Any) -> dict[str, str]:
    return {"paused_at_0": f"{at:%Y-%m-%d}", "paused_at_1": f"{at:%H:%M:%S}"}


@pytest.mark.parametrize("model", [Buyer, Workspace])
class TestPausedAtInTheForm:
    """Only the button pauses and resumes. The form shows the pause."""

    @staticmethod
    def make(model: type[Any], *, paused_at: Any) -> Any:
        return BuyerFactory(paused_at=paused_at) if model is Buyer else WorkspaceFactory(paused_at=paused_at)

    def test_posted_pause_is_ignored(self, model: type[Any], ann: Client) -> None:
        row = self.make(model, paused_at=None)

        answer = save(ann, model, row, change_reason="x", **typed(timezone.now()))

        assert answer.status_code == 302
        row.refresh_from_db()
        assert row.paused_at is None
        assert not AuditEntry.objects.exists()

    def test_posted_resume_is_ignored(self, model: type[Any], ann: Client) -> None:
        at = timezone.now() - timedelta(days=2)
        row = self.make(model, paused_at=at)

        answer = save(ann, model, row, name="Renamed", paused_at_0="", paused_at_1="")

        assert answer.status_code == 302
        row.refresh_from_db()
        assert (row.name, row.paused_at) == ("Renamed", at)
        assert AuditEntry.objects.get().after == {"name": "Renamed"}

    def test_new_row_is_not_paused(self, model: type[Any], ann: Client) -> None:
        assert "paused_at" not in ann.get(page(model, "add")).content.decode()

    def test_button_pauses_and_resumes(self, model: type[Any], ann: Client) -> None:
        row = self.make(model, paused_at=None)
        for _ in range(2):
            shown = ann.get(page(model, "change", row.pk))
            button = shown.context["action_buttons"][0]
            assert f'href="{button["url"]}"' in shown.content.decode()
            assert ann.post(button["url"], {"reason": button["title"]}).status_code == 302

        entries = AuditEntry.objects.order_by("pk").values_list("action", "object_id", "reason")
        titles = ("Pause now", "Resume now") if model is Buyer else ("Pause", "Resume")
        assert list(entries) == [("pause", str(row.pk), titles[0]), ("resume", str(row.pk), titles[1])]

    def test_viewer_sees_no_button(self, model: type[Any]) -> None:
        row = self.make(model, paused_at=None)
        viewer = client_of(person("viewer", row.workspace if model is Buyer else row))
        shown = viewer.get(page(model, "change", row.pk))
        assert shown.status_code == 200
        assert shown.context["action_buttons"] == []


class TestBuyerSwitch:
    @staticmethod
    def url(buyer: Buyer, name: str) -> str:
        return reverse("admin:distribution_buyer_switch", args=[buyer.pk, name])

    def test_pause_and_resume_begin_now(self, ann: Client) -> None:
        place = EnrollmentFactory(buyer__credits_cents=10_000)
        buyer = place.buyer
        shown = ann.get(page(Buyer, "change", buyer.pk)).context["action_buttons"]
        assert [each["title"] for each in shown] == ["Pause now", "Send a test lead…"]

        assert ann.post(self.url(buyer, "pause"), {"reason": "holidays"}).status_code == 302

        buyer.refresh_from_db()
        assert buyer.paused_at is not None
        assert buyer.paused_at <= timezone.now()
        lead = LeadFactory(source__workspace=place.campaign.workspace)
        distribute_lead(lead.pk)
        assert not Assignment.objects.exists()
        shown = ann.get(page(Buyer, "change", buyer.pk)).context["action_buttons"]
        assert [each["title"] for each in shown] == ["Resume now", "Send a test lead…"]
        assert ann.post(self.url(buyer, "resume"), {"reason": "back"}).status_code == 302
        entries = AuditEntry.objects.order_by("pk").values_list("action", "reason", "actor")
        assert list(entries) == [("pause", "holidays", "ann"), ("resume", "back", "ann")]

    def test_other_pauses_are_not_lifted(self, ann: Client) -> None:
        buyer = BuyerFactory(paused_at=timezone.now() - timedelta(days=2))
        seen = ann.get(self.url(buyer, "resume")).context["form"]["seen"].value()
        Buyer.objects.update(paused_at=timezone.now())

        refused = ann.post(self.url(buyer, "resume"), {"reason": "back", "seen": seen})

        assert refused.status_code == 400
        assert "Nothing was changed" in refused.content.decode()
        buyer.refresh_from_db()
        assert buyer.paused_at is not None

    @pytest.mark.parametrize("role", ["viewer", "finance"])
    def test_switch_is_for_operators(self, role: str, ann: Client) -> None:
        buyer = BuyerFactory()
        client = client_of(person(role, buyer.workspace))

        assert client.post(self.url(buyer, "pause"), {"reason": "x"}).status_code == 403
        shown = client.get(page(Buyer, "change", buyer.pk))
        assert shown.context["action_buttons"] == []
        assert [each["title"] for each in shown.context["page_links"]] == ["Deliveries"]
        assert shown.content.decode().count("admin-button") == 1
        stranger = client_of(person("operator", WorkspaceFactory()))
        assert stranger.post(self.url(buyer, "pause"), {"reason": "x"}).status_code == 404
        assert ann.post(self.url(buyer, "explode"), {"reason": "x"}).status_code == 404


class TestBanner:
    PAGES = (
        "/admin/",
        "/admin/routing/lead/",
        "/admin/routing/dispatchcontrol/",
        "/admin/distribution/buyer/add/",
        "/admin/routing/routingrule/test/",
    )

    @pytest.mark.parametrize("url", PAGES)
    def test_pause_of_the_product_is_on_every_page(self, url: str, ann: Client) -> None:
        assert "admin-banner" not in ann.get(url).content.decode()
        switches.pause_product(at=timezone.now(), actor="ben", reason="a bad import")

        shown = ann.get(url).content.decode()

        assert "<strong>The whole product is paused</strong> since <time>20" in shown
        assert "UTC</time> by ben: a bad import. No leads are distributed." in shown
        assert 'href="/admin/routing/dispatchcontrol/">Go to Dispatch' in shown

    def test_pause_of_a_workspace_is_shown_to_its_people(self, ann: Client) -> None:
        mine, other = WorkspaceFactory(name="Sunbelt"), WorkspaceFactory(name="Secret partner")
        for each in (mine, other):
            switches.pause_workspace(each.pk, at=timezone.now(), actor="ben", reason=f"{each} is late")
        operator = client_of(person("operator", mine))

        shown = operator.get("/admin/").content.decode()

        assert "<strong>Sunbelt is paused</strong>" in shown
        assert "Sunbelt is late" in shown
        assert "Secret partner" not in shown
        assert "Secret partner is late" in ann.get("/admin/").content.decode()

    def test_author_of_a_product_pause_is_shown_to_full_users_only(self) -> None:
        switches.pause_product(at=timezone.now(), actor="ben", reason="the other tenant is late")
        operator = client_of(person("operator", WorkspaceFactory()))

        shown = operator.get("/admin/").content.decode()

        assert "The whole product is paused</strong>" in shown
        assert "the other tenant" not in shown

    def test_long_list_of_pauses_is_cut(self, ann: Client) -> None:
        for number in range(5):
            WorkspaceFactory(name=f"Partner {number}", paused_at=timezone.now() + timedelta(seconds=number))

        shown = ann.get("/admin/").content.decode()

        assert [f"Partner {number} is paused" in shown for number in range(5)] == [
            False,
            False,
            True,
            True,
            True,
        ]
        assert "More workspaces are paused." in shown

    def test_banner_costs_one_statement_while_nothing_is_paused(self, ann: Client) -> None:
        ann.get("/admin/routing/lead/")
        with CaptureQueriesContext(connection) as captured:
            ann.get("/admin/routing/lead/")
        asked = [each["sql"] for each in captured if "paused_at IS NOT NULL" in each["sql"]]
        assert len(asked) == 1

    def test_stranger_at_the_login_sees_no_banner(self) -> None:
        switches.pause_product(at=timezone.now(), actor="ben", reason="a bad import")
        assert "admin-banner" not in Client().get("/admin/login/").content.decode()


class TestNames:
    """Names are unique only within a workspace. Lists with rows of several workspaces show the workspace too."""

    @pytest.fixture
    def twins(self) -> list[Enrollment]:
        places = []
        for name in ("Sunbelt", "Great Lakes"):
            workspace = WorkspaceFactory(name=name)
            place = EnrollmentFactory(
                campaign__workspace=workspace,
                campaign__name="Roofing",
                buyer__name="Acme",
                buyer__credits_cents=2_500,
            )
            distribute_lead(LeadFactory(source__workspace=workspace).pk)
            places.append(place)
        assert Assignment.objects.count() == 2
        return places

    @pytest.mark.parametrize("model", [Wallet, LedgerEntry, Assignment, Enrollment, Tier])
    def test_list_distinguishes_namesakes(
        self, model: type[Any], twins: list[Enrollment], ann: Client
    ) -> None:
        shown = ann.get(page(model, "changelist")).content.decode()
        name = "Roofing" if model is Tier else "Acme"
        for place in twins:
            assert f"{name} ({place.campaign.workspace.name})" in shown

    @pytest.mark.parametrize(
        ("app", "model", "field", "text"),
        [
            ("distribution", "enrollment", "buyer", "Acme ({})"),
            ("distribution", "enrollment", "campaign", "Roofing ({})"),
            ("distribution", "enrollment", "tier", "Tier 1 of Roofing ({})"),
            ("distribution", "buyerkey", "buyer", "Acme ({})"),
        ],
    )
    def test_choice_distinguishes_namesakes(
        self, app: str, model: str, field: str, text: str, twins: list[Enrollment], ann: Client
    ) -> None:
        query = {"app_label": app, "model_name": model, "field_name": field, "term": ""}
        with CaptureQueriesContext(connection) as few:
            found = {each["text"] for each in ann.get("/admin/autocomplete/", query).json()["results"]}
        assert {text.format(place.campaign.workspace.name) for place in twins} <= found
        TierFactory.create_batch(3)
        BuyerFactory.create_batch(3)
        with CaptureQueriesContext(connection) as many:
            ann.get("/admin/autocomplete/", query)
        assert len(many) == len(few)

    def test_home_page_and_messages_distinguish_namesakes(self, twins: list[Enrollment], ann: Client) -> None:
        shown = ann.get("/admin/").content.decode()
        for place in twins:
            assert f"Acme ({place.campaign.workspace.name})" in shown  # wallets about to run dry
        asked = ann.get(
            reverse("admin:distribution_wallet_money", args=[twins[0].buyer.wallet.pk, "topup"])
        ).content.decode()
        assert "The balance of Acme (Sunbelt) is now $0.00." in asked

    def test_drawer_names_the_workspace_of_the_campaign(self, twins: list[Enrollment], ann: Client) -> None:
        for place in twins:
            lead = Lead.objects.get(workspace=place.campaign.workspace)
            shown = ann.get(reverse("admin:routing_lead_trace", args=[lead.public_id])).content.decode()
            assert f"Roofing in {place.campaign.workspace.name}" in shown

    def test_filter_by_campaign_distinguishes_namesakes(self, twins: list[Enrollment], ann: Client) -> None:
        shown = ann.get(page(Lead, "changelist")).content.decode()
        for place in twins:
            assert f"Roofing ({place.campaign.workspace.name})" in shown


def test_lists_of_several_workspaces_cost_the_same_statements(ann: Client) -> None:
    build_world()
    models = (Wallet, LedgerEntry, Assignment, Enrollment, Tier, Buyer, Campaign)
    ann.get("/admin/")

    def cost(model: type[Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            ann.get(page(model, "changelist"))
        return len(captured)

    before = [cost(model) for model in models]
    build_world()
    build_world()
    assert [cost(model) for model in models] == before
