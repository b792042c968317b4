"""A buyer's program changes its account over REST: versions, merging, refusals, and what the answers show."""

from typing import Any, Final

import pytest
from django.test import Client
from rest_framework import serializers

from distribution.api import accountdocuments as documents
from distribution.api import accountexamples, endpointdocuments
from distribution.api.buyerdocuments import AssignmentPage, WalletDocument
from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer, BuyerKey, Campaign, Endpoint, EndpointSecret, Enrollment
from routing.models import Lead
from tests.support.described import assert_described
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    DeliveryFactory,
    EndpointFactory,
    LeadFactory,
    enroll,
    issue_buyer_key,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

BASE: Final = "/api/v1/buyer/"
QUESTION: Final = {"key": "types", "field": "attributes.type", "op": "in", "required": True}
URL: Final = "https://93.184.216.34/leads"


@pytest.fixture
def campaign() -> Campaign:
    made: Campaign = CampaignFactory(questions=[QUESTION])
    return made


@pytest.fixture
def buyer(campaign: Campaign) -> Buyer:
    [enrollment] = enroll(campaign, count=1)
    return enrollment.buyer


@pytest.fixture
def api(buyer: Buyer) -> "Api":
    return Api(buyer)


class Api:
    def __init__(self, buyer: Buyer) -> None:
        self.client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer, name='CRM')}"})

    def get(self, path: str) -> Any:
        return self.client.get(BASE + path)

    def send(
        self, method: str, path: str, body: Any = None, *, version: str | None = None, kind: str = "json"
    ) -> Any:
        headers = {} if version is None else {"If-Match": version}
        content = "application/merge-patch+json" if kind == "merge" else "application/json"
        return getattr(self.client, method)(BASE + path, body, content_type=content, headers=headers)

    def change(self, path: str, body: Any) -> Any:
        """With the version of a read just before."""
        return self.send("patch", path, body, version=self.get(path)["ETag"])


PARTS: Final[dict[str, tuple[dict[str, Any], type[serializers.Serializer[Any]]]]] = {
    "me/": ({"timezone": "America/Chicago"}, documents.MeDocument),
    "area/": ({"service_area": {"states": ["AL"]}}, documents.AreaDocument),
    "hours/": ({"hours": {"mon": [["09:00", "17:00"]]}}, documents.HoursDocument),
    "answers/": ({"answers": {"types": ["roof"]}}, documents.AnswersDocument),
    "pause/": ({"paused": True}, documents.PauseDocument),
    "wallet/": ({"notice_below_cents": 500}, WalletDocument),
}


@pytest.mark.parametrize("path", PARTS)
def test_each_part_is_read_changed_and_described(api: Api, path: str) -> None:
    change, document = PARTS[path]
    before = api.get(path)
    assert_described(before.json(), document())

    answer = api.send("patch", path, change, version=before["ETag"])

    assert answer.status_code == 200
    assert answer["ETag"] != before["ETag"]
    assert_described(answer.json(), document())
    again = api.get(path)
    assert (again.json(), again["ETag"]) == (answer.json(), answer["ETag"])
    assert AuditEntry.objects.get().actor == f"key CRM ({BuyerKey.objects.get().prefix})"


@pytest.mark.parametrize("path", PARTS)
def test_change_without_the_present_version_is_refused(api: Api, path: str) -> None:
    change, _ = PARTS[path]
    first = api.get(path)["ETag"]
    missing = api.send("patch", path, change)
    assert (missing.status_code, missing.json()["error"]["code"]) == (428, "version_required")
    assert api.send("patch", path, change, version=first).status_code == 200

    stale = api.send("patch", path, change, version=first)

    present = api.get(path)["ETag"]
    assert (stale.status_code, stale["ETag"]) == (412, present)
    assert stale.json()["error"] | {"message": ""} == {"code": "stale", "message": "", "etag": present}
    assert AuditEntry.objects.count() == 1


def test_both_media_types_are_accepted(api: Api, buyer: Buyer) -> None:
    for kind, zip_code in (("json", "30312"), ("merge", "30313")):
        body = {"service_area": {"zips": [zip_code]}}
        answer = api.send("patch", "area/", body, version=api.get("area/")["ETag"], kind=kind)
        assert answer.json()["service_area"]["zips"] == [zip_code]
    buyer.refresh_from_db()
    assert buyer.service_area["zips"] == ["30313"]


