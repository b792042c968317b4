"""Managers change settings in the portal, through the same use cases as the API."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from distribution.models import Buyer, ChangeProposal, Enrollment
from distribution.selfservice.approvals import decline
from distribution.selfservice.author import Author
from tests.support.portal import signed_in
from tests.support.portal_scene import PortalScene, build_portal_scene
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
# A new form shows usual hours.
NO_TIMES = {f"{day}_{edge}_1": "" for day in ("mon", "tue", "wed", "thu", "fri") for edge in ("from", "to")}
AREA, HOURS, PAUSE = "/portal/settings/area/", "/portal/settings/hours/", "/portal/settings/pause/"


@pytest.fixture
def scene() -> PortalScene:
    return build_portal_scene()


@pytest.fixture
def client(scene: PortalScene) -> Client:
    return signed_in(scene.user)


def form_of(client: Client, path: str) -> dict[str, Any]:
    """The fields that a browser would send back unchanged."""
    form = client.get(path).context["form"]
    values = {field.name: field.value() for field in form}
    return {name: "" if value is None else value for name, value in values.items() if value is not False}


def limits(scene: PortalScene) -> str:
    return f"/portal/settings/campaigns/{scene.campaign.public_id}/"


def place_of(scene: PortalScene) -> Enrollment:
    return Enrollment.objects.get(campaign=scene.campaign, buyer=scene.buyer)


def send(client: Client, path: str, **changes: Any) -> Any:
    values = {**form_of(client, path), **changes}
    return client.post(path, {name: value for name, value in values.items() if value is not None})


class TestLimits:
    def test_manager_changes_caps_budgets_and_bid(self, scene: PortalScene, client: Client) -> None:
        answer = send(
            client, limits(scene), cap_day="25", cap_week="", budget_day="120.50", budget_week="", bid="31.25"
        )
        assert (answer.status_code, answer["Location"]) == (302, f"{limits(scene)}?done=saved")
        place = place_of(scene)
        assert (place.cap_day, place.cap_week, place.bid_cents) == (25, None, 3_125)
        assert (place.budget_day_cents, place.budget_week_cents) == (12_050, None)
        entry = AuditEntry.objects.filter(model="distribution.enrollment").latest("pk")
        assert (entry.actor, entry.action, entry.reason) == ("portal Dana Price", "changed", "portal")
        assert entry.after["cap_day"] == 25

    def test_form_that_is_sent_back_changes_nothing(self, scene: PortalScene, client: Client) -> None:
        before = Enrollment.objects.filter(campaign=scene.campaign).values().get()
        assert send(client, limits(scene)).status_code == 302
        assert Enrollment.objects.filter(campaign=scene.campaign).values().get() == before
        assert not AuditEntry.objects.filter(model="distribution.enrollment").exists()

    def test_manager_pauses_one_campaign_and_resumes_it(self, scene: PortalScene, client: Client) -> None:
        send(client, limits(scene), is_active=None)
        assert place_of(scene).paused_at is not None
        assert "You paused this campaign." in client.get("/portal/").content.decode()
        send(client, limits(scene), is_active="on")
        assert place_of(scene).paused_at is None

    @pytest.mark.parametrize(
        ("name", "typed"), [("cap_day", "-1"), ("cap_day", "ten"), ("budget_day", "1.005"), ("bid", "1e30")]
    )
    def test_wrong_value_is_refused(self, name: str, typed: str, scene: PortalScene, client: Client) -> None:
        before = Enrollment.objects.filter(campaign=scene.campaign).values().get()
        answer = send(client, limits(scene), **{name: typed})
        assert answer.status_code == 400
        assert answer.context["form"].errors[name]
        assert Enrollment.objects.filter(campaign=scene.campaign).values().get() == before

    def test_change_of_another_person_is_not_overwritten(self, scene: PortalScene, client: Client) -> None:
        values = form_of(client, limits(scene))
        send(signed_in(scene.user), limits(scene), cap_day="7")
        answer = client.post(limits(scene), {**values, "cap_day": "9"})
        assert answer.status_code == 409
        assert "Nothing was saved" in answer.content.decode()
        assert answer.context["form"]["cap_day"].value() == 7
        assert place_of(scene).cap_day == 7

    @pytest.mark.parametrize("version", ["", '"0000"'])
    def test_form_without_its_version_is_refused(
        self, version: str, scene: PortalScene, client: Client
    ) -> None:
        answer = send(client, limits(scene), version=version, cap_day="9")
        assert answer.status_code == 409
        assert place_of(scene).cap_day == 10

    def test_campaign_of_others_is_not_found(self, client: Client) -> None:
        foreign = build_portal_scene(buyer_name="Birch Roofing", email="ben@birch.example")
        assert client.get(limits(foreign)).status_code == 404
        assert client.post(limits(foreign), {"cap_day": "1"}).status_code == 404


class TestHours:
    def test_manager_sets_hours_by_day(self, scene: PortalScene, client: Client) -> None:
        days = {"mon_from_1": "09:00", "mon_to_1": "12:00", "mon_from_2": "13:30", "mon_to_2": "17:00"}
        sent = {**NO_TIMES, **days, "sun_from_1": "18:00", "sun_to_1": "00:00"}
        answer = send(client, HOURS, when="by_day", **sent)
        assert answer.status_code == 302
        hours = Buyer.objects.get(pk=scene.buyer.pk).hours
        assert {day: spans for day, spans in hours.items() if spans} == {
            "mon": [["09:00", "12:00"], ["13:30", "17:00"]],
            "sun": [["18:00", "24:00"]],
        }
        again = form_of(client, HOURS)
        assert (again["when"], again["mon_to_2"], again["sun_to_1"]) == ("by_day", "17:00", "00:00")

    def test_always_open_removes_all_hours(self, scene: PortalScene, client: Client) -> None:
        send(client, HOURS, when="by_day", mon_from_1="09:00", mon_to_1="12:00")
        assert send(client, HOURS, when="always").status_code == 302
        assert Buyer.objects.get(pk=scene.buyer.pk).hours == {}

    def test_day_with_more_spans_keeps_them(self, scene: PortalScene, client: Client) -> None:
        spans = [["08:00", "09:00"], ["10:00", "11:00"], ["12:00", "13:00"]]
        Buyer.objects.filter(pk=scene.buyer.pk).update(hours={"mon": spans})
        send(client, HOURS, tue_from_1="09:00", tue_to_1="10:00")
        hours = Buyer.objects.get(pk=scene.buyer.pk).hours
        assert (hours["mon"], hours["tue"]) == (spans, [["09:00", "10:00"]])

    @pytest.mark.parametrize(
        "typed",
        [
            {"mon_from_1": "09:00"},
            {"mon_to_1": "09:00"},
            {"mon_from_1": "12:00", "mon_to_1": "09:00"},
            {"mon_from_1": "25:00", "mon_to_1": "26:00"},
        ],
    )
    def test_hours_that_cannot_be_are_refused(
        self, typed: dict[str, str], scene: PortalScene, client: Client
    ) -> None:
        answer = send(client, HOURS, **{**NO_TIMES, "when": "by_day", **typed})
        assert answer.status_code == 400
        assert "Nothing was saved" in answer.content.decode()
        assert Buyer.objects.get(pk=scene.buyer.pk).hours == {}


class TestPause:
    def test_manager_pauses_until_tomorrow_and_resumes(self, scene: PortalScene, client: Client) -> None:
        assert send(client, PAUSE, action="pause", how_long="tomorrow").status_code == 302
        buyer = Buyer.objects.get(pk=scene.buyer.pk)
        assert buyer.paused_at is not None
        assert buyer.paused_until is not None
        local = buyer.paused_until.astimezone(ZoneInfo(buyer.timezone))
        began = buyer.paused_at.astimezone(local.tzinfo)
        assert (local.hour, local.minute, (local.date() - began.date()).days) == (8, 0, 1)
        home = client.get("/portal/").content.decode()
        assert "No leads right now" in home
        assert "You are paused" in home

        assert send(client, PAUSE, action="resume").status_code == 302
        assert Buyer.objects.get(pk=scene.buyer.pk).paused_at is None
        assert "</span>Active" in client.get("/portal/").content.decode()

    def test_pause_without_an_end(self, scene: PortalScene, client: Client) -> None:
        send(client, PAUSE, action="pause", how_long="open")
        buyer = Buyer.objects.get(pk=scene.buyer.pk)
        assert buyer.paused_at is not None
        assert buyer.paused_until is None

    def test_pause_of_the_agency_is_not_ended(self, scene: PortalScene, client: Client) -> None:
        version = form_of(client, PAUSE)["version"]
        Buyer.objects.filter(pk=scene.buyer.pk).update(paused_at=scene.sold.created_at)
        page = client.get(PAUSE)
        assert "Sunbelt Leads paused you" in page.content.decode()
        assert client.post(PAUSE, {"action": "resume", "version": version}).status_code == 409
        fresh = page.context["form"]["version"].value()
        answer = client.post(PAUSE, {"action": "resume", "version": fresh})
        assert answer.status_code == 400
        assert "Your agency paused you. Ask it to resume you." in answer.content.decode()
        assert Buyer.objects.get(pk=scene.buyer.pk).paused_at is not None


class TestArea:
    def test_form_that_is_sent_back_changes_nothing(self, scene: PortalScene, client: Client) -> None:
        before = Buyer.objects.get(pk=scene.buyer.pk).service_area
        assert send(client, AREA).status_code == 302
        assert Buyer.objects.get(pk=scene.buyer.pk).service_area == before

    def test_manager_changes_places(self, scene: PortalScene, client: Client) -> None:
        answer = send(
            client,
            AREA,
            states="ga al",
            counties="TX: Dallas County\ntx:collin county",
            zips="75201; 75202",
            zip_1="",
            miles_1="",
            exclude_zips="",
        )
        assert answer.status_code == 302
        area = Buyer.objects.get(pk=scene.buyer.pk).service_area
        assert area["states"] == ["GA", "AL"]
        assert [each.casefold() for each in area["counties"]] == ["tx:dallas county", "tx:collin county"]
        assert area["zips"] == ["75201", "75202"]
        assert "radius" not in area
        text = client.get(AREA).content.decode()
        assert "TX: Dallas County" in text
        assert "<svg" in text

    def test_place_that_does_not_exist_is_refused(self, scene: PortalScene, client: Client) -> None:
        before = Buyer.objects.get(pk=scene.buyer.pk).service_area
        answer = send(client, AREA, states="Georgetown")
        assert answer.status_code == 400
        assert "Georgetown" in answer.content.decode()
        assert Buyer.objects.get(pk=scene.buyer.pk).service_area == before

    def test_circle_needs_both_values(self, client: Client) -> None:
        answer = send(client, AREA, zip_2="30312")
        assert answer.status_code == 400
        assert answer.context["form"].errors["miles_2"]

    def test_area_can_be_emptied(self, client: Client) -> None:
        answer = send(client, AREA, states="", zip_1="", miles_1="", exclude_zips="")
        assert answer.status_code == 302
        assert "covers no ZIP codes" in client.get(AREA).content.decode()
        assert "Your service area covers no ZIP codes." in client.get("/portal/").content.decode()


class TestProfile:
    PATH = "/portal/settings/company/"

    def test_manager_changes_the_contact_and_the_time_zone(self, scene: PortalScene, client: Client) -> None:
        answer = send(
            client,
            self.PATH,
            timezone="America/Chicago",
            contact_name="Dana Price",
            contact_email="Dana@Atlas.example",
            contact_phone="(404) 555-0199",
        )
        assert answer.status_code == 302
        buyer = Buyer.objects.get(pk=scene.buyer.pk)
        assert (buyer.name, buyer.timezone) == ("Atlas Roofing", "America/Chicago")
        assert (buyer.contact_email, buyer.contact_phone) == ("dana@atlas.example", "+14045550199")
        assert " CST" in client.get("/portal/leads/").content.decode()

    def test_zone_that_is_not_listed_stays(self, scene: PortalScene, client: Client) -> None:
        Buyer.objects.filter(pk=scene.buyer.pk).update(timezone="Europe/Berlin")
        assert send(client, self.PATH).status_code == 302
        assert Buyer.objects.get(pk=scene.buyer.pk).timezone == "Europe/Berlin"

    @pytest.mark.parametrize(
        ("name", "typed"),
        [("name", ""), ("contact_email", "dana"), ("contact_phone", "12"), ("timezone", "Mars/Olympus")],
    )
    def test_wrong_value_is_refused_beside_its_field(
        self, name: str, typed: str, scene: PortalScene, client: Client
    ) -> None:
        before = Buyer.objects.filter(pk=scene.buyer.pk).values().get()
        answer = send(client, self.PATH, **{name: typed})
        assert answer.status_code == 400
        assert list(answer.context["form"].errors) == [name]
        assert Buyer.objects.filter(pk=scene.buyer.pk).values().get() == before


class TestApproval:
    """A change of the name always needs the agency's approval."""

    PATH, LIST = "/portal/settings/company/", "/portal/settings/changes/"

    @pytest.fixture(autouse=True)
    def nothing_waits(self, scene: PortalScene) -> None:
        scene.proposal.delete()

    def test_change_waits_and_is_withdrawn(self, scene: PortalScene, client: Client) -> None:
        answer = send(client, self.PATH, name="Atlas Roofing Inc.")
        assert answer["Location"] == f"{self.PATH}?done=change-asked"
        assert "Your agency must approve this change." in client.get(answer["Location"]).content.decode()
        assert Buyer.objects.get(pk=scene.buyer.pk).name == "Atlas Roofing"
        assert "1 change waits for Sunbelt Leads" in client.get("/portal/settings/").content.decode()

        proposal = ChangeProposal.objects.get()
        answer = client.post(f"{self.LIST}{proposal.public_id}/withdraw/")
        assert answer["Location"] == f"{self.LIST}?done=change-withdrawn"
        proposal.refresh_from_db()
        assert (proposal.state, proposal.decided_by) == ("withdrawn", "portal Dana Price")

    def test_second_change_is_refused_while_one_waits(self, scene: PortalScene, client: Client) -> None:
        send(client, self.PATH, name="Atlas Inc.")
        answer = send(client, self.PATH, name="Atlas LLC")
        assert answer.status_code == 400
        assert "waits for your agency" in answer.content.decode()
        assert ChangeProposal.objects.count() == 1
        assert Buyer.objects.get(pk=scene.buyer.pk).name == "Atlas Roofing"

    def test_decided_change_stays_decided(self, scene: PortalScene, client: Client) -> None:
        send(client, self.PATH, name="Atlas Inc.")
        proposal = ChangeProposal.objects.get()
        decline(proposal.pk, by=Author("ann", scene.sold.created_at, "keep the name"))
        answer = client.post(f"{self.LIST}{proposal.public_id}/withdraw/")
        assert answer["Location"] == self.LIST
        shown = client.get(self.LIST).content.decode()
        assert "declined" in shown
        assert "keep the name" in shown
