"""Managers change filters, rules of bids, answers and endpoints in the portal."""

from typing import Any

import pytest
from django.test import Client

from distribution.models import Buyer, Endpoint, EndpointSecret, Enrollment
from tests.functional.portal.test_changes import form_of, send
from tests.support.portal import signed_in
from tests.support.portal_scene import PortalScene, build_portal_scene
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
DEEP = {
    "any": [{"field": "state", "op": "eq", "value": "GA"}, {"field": "zip", "op": "eq", "value": "37402"}]
}
QUESTIONS = [{"key": "types", "field": "attributes.property", "op": "in", "required": True}]


@pytest.fixture
def scene() -> PortalScene:
    return build_portal_scene()


@pytest.fixture
def client(scene: PortalScene) -> Client:
    return signed_in(scene.user)


def place_of(scene: PortalScene) -> Enrollment:
    return Enrollment.objects.get(campaign=scene.campaign, buyer=scene.buyer)


def page(scene: PortalScene, name: str) -> str:
    return f"/portal/settings/campaigns/{scene.campaign.public_id}/{name}/"


class TestFilter:
    def test_stored_filter_is_shown_in_words_and_lines(self, scene: PortalScene, client: Client) -> None:
        answer = client.get(page(scene, "filter"))
        assert "Now: Roof age is at least 5." in answer.content.decode()
        values = form_of(client, page(scene, "filter"))
        shown = (values["field_0"], values["op_0"], values["value_0"])
        assert shown == ("attributes.roof_age", "gte", "5")

    def test_lines_become_a_filter(self, scene: PortalScene, client: Client) -> None:
        lines = {
            "field_1": "state",
            "op_1": "in",
            "value_1": "Georgia, AL",
            "field_2": "city",
            "op_2": "exists",
        }
        assert send(client, page(scene, "filter"), **lines).status_code == 302
        assert place_of(scene).lead_filter == {
            "all": [
                {"field": "attributes.roof_age", "op": "gte", "value": 5},
                {"field": "state", "op": "in", "value": ["GA", "AL"]},
                {"field": "city", "op": "exists"},
            ]
        }
        assert AuditEntry.objects.get(model="distribution.enrollment").actor == "portal Dana Price"

    def test_form_that_is_sent_back_changes_nothing(self, scene: PortalScene, client: Client) -> None:
        before = place_of(scene).lead_filter
        assert send(client, page(scene, "filter")).status_code == 302
        assert place_of(scene).lead_filter == before

    def test_cleared_line_takes_every_lead(self, scene: PortalScene, client: Client) -> None:
        send(client, page(scene, "filter"), field_0="", value_0="")
        assert place_of(scene).lead_filter == {}

    @pytest.mark.parametrize("typed", [{"value_0": ""}, {"field_1": "email"}, {"op_0": "between"}])
    def test_wrong_line_is_refused(self, typed: dict[str, str], scene: PortalScene, client: Client) -> None:
        before = place_of(scene).lead_filter
        answer = send(client, page(scene, "filter"), **typed)
        assert answer.status_code == 400
        assert place_of(scene).lead_filter == before

    def test_filter_with_levels_is_replaced_only_on_purpose(self, scene: PortalScene, client: Client) -> None:
        Enrollment.objects.filter(pk=place_of(scene).pk).update(lead_filter=DEEP)
        assert "more levels" in client.get(page(scene, "filter")).content.decode()
        line = {"field_0": "state", "op_0": "in", "value_0": "AL"}
        assert send(client, page(scene, "filter"), **line).status_code == 400
        assert place_of(scene).lead_filter == DEEP
        assert send(client, page(scene, "filter"), replace="on", **line).status_code == 302
        assert place_of(scene).lead_filter == {"field": "state", "op": "in", "value": ["AL"]}