def test_wrong_field_is_named_with_the_words_of_the_form(api: Api) -> None:
    answer = api.change("area/", {"service_area": {"sates": ["GA"]}})
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"] == {
        "service_area": [{"code": "invalid", "message": "sates: unknown key: did you mean 'states'?"}]
    }
    unknown = api.change("me/", {"credit_limit_cents": 5})
    assert list(unknown.json()["error"]["fields"]) == ["credit_limit_cents"]
    assert api.change("me/", [1]).json()["error"]["code"] == "malformed"


def test_pause_of_the_agency_is_409(api: Api, buyer: Buyer) -> None:
    Buyer.objects.filter(pk=buyer.pk).update(paused_at="2026-01-01T00:00:00Z")
    assert api.get("pause/").json() == {"paused": True, "paused_until": None, "paused_by": "agency"}
    answer = api.change("pause/", {"paused": False})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "paused_by_agency")


def test_me_shows_all_settings(api: Api, campaign: Campaign) -> None:
    me = api.get("me/").json()
    [place] = me["enrollments"]
    assert place["campaign"] == {"id": str(campaign.public_id), "name": campaign.name}
    assert me["questions"] == [
        {
            "key": "types",
            "campaign": place["campaign"],
            "field": "attributes.type",
            "op": "in",
            "is_required": True,
        }
    ]
    for path in ("area/", "hours/", "answers/", "pause/"):
        assert api.get(path).json().items() <= me.items()
    assert api.get("enrollments/").json() == {"results": me["enrollments"]}
    assert api.get(f"enrollments/{campaign.public_id}/").json() == place


def test_enrollment_is_changed_under_its_campaigns_id(api: Api, campaign: Campaign) -> None:
    path = f"enrollments/{campaign.public_id}/"
    answer = api.change(
        path, {"caps": {"day": 5}, "bid_cents": 4_000, "paused_until": "2199-01-01T00:00:00Z"}
    )
    assert answer.json()["error"]["fields"]["paused_until"][0]["code"] == "invalid"
    assert Enrollment.objects.get().cap_day is None

    answer = api.change(path, {"caps": {"day": 5}, "bid_cents": 4_000, "paused": True})
    assert_described(answer.json(), documents.EnrollmentDocument())
    shown = answer.json()
    assert (shown["caps"]["day"], shown["bid_cents"], shown["paused"]) == (5, 4_000, True)
    assert api.get(f"enrollments/{CampaignFactory.create().public_id}/").status_code == 404


def test_examples_are_valid_responses() -> None:
    described: dict[str, Any] = {
        "buyer_me": documents.MeDocument(),
        "buyer_area": documents.AreaDocument(),
        "buyer_hours": documents.HoursDocument(),
        "buyer_answers": documents.AnswersDocument(),
        "buyer_pause": documents.PauseDocument(),
        "buyer_wallet": WalletDocument(),
        "buyer_enrollment": documents.EnrollmentDocument(),
        "buyer_enrollments_list": documents.EnrollmentList(),
    }
    for operation, example in accountexamples.ANSWERS.items():
        assert_described(example, described[operation.removesuffix("_change")])
    assert_described(endpointdocuments.ENDPOINT, endpointdocuments.OwnEndpointDocument())


