"""JSON fields are checked while a user types, with the messages of saving. A valid value is described."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from distribution.models import Buyer, Campaign, Endpoint, Enrollment, Tier
from routing.admin.typed import MAX_CHARACTERS, TypedChecks
from routing.models import Workspace
from tests.support.admin_pages import (
    EDITABLE,
    JSON_FIELDS,
    build_world,
    client_of,
    page,
    person,
    problems,
    save,
)
from tests.support.factories import BuyerFactory, CampaignFactory, EnrollmentFactory, TierFactory

pytestmark = pytest.mark.django_db

every_field = pytest.mark.parametrize(
    ("model", "field"), JSON_FIELDS, ids=[f"{model.__name__}.{name}" for model, name in JSON_FIELDS]
)


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def check_url(model: type[Model], field: str, row: Model | None = None) -> str:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_check", args=[field])
    return url if row is None else f"{url}?id={row.pk}"


def check(client: Client, model: type[Model], field: str, text: str, row: Model | None = None) -> Any:
    answer = client.post(check_url(model, field, row), {"text": text})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_every_json_field_of_every_form_is_checked() -> None:
    checked = {
        (model, name)
        for model in EDITABLE
        if isinstance(registered := admin.site._registry[model], TypedChecks)
        for name in registered.describers
    }
    assert checked == set(JSON_FIELDS)
    assert len(checked) == 14


@every_field
def test_form_names_the_address_of_the_check(model: type[Model], field: str, client: Client) -> None:
    build_world()
    row = model._default_manager.first()
    assert row is not None
    for url, asks in (
        (page(model, "change", row.pk), check_url(model, field, row)),
        (page(model, "add"), check_url(model, field)),
    ):
        answer = client.get(url)
        attributes = answer.context["adminform"].form.fields[field].widget.attrs
        assert attributes["data-check"] == asks
        assert "leadswitch/typed.js" in answer.content.decode()
        assert client.post(asks, {"text": ""}).json()["is_valid"] is True


LEAF = '{"field": "state", "op": "in", "value": ["GA", "AL"]}'
MEANINGS: list[tuple[type[Model], str, str, str]] = [
    (Tier, "content_filter", LEAF, "reads as “state is one of GA, AL”"),
    (Tier, "content_filter", "{}", "reads as “every lead”"),
    (Enrollment, "lead_filter", f'{{"not": {LEAF}}}', "reads as “state is none of GA, AL”"),
    (
        Campaign,
        "price_rules",
        f'[{{"when": {LEAF}, "set_cents": 3000}}, {{"percent": 112.5}}, {{"when": {{}}, "add_cents": -50}}]',
        "the price becomes $30.00 if state is one of GA, AL; then the price becomes 112.5% of the current price"
        " for every lead; then $0.50 is subtracted for every lead",
    ),
    (Campaign, "price_rules", '[{"add_cents": 50}]', "$0.50 is added for every lead"),
    (Campaign, "price_rules", "[]", "no rules; the price does not change"),
    (
        Campaign,
        "questions",
        '[{"key": "types", "field": "attributes.type", "op": "in", "required": true},'
        ' {"key": "age", "field": "attributes.age", "op": "gte"}]',
        "“types” (must be answered): type is one of the buyer's answer;"
        " “age” (may be left blank): age >= the buyer's answer",
    ),
    (Campaign, "questions", "[]", "no questions"),
    (
        Campaign,
        "schedule",
        '{"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "tue": []}',
        "open Monday 09:00 to 12:00 and 13:00 to 17:00;"
        " closed Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday",
    ),
    (Workspace, "hours", '{"mon": []}', "never open"),
    (Buyer, "hours", "{}", "always open"),
    (Buyer, "hours", '{"mon": []}', "never open"),
    (Buyer, "answers", '{"types": ["a", "b"], "new": true}', "“types” is a or b; “new” is yes"),
    (Buyer, "answers", "{}", "no answers"),
    (Buyer, "service_area", '{"zips": ["30312"]}', "covers 1 ZIP"),
    (Endpoint, "template", '{"Zip": "{zip}", "Name": "{first_name}"}', "sends 2 fields: Zip, Name"),
    (Endpoint, "template", "{}", "sends every field by its usual name"),
    (Endpoint, "new_headers", '{"X-Key": "abc-def"}', "sends 1 header: X-Key"),
    (Endpoint, "new_headers", "", "the stored headers stay"),
    (Endpoint, "new_headers", "{}", "sends no headers of its own"),
    (Buyer, "service_area", "{}", "covers no ZIP codes, so this buyer would get no leads"),
]


@pytest.mark.parametrize(("model", "field", "text", "meaning"), MEANINGS)
def test_valid_definition_is_described(
    model: type[Model], field: str, text: str, meaning: str, client: Client
) -> None:
    answer = check(client, model, field, text)

    assert (answer["is_valid"], answer["says"]) == (True, [f"Valid: {meaning}."])


def test_area_is_drawn_as_it_is_typed(client: Client) -> None:
    """DeKalb County has two spellings in the data, but is one county."""
    typed = '{"counties": ["GA:DeKalb County", "IL:DeKalb County"]}'
    buyer = BuyerFactory(service_area={"states": ["TX"]})

    preview = check(client, Buyer, "service_area", typed, buyer)["preview"]

    assert '<path class="admin-covered" d="M' in preview
    named = [part.split(":")[0] for part in preview.split("<li>")[1:]]
    assert named[:2] == ["DeKalb County, GA", "DeKalb County, IL"]
    assert "Dekalb County, GA" not in named
    assert check(client, Buyer, "service_area", "{}", buyer)["preview"] == ""
    buyer.refresh_from_db()
    assert buyer.service_area == {"states": ["TX"]}


WRONG: list[tuple[type[Model], str, str]] = [
    (Tier, "content_filter", '{"all": [{"field": "state", "op": "eq", "value": "GA"}, {"field": "stat"}]}'),
    (Tier, "content_filter", '{"field": "state", "op": "eq", "value": "GA"'),
    (Tier, "content_filter", '{"a": 1, "a": 2}'),
    (Tier, "content_filter", '"\\u0000"'),
    (Enrollment, "lead_filter", '{"any": "x"}'),
    (Campaign, "price_rules", '[{"when": {"field": "zip", "op": "near"}, "set_cents": 5}]'),
    (Campaign, "questions", '[{"key": "a", "field": "zip", "op": "exists"}]'),
    (Campaign, "schedule", '{"moonday": []}'),
    (Buyer, "hours", '{"mon": [["17:00", "09:00"]]}'),
    (Buyer, "answers", '{"types": {"a": 1}}'),
    (Buyer, "service_area", '{"radius": [{"zip": "00000", "miles": 5}]}'),
    (Buyer, "service_area", "[" * 50),
]


@pytest.mark.parametrize(("model", "field", "text"), WRONG)
def test_error_is_worded_as_on_save(model: type[Model], field: str, text: str, client: Client) -> None:
    build_world()
    row = model._default_manager.first()
    assert row is not None

    answer = check(client, model, field, text, row)

    assert (answer["is_valid"], answer["preview"]) == (False, "")
    assert answer["says"] == problems(save(client, model, row, **{field: text}))[field]


def test_path_and_a_fix_are_named(client: Client) -> None:
    text = '{"all": [{"field": "zip", "op": "eq", "value": "30312"}, {"field": "stat", "op": "equals"}]}'

    assert check(client, Tier, "content_filter", text)["says"] == [
        "all[1].field: unknown field 'stat': did you mean 'state'?",
        "all[1].op: unknown operator: use one of eq, ne, in, not_in, lt, lte, gt, gte, between, contains, "
        "starts_with, exists, missing",
    ]


def test_uniqueness_is_checked_as_well(client: Client) -> None:
    """Saving refuses an answer that the campaign's question cannot compare, so the check reports it first."""
    questions = [{"key": "types", "field": "attributes.type", "op": "in"}]
    enrollment = EnrollmentFactory(campaign__questions=questions, campaign__name="Roofing")
    typed = '{"types": "residential"}'

    result = check(client, Buyer, "answers", typed, enrollment.buyer)

    assert result["is_valid"] is False
    assert result["says"] == problems(save(client, Buyer, enrollment.buyer, answers=typed))["answers"]
    assert result["says"][0].startswith("For the campaign Roofing: types.value: ")
    assert check(client, Buyer, "answers", typed)["is_valid"] is True  # a new buyer is in no campaign