class TestBids:
    def test_lines_become_rules(self, scene: PortalScene, client: Client) -> None:
        lines = {"field_0": "state", "op_0": "in", "value_0": "GA", "bid_0": "45", "bid_1": "20.50"}
        assert send(client, page(scene, "bids"), **lines).status_code == 302
        georgia = {"field": "state", "op": "in", "value": ["GA"]}
        assert place_of(scene).standing_bids == [
            {"when": georgia, "bid_cents": 4_500},
            {"when": {}, "bid_cents": 2_050},
        ]
        assert "Now: $45.00 if state is one of GA" in client.get(page(scene, "bids")).content.decode()
        send(client, page(scene, "bids"), value_0="", bid_0="")
        assert place_of(scene).standing_bids == [{"when": {}, "bid_cents": 2_050}]

    def test_rule_without_a_bid_is_refused(self, scene: PortalScene, client: Client) -> None:
        answer = send(client, page(scene, "bids"), field_0="state", op_0="in", value_0="GA")
        assert answer.status_code == 400
        assert place_of(scene).standing_bids == []


class TestAnswers:
    def test_answer_is_read_as_a_list_and_removed(self, scene: PortalScene, client: Client) -> None:
        type(scene.campaign).objects.filter(pk=scene.campaign.pk).update(questions=QUESTIONS)
        path = "/portal/settings/answers/"
        assert "Without an answer you get no leads." in client.get(path).content.decode()
        assert send(client, path, answer_0="single_family, condo").status_code == 302
        assert Buyer.objects.get(pk=scene.buyer.pk).answers == {"types": ["single_family", "condo"]}
        assert form_of(client, path)["answer_0"] == "single_family, condo"
        send(client, path, answer_0="")
        assert Buyer.objects.get(pk=scene.buyer.pk).answers == {}

    def test_without_questions_the_page_says_so(self, client: Client) -> None:
        assert "Your campaigns ask no questions." in client.get("/portal/settings/answers/").content.decode()


class TestEndpoint:
    def path(self, scene: PortalScene) -> str:
        return f"/portal/settings/endpoints/{scene.endpoint.public_id}/"

    def test_manager_changes_where_leads_go(self, scene: PortalScene, client: Client) -> None:
        url = "https://93.184.216.34/leads"
        assert send(client, self.path(scene), url=url, active=None).status_code == 302
        endpoint = Endpoint.objects.get(pk=scene.endpoint.pk)
        assert (endpoint.url, endpoint.active) == (url, False)

    @pytest.mark.parametrize("url", ["http://93.184.216.34/", "https://127.0.0.1/", "https://10.0.0.1/", ""])
    def test_address_that_is_not_public_is_refused(
        self, url: str, scene: PortalScene, client: Client
    ) -> None:
        answer = send(client, self.path(scene), url=url)
        assert answer.status_code == 400
        assert answer.context["form"].errors["url"]
        assert Endpoint.objects.get(pk=scene.endpoint.pk).url == scene.endpoint.url

    def test_new_secret_is_shown_once_and_made_once(self, scene: PortalScene, client: Client) -> None:
        version = form_of(client, self.path(scene))["version"]
        answer: Any = client.post(f"{self.path(scene)}secret/", {"version": version})
        secret = answer.context["secret"]
        assert secret in answer.content.decode()
        assert EndpointSecret.objects.filter(endpoint=scene.endpoint).count() == 1
        again = client.post(f"{self.path(scene)}secret/", {"version": version})
        assert again.status_code == 409
        assert EndpointSecret.objects.filter(endpoint=scene.endpoint).count() == 1
        assert secret not in client.get(self.path(scene)).content.decode()

    def test_secret_is_not_in_the_audit_log(self, scene: PortalScene, client: Client) -> None:
        version = form_of(client, self.path(scene))["version"]
        answer: Any = client.post(f"{self.path(scene)}secret/", {"version": version})
        assert answer.context["secret"] not in repr(list(AuditEntry.objects.values()))