class TestEndpoints:
    NEW: Final = {"name": "CRM", "method": "webhook", "url": URL}

    def test_webhook_is_added_with_a_secret_that_is_shown_once(self, api: Api, buyer: Buyer) -> None:
        answer = api.send("post", "endpoints/", self.NEW)

        assert answer.status_code == 201
        made = Endpoint.objects.get()
        assert (made.buyer, made.url, made.workspace_id) == (buyer, URL, buyer.workspace_id)
        assert answer["Location"] == f"{BASE}endpoints/{made.public_id}/"
        body = answer.json()
        assert body.pop("secret") == EndpointSecret.objects.get().secret
        shown = api.get(f"endpoints/{made.public_id}/")
        assert (shown.json(), shown["ETag"]) == (body, answer["ETag"])
        assert_described(body, endpointdocuments.OwnEndpointDocument())
        assert api.get("endpoints/").json() == {"results": [body]}
        actors = set(AuditEntry.objects.values_list("actor", flat=True))
        assert actors == {f"key CRM ({BuyerKey.objects.get().prefix})"}

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"url": "https://10.0.0.1/leads"}, "url"),
            ({"url": "http://93.184.216.34/leads"}, "url"),
            ({"url": ""}, "url"),
            ({"method": "fax"}, "method"),
            ({"name": None}, "name"),
            ({"email_to": "ann@example.com"}, "email_to"),
            ({"timeout_seconds": 61}, "timeout_seconds"),
            ({"max_in_flight": True}, "max_in_flight"),
            ({"disabled_at": None}, "disabled_at"),
            ({"campaign_id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d92"}, "campaign_id"),
        ],
    )
    def test_wrong_setting_is_refused(self, api: Api, change: dict[str, Any], field: str) -> None:
        answer = api.send("post", "endpoints/", {**self.NEW, **change})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])
        assert not Endpoint.objects.exists()

    def test_refusal_says_nothing_about_the_agencys_network(self, api: Api) -> None:
        answer = api.send("post", "endpoints/", {**self.NEW, "url": "https://localhost/leads"})
        [problem] = answer.json()["error"]["fields"]["url"]
        assert "public addresses" in problem["message"]
        assert "127.0.0.1" not in answer.content.decode()

    def test_headers_are_merged_and_never_shown(self, api: Api, buyer: Buyer) -> None:
        new = {"name": "CRM", "method": "http", "url": URL, "headers": {"X-Key": "s3cret", "X-Old": "1"}}
        made = api.send("post", "endpoints/", {**new, "template": {"Zip": "{zip}"}})
        assert made.status_code == 201, made.content
        path = f"endpoints/{made.json()['id']}/"
        answer = api.change(path, {"headers": {"X-Old": None, "X-New": "2"}})

        assert answer.json()["header_names"] == ["X-Key", "X-New"]
        assert Endpoint.objects.get(buyer=buyer).headers == {"X-Key": "s3cret", "X-New": "2"}
        assert "s3cret" not in api.get(path).content.decode()
        for entry in AuditEntry.objects.all():
            assert "s3cret" not in str((entry.before, entry.after))

    def test_other_method_resets_what_it_does_not_use(self, api: Api) -> None:
        made = api.send("post", "endpoints/", self.NEW).json()
        answer = api.change(f"endpoints/{made['id']}/", {"method": "email", "email_to": "a@example.com"})
        assert answer.json()["url"] == ""
        back = api.change(f"endpoints/{made['id']}/", {"method": "webhook", "url": URL})
        assert (back.json()["email_to"], back.json()["url"]) == ("", URL)

    def test_of_two_new_secrets_with_one_version_one_is_made(self, api: Api) -> None:
        made = api.send("post", "endpoints/", self.NEW)
        path = f"endpoints/{made.json()['id']}/secrets/"
        first = api.send("post", path, version=made["ETag"])
        assert (first.status_code, EndpointSecret.objects.count()) == (201, 2)
        assert first.json()["secret"] != made.json()["secret"]
        assert api.send("post", path, version=made["ETag"]).status_code == 412
        assert api.send("post", path).status_code == 428
        assert EndpointSecret.objects.count() == 2

    def test_only_a_webhook_has_a_secret(self, api: Api) -> None:
        made = api.send(
            "post", "endpoints/", {"name": "inbox", "method": "email", "email_to": "a@example.com"}
        )
        assert "secret" not in made.json()
        answer = api.send("post", f"endpoints/{made.json()['id']}/secrets/", version=made["ETag"])
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_secret")

    def test_endpoint_without_deliveries_is_deleted_and_another_is_kept(self, api: Api, buyer: Buyer) -> None:
        made = api.send("post", "endpoints/", self.NEW)
        assert api.send("delete", f"endpoints/{made.json()['id']}/").status_code == 428
        gone = api.send("delete", f"endpoints/{made.json()['id']}/", version=made["ETag"])
        assert (gone.status_code, Endpoint.objects.count()) == (204, 0)
        assert AuditEntry.objects.latest("pk").action == "deleted"

        used = EndpointFactory.create(buyer=buyer)
        DeliveryFactory.create(endpoint=used)
        path = f"endpoints/{used.public_id}/"
        kept = api.send("delete", path, version=api.get(path)["ETag"])
        assert (kept.status_code, kept.json()["error"]["code"]) == (409, "has_deliveries")
        assert Endpoint.objects.get() == used

    def test_name_is_unique_and_endpoints_are_limited(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("distribution.selfservice.endpoints.MOST", 1)
        assert api.send("post", "endpoints/", self.NEW).status_code == 201
        answer = api.send("post", "endpoints/", self.NEW)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many")
        monkeypatch.setattr("distribution.selfservice.endpoints.MOST", 2)
        answer = api.send("post", "endpoints/", self.NEW)
        assert answer.status_code == 400
        assert Endpoint.objects.count() == 1

    def test_test_needs_a_confirmed_address(self, api: Api) -> None:
        made = api.send("post", "endpoints/", self.NEW).json()
        answer = api.send("post", f"endpoints/{made['id']}/test/", {})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_confirmed")
        assert URL in answer.json()["error"]["message"]

    def test_endpoints_of_others_and_subscriptions_are_not_found(self, api: Api, buyer: Buyer) -> None:
        foreign = EndpointFactory.create(buyer=BuyerFactory.create(workspace=buyer.workspace))
        events = EndpointFactory.create(buyer=buyer, method="webhook", events=["lead.sold"])
        for row in (foreign, events):
            assert api.get(f"endpoints/{row.public_id}/").status_code == 404
        assert api.get("endpoints/").json() == {"results": []}


class TestPolling:
    def test_each_assignment_comes_once_in_order(self, campaign: Campaign) -> None:
        Campaign.objects.update(questions=[])
        [enrollment] = enroll(campaign, count=1, credits_cents=100_000)
        api, begin = Api(enrollment.buyer), "assignments/?since=2026-01-01T00:00:00Z&limit=2"
        nothing = api.get(begin).json()
        assert (nothing["results"], nothing["next_cursor"]) == ([], None)

        sold = [str(sell_to(campaign).public_id) for _ in range(3)]
        first = api.get(f"assignments/?limit=2&since={nothing['next_since']}").json()
        assert first == {**api.get(begin).json(), "next_since": first["next_since"]}
        second = api.get(f"assignments/?limit=2&since={first['next_since']}").json()
        third = api.get(f"assignments/?since={second['next_since']}").json()

        shown = [each["lead"]["id"] for page in (first, second, third) for each in page["results"]]
        assert shown == sold
        again = sell_to(campaign)
        [late] = api.get(f"assignments/?since={third['next_since']}").json()["results"]
        assert late["lead"]["id"] == str(again.public_id)
        assert_described(second, AssignmentPage())

    @pytest.mark.parametrize(
        "query", ["since=x", "since=2026-01-01", "since=2026-01-01T00:00:00Z&state=sold"]
    )
    def test_wrong_parameters_are_refused(self, api: Api, query: str) -> None:
        assert api.get(f"assignments/?{query}").status_code == 400

    def test_position_belongs_to_one_buyer(self, api: Api, buyer: Buyer) -> None:
        other = Api(BuyerFactory.create(workspace=buyer.workspace))
        foreign = other.get("assignments/?since=2026-01-01T00:00:00Z").json()["next_since"]
        assert api.get(f"assignments/?since={foreign}").status_code == 400


class TestMissedFilters:
    @pytest.fixture
    def missed(self, campaign: Campaign) -> Buyer:
        """Two leads that lacked an answer, and one that lacked credits."""
        [enrollment] = enroll(campaign, count=1)
        miss(campaign)
        miss(campaign)
        Buyer.objects.filter(pk=enrollment.buyer_id).update(answers={"types": ["roof"]})
        miss(campaign)
        return enrollment.buyer

    @pytest.mark.parametrize(
        ("query", "numbers"),
        [
            ("", [2, 1, 0]),
            ("reason=onboarding_mismatch", [1, 0]),
            ("exclude=onboarding_mismatch", [2]),
            ("exclude=onboarding_mismatch,insufficient_credits", []),
            ("from={1}", [2, 1]),
            ("to={1}", [0]),
            ("from={1}&to={2}", [1]),
            ("from={1}&reason=insufficient_credits", [2]),
            ("from=2199-03-03T00:00:00Z", []),
            ("to=2020-03-03T00:00:00Z", []),
        ],
    )
    def test_filters(self, missed: Buyer, query: str, numbers: list[int]) -> None:
        api = Api(missed)
        times = [each["decided_at"] for each in reversed(api.get("missed/").json()["results"])]
        answer = api.get(f"missed/?{query.format(*times)}").json()
        assert [times.index(each["decided_at"]) for each in answer["results"]] == numbers
        assert answer["next_cursor"] is None

    def test_unknown_reason_is_refused(self, api: Api) -> None:
        answer = api.get("missed/?exclude=bad_luck")
        assert list(answer.json()["error"]["fields"]) == ["exclude"]


def sell_to(campaign: Campaign) -> Lead:
    lead: Lead = LeadFactory(source__workspace=campaign.workspace)
    assert distribute_lead(lead.pk).result == "success"
    return lead


def miss(campaign: Campaign) -> None:
    lead = LeadFactory.create(source__workspace=campaign.workspace, attributes={"type": "roof"})
    assert distribute_lead(lead.pk).result == "unsold"