def test_check_writes_nothing_and_costs_the_same_for_any_text(client: Client) -> None:
    tier = TierFactory()
    url = check_url(Tier, "content_filter", tier)
    client.post(url, {"text": "{}"})
    counts = []
    for text in ("{}", LEAF, f'{{"all": [{", ".join([LEAF] * 150)}]}}', "{"):
        with CaptureQueriesContext(connection) as captured:
            client.post(url, {"text": text})
        assert not [each["sql"] for each in captured if not each["sql"].startswith("SELECT")]
        counts.append(len(captured))

    # The session, the user, the tier, and whether its position is free unless the text cannot be read.
    assert counts == [4, 4, 4, 3]


def test_text_that_is_too_long_is_left_to_saving(client: Client) -> None:
    answer = client.post(check_url(Tier, "content_filter"), {"text": "[" + " " * MAX_CHARACTERS})

    assert (answer.status_code, answer.json()["is_valid"]) == (413, None)


def test_too_many_checks_are_throttled(client: Client, settings: LazySettings) -> None:
    settings.LEADSWITCH_RATE_LIMITS = {**settings.LEADSWITCH_RATE_LIMITS, "admin": (1, 2)}
    url = check_url(Tier, "content_filter")
    other = client_of(User.objects.create_superuser("another"))

    answers = [client.post(url, {"text": "{}"}) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert answers[2].json()["is_valid"] is None
    assert other.post(url, {"text": "{}"}).status_code == 200


def test_only_users_who_may_save_may_check_values() -> None:
    campaign = CampaignFactory()
    viewer, operator = (client_of(person(role, campaign.workspace)) for role in ("viewer", "operator"))
    url = check_url(Campaign, "price_rules", campaign)

    assert [each.post(url, {"text": "[]"}).status_code for each in (viewer, operator)] == [403, 200]
    assert viewer.post(check_url(Campaign, "price_rules"), {"text": "[]"}).status_code == 403
    assert operator.get(url).status_code == 405
    assert operator.post(check_url(Campaign, "name"), {"text": "[]"}).status_code == 404
    for junk in ("x", "0", "9" * 30):
        asked = operator.post(check_url(Campaign, "price_rules") + f"?id={junk}", {"text": "[]"})
        assert asked.status_code == 404, junk


def test_check_without_the_forms_token_is_refused(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="root"))

    assert strict.post(check_url(Tier, "content_filter"), {"text": "{}"}).status_code == 403
    assert client.post(check_url(Tier, "content_filter"), {"text": "{}"}).status_code == 200
