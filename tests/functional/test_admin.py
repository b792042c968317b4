"""The journey of an operator through the admin: every page opens, costs the same however much it shows, and refuses
bad input with a message.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import JSONField, Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from distribution.distribute import distribute_lead
from distribution.models import (
    Assignment,
    Buyer,
    Campaign,
    CampaignSnapshot,
    Enrollment,
    LedgerEntry,
    Tier,
    Wallet,
)
from routing.identity import identify
from routing.models import IdempotencyRecord, Lead, Membership, Source, SourceKey, Workspace
from tests.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    issue_key,
)
from tracing import audit
from tracing.admin.readonly import COUNTED, BoundedPaginator
from tracing.models import Attempt, AuditEntry, LeadDistributionEvent

pytestmark = pytest.mark.django_db

OURS = {"routing", "distribution", "tracing"}
MODELS = [model for model in admin.site._registry if model._meta.app_label in OURS]
READ_ONLY = [
    *(Lead, IdempotencyRecord, CampaignSnapshot, Assignment, LedgerEntry, Attempt, LeadDistributionEvent),
    AuditEntry,
]
EDITABLE = [Membership, Workspace, Source, SourceKey, Campaign, Tier, Buyer, Enrollment]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def build_world() -> None:
    """At least one row more in every table: a lead that is sold, and one that a paused buyer misses."""
    campaign = CampaignFactory()
    enrollment = EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    EnrollmentFactory(campaign=campaign, active=False)
    source = SourceFactory(workspace=campaign.workspace)
    issue_key(source)
    distribute_lead(LeadFactory(source=source).pk)
    assert Wallet.objects.get(buyer=enrollment.buyer).balance_cents == 7_500
    IdempotencyRecord.objects.create(
        workspace=campaign.workspace,
        route="leads",
        key="k",
        fingerprint="f",
        status_code=201,
        response={"a": 1},
    )
    clerk = User.objects.create_user(f"clerk-{campaign.pk}")
    Membership.objects.create(user=clerk, workspace=campaign.workspace)
    audit.record(
        actor="root",
        action="changed",
        target=campaign,
        workspace_id=campaign.workspace_id,
        before={"name": "a"},
        after={"name": "b"},
    )


def page(model: type[Model], name: str, *arguments: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=arguments)


def test_every_table_has_a_page() -> None:
    from django.apps import apps

    ours = {model for model in apps.get_models() if model._meta.app_label in OURS}
    assert set(MODELS) == ours == {*READ_ONLY, *EDITABLE, Wallet}


@every_model
def test_every_page_opens(model: type[Model], client: Client) -> None:
    build_world()

    assert client.get(page(model, "changelist")).status_code == 200
    assert client.get(page(model, "add")).status_code == (200 if model in EDITABLE else 403)
    for row in model._default_manager.all():
        response = client.get(page(model, "change", row.pk))
        assert response.status_code == 200
        assert client.get(page(model, "history", row.pk)).status_code == 200


@every_model
def test_a_list_costs_the_same_statements_with_more_rows(model: type[Model], client: Client) -> None:
    build_world()
    client.get(page(model, "changelist"))
    few, rows_before = count_statements(client, page(model, "changelist")), model._default_manager.count()
    for _ in range(3):
        build_world()

    assert model._default_manager.count() > rows_before
    assert count_statements(client, page(model, "changelist")) == few


def count_statements(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_a_large_table_is_counted_no_further_than_needed() -> None:
    for _ in range(3):
        build_world()
    with CaptureQueriesContext(connection) as captured:
        assert BoundedPaginator(Lead.objects.order_by("pk"), 2).count == 3
    assert f"LIMIT {COUNTED}" in captured[0]["sql"]


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_nobody_writes_to_what_is_only_looked_at(model: type[Model], client: Client) -> None:
    build_world()
    row = model._default_manager.first()
    assert row is not None
    before = list(model._default_manager.order_by("pk").values())

    assert client.post(page(model, "add"), {}).status_code == 403
    assert client.post(page(model, "change", row.pk), {"_save": "Save"}).status_code == 403
    assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    client.post(
        page(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )
    assert list(model._default_manager.order_by("pk").values()) == before


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_action_asks_for_a_permission(model: type[Model]) -> None:
    """PITFALLS 62: an action without permissions is open to view-only staff."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    build_world()
    response = client_of(user).get(page(model, "changelist"))

    assert response.status_code == 200
    assert b'name="action"' not in response.content
    for action in admin.site._registry[model].actions or ():
        assert getattr(action, "allowed_permissions", None), action


@every_model
def test_staff_without_permissions_see_nothing(model: type[Model]) -> None:
    client = client_of(User.objects.create_user("clerk", is_staff=True))

    assert client.get(page(model, "changelist")).status_code == 403


HOSTILE = [
    "'",
    "%",
    "\x00",
    "9" * 5000,
    "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
    "-1",
    "a@b",
    "+1 404",
    "٣",
    "{}",
]


@every_model
def test_any_text_can_be_searched_for(model: type[Model], client: Client) -> None:
    for text in HOSTILE:
        assert client.get(page(model, "changelist"), {"q": text}).status_code == 200, text


def found(client: Client, model: type[Model], text: object) -> list[Any]:
    return list(client.get(page(model, "changelist"), {"q": str(text)}).context["cl"].result_list)


def test_a_lead_is_found_by_what_a_person_says_of_itself(client: Client) -> None:
    identity = identify(email="ada@example.com", phone="+14048812345")
    LeadFactory()
    lead = LeadFactory(
        email_hash=identity.email_hash, phone_hash=identity.phone_hash, external_id="form-4711"
    )

    for text in (" Ada@Example.com ", "(404) 881-2345", "form-4711", lead.public_id, lead.pk):
        assert found(client, Lead, text) == [lead]
    assert found(client, Lead, "ada") == []


def test_the_trace_and_the_money_are_found_by_ids(client: Client) -> None:
    build_world()
    build_world()
    assignment = Assignment.objects.select_related("lead", "buyer").latest("pk")
    attempt = Attempt.objects.get(pk=assignment.attempt_id)

    assert found(client, Attempt, attempt.pk) == [attempt]
    assert found(client, Attempt, attempt.lead_id) == [attempt]
    assert {event.attempt_id for event in found(client, LeadDistributionEvent, attempt.pk)} == {attempt.pk}
    assert found(client, Assignment, assignment.lead.public_id) == [assignment]
    entries = found(client, LedgerEntry, assignment.buyer.public_id)
    assert [entry.kind for entry in entries] == ["charge", "topup"]


def test_the_lists_can_be_filtered(client: Client) -> None:
    build_world()
    attempts = page(Attempt, "changelist")
    events = page(LeadDistributionEvent, "changelist")

    assert len(client.get(attempts, {"skip_reason": "no_campaign"}).context["cl"].result_list) == 0
    assert len(client.get(events, {"event": "buyer_skipped"}).context["cl"].result_list) == 1
    assert len(client.get(events, {"skip_reason": "enrollment_paused"}).context["cl"].result_list) == 1


def test_a_leads_page_tells_its_story(client: Client) -> None:
    build_world()
    lead = Lead.objects.get()

    content = client.get(page(Lead, "change", lead.pk)).content.decode()

    buyer = Assignment.objects.select_related("buyer").get().buyer
    assert f"{buyer.name}: selected, rank 1, for $25.00." in content
    assert "2 buyers enrolled, 1 with an active enrolment, 1 selected." in content


def test_a_story_cannot_carry_markup_into_the_page(client: Client) -> None:
    build_world()
    for buyer in Buyer.objects.all():
        buyer.name = f"<script>alert({buyer.pk})</script>"
        buyer.save(update_fields=["name"])

    content = client.get(page(Lead, "change", Lead.objects.get().pk)).content.decode()

    assert "<script>alert(" not in content
    assert "&lt;script&gt;alert(" in content


def test_a_buyers_page_shows_its_balance(client: Client) -> None:
    buyer = BuyerFactory(credits_cents=12_345)

    assert "$123.45" in client.get(page(Buyer, "change", buyer.pk)).content.decode()
    assert client.post(page(Buyer, "delete", buyer.pk), {"post": "yes"}).status_code == 403


def form_of(client: Client, url: str) -> dict[str, Any]:
    """What a browser would send back unchanged."""
    form = client.get(url).context["adminform"].form
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if hasattr(bound.field.widget, "decompress"):
            parts = bound.field.widget.decompress(value)
            data |= {f"{bound.html_name}_{place}": part or "" for place, part in enumerate(parts)}
        elif value is not None and value is not False:
            data[bound.html_name] = "on" if value is True else getattr(value, "pk", value)
    return data


def save(client: Client, model: type[Model], row: Model, **changes: Any) -> Any:
    url = page(model, "change", row.pk)
    return client.post(url, {**form_of(client, url), **changes})


def problems(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, response.status_code
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


@pytest.mark.parametrize("model", EDITABLE, ids=lambda model: model.__name__)
def test_a_form_that_is_sent_back_unchanged_changes_nothing(model: type[Model], client: Client) -> None:
    build_world()
    before = list(model._default_manager.order_by("pk").values())
    for row in model._default_manager.all():
        assert save(client, model, row).status_code == 302

    assert list(model._default_manager.order_by("pk").values()) == before


@pytest.mark.parametrize(
    ("model", "field", "value", "message"),
    [
        (Buyer, "service_area", {"states": 5}, "states"),
        (Buyer, "service_area", {"radius": [{"zip": "00000", "miles": 5}]}, "radius[0].zip"),
        (Buyer, "hours", {"mon": [["17:00", "09:00"]]}, "mon[0]"),
        (Buyer, "answers", {"types": {"a": 1}}, "types"),
        (Campaign, "price_rules", [{"when": {"field": "zip", "op": "near"}, "set_cents": 5}], "[0].when"),
        (Campaign, "schedule", {"moonday": []}, "moonday"),
        (Campaign, "questions", [{"key": "a", "op": "eq"}], "[0].field"),
        (Campaign, "questions", [{"key": "a", "field": "zip", "op": "exists"}], "[0].op: use one of eq, ne"),
        (Tier, "content_filter", {"all": [{"field": "zip", "op": "eq"}]}, "all[0]"),
        (Enrollment, "lead_filter", {"any": "x"}, "any"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_wrong_configuration_is_refused_with_its_path(
    model: type[Model], field: str, value: object, message: str, client: Client
) -> None:
    build_world()
    row = model._default_manager.first()
    assert row is not None
    before = list(model._default_manager.order_by("pk").values())

    errors = problems(save(client, model, row, **{field: json.dumps(value)}))

    assert list(errors) == [field]
    assert message in errors[field][0]
    assert list(model._default_manager.order_by("pk").values()) == before


class TestAnswersThatNoQuestionCanCompare:
    """One of them would stop its whole campaign: the configuration would no longer compile."""

    QUESTIONS = [{"key": "types", "field": "attributes.type", "op": "in", "required": True}]

    def test_of_a_buyer(self, client: Client) -> None:
        enrollment = EnrollmentFactory(campaign__questions=self.QUESTIONS, campaign__name="Roofing")

        errors = problems(save(client, Buyer, enrollment.buyer, answers='{"types": "residential"}'))

        assert list(errors) == ["answers"]
        assert errors["answers"][0].startswith("For the campaign Roofing: types.value: ")

    def test_of_a_campaign(self, client: Client) -> None:
        enrollment = EnrollmentFactory(buyer__answers={"types": "residential"}, buyer__name="Acme")

        errors = problems(save(client, Campaign, enrollment.campaign, questions=json.dumps(self.QUESTIONS)))

        assert list(errors) == ["questions"]
        assert errors["questions"][0].startswith("For the buyer Acme: types.value: ")

    def test_of_an_enrollment(self, client: Client) -> None:
        enrollment = EnrollmentFactory(campaign__questions=self.QUESTIONS)
        misfit = BuyerFactory(workspace=enrollment.campaign.workspace, answers={"types": "residential"})

        errors = problems(save(client, Enrollment, enrollment, buyer=misfit.pk))

        assert errors["buyer"][0].startswith("Its answers do not fit the campaign's questions: types.value: ")


JUNK = [
    *("", "{", "null", "true", "5", '"text"', "[]", "[[]]", "{}", "NaN", '{"a": NaN}', "1e999", "9" * 5000),
    *('"\\u0000"', '{"states": ["\\u0000"]}', '{"zips": ["\\ud800"]}', '{"\\u0000": 1}', '{"a": 1, "a": 2}'),
    *("[" * 100_000, '{"all":' * 5000, '{"all": [{"all": {}}]}', '{"mon": 5}', '{"mon": [[1, 2]]}', "[null]"),
    *(
        '{"states": [[1]]}',
        '{"exclude": []}',
        '{"radius": [5]}',
        '{"radius": [{"zip": 5}]}',
        '{"everywhere": 1}',
    ),
    *('[{"when": 5}]', '[{"key": []}]', '[{"set_cents": 99999999999999999999}]', '{"field": [], "op": {}}'),
    *(
        '{"not": {"not": null}}',
        '{"field": "zip", "op": "in", "value": [[]]}',
        '{"a": [[]]}',
        "\x00",
        "\ud800",
    ),
]
JSON_FIELDS = [
    (model, field.name)
    for model in EDITABLE
    for field in model._meta.concrete_fields
    if isinstance(field, JSONField)
]


@pytest.mark.parametrize(
    ("model", "field"), JSON_FIELDS, ids=[f"{model.__name__}.{name}" for model, name in JSON_FIELDS]
)
def test_no_json_whatever_breaks_a_page(model: type[Model], field: str, client: Client) -> None:
    """PITFALLS 55, for people."""
    build_world()
    row = model._default_manager.first()
    assert row is not None
    data = form_of(client, page(model, "change", row.pk))
    for junk in JUNK:
        sent = junk.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        response = client.post(page(model, "change", row.pk), {**data, field: sent})
        assert response.status_code == 302 or list(problems(response)) == [field], junk[:50]
        row.refresh_from_db()


def test_json_is_shown_indented(client: Client) -> None:
    buyer = BuyerFactory(service_area={"states": ["GA"]})

    shown = form_of(client, page(Buyer, "change", buyer.pk))["service_area"]

    assert shown == '{\n  "states": [\n    "GA"\n  ]\n}'


def test_saving_an_enrollment_touches_no_counter(client: Client) -> None:
    """A sale between the opening of a form and its saving keeps its counters (PITFALLS 54)."""
    enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
    url = page(Enrollment, "change", enrollment.pk)
    data = form_of(client, url)
    distribute_lead(LeadFactory(source__workspace=enrollment.campaign.workspace).pk)
    sold = Enrollment.objects.values().get()
    assert sold["day_leads"] == 1

    with CaptureQueriesContext(connection) as captured:
        assert client.post(url, {**data, "cap_day": "5"}).status_code == 302

    assert Enrollment.objects.values().get() == {**sold, "cap_day": 5}
    (update,) = [
        each["sql"] for each in captured if each["sql"].startswith('UPDATE "distribution_enrollment"')
    ]
    assert "day_leads" not in update.partition("WHERE")[0]


def test_a_change_raises_the_version_that_decisions_read(client: Client) -> None:
    campaign = CampaignFactory()

    assert save(client, Campaign, campaign, price_cents="3000").status_code == 302

    campaign.refresh_from_db()
    assert (campaign.price_cents, campaign.config_version) == (3_000, 2)


class TestWallet:
    def test_only_the_credit_limit_can_be_set(self, client: Client) -> None:
        wallet = BuyerFactory(credits_cents=5_000).wallet
        changes = {"credit_limit_cents": "700", "balance_cents": "999999", "held_cents": "5", "version": "99"}

        assert save(client, Wallet, wallet, **changes).status_code == 302

        stored = Wallet.objects.values().get()
        assert stored == {
            "id": wallet.pk,
            "buyer_id": wallet.buyer_id,
            "balance_cents": 5_000,
            "held_cents": 0,
            "credit_limit_cents": 700,
            "version": 2,
        }

    @pytest.mark.parametrize("limit", ["-1", "", "x", "9" * 30, "1.5"])
    def test_what_is_no_limit_is_refused(self, limit: str, client: Client) -> None:
        wallet = BuyerFactory().wallet

        assert list(problems(save(client, Wallet, wallet, credit_limit_cents=limit))) == [
            "credit_limit_cents"
        ]
        assert Wallet.objects.get().credit_limit_cents == 0

    def test_a_limit_above_a_debt_is_refused(self, client: Client) -> None:
        wallet = BuyerFactory().wallet
        Wallet.objects.update(credit_limit_cents=1_000, balance_cents=-800)

        errors = problems(save(client, Wallet, wallet, credit_limit_cents="700"))

        assert errors["credit_limit_cents"] == [
            "The balance is already further below zero than 700 cents; top up first"
        ]
        assert Wallet.objects.get().credit_limit_cents == 1_000

    def test_wallets_are_neither_added_nor_deleted(self, client: Client) -> None:
        wallet = BuyerFactory().wallet

        assert client.post(page(Wallet, "add"), {}).status_code == 403
        assert client.post(page(Wallet, "delete", wallet.pk), {"post": "yes"}).status_code == 403


def test_a_source_key_is_shown_once(client: Client) -> None:
    source = SourceFactory()

    response = client.post(page(SourceKey, "add"), {"name": "site", "source": source.pk}, follow=True)

    shown = [
        str(message)
        for message in response.context["messages"]
        if "The API key for site is: " in str(message)
    ]
    (text,) = shown
    secret = text.removeprefix("The API key for site is: ").split(".  ")[0].split(". ")[0]
    key = SourceKey.objects.get_from_key(secret)
    assert key.source == source
    assert secret not in client.get(page(SourceKey, "change", key.pk)).content.decode()


@pytest.mark.parametrize("other", ["tier", "buyer"])
def test_an_enrollment_across_campaigns_or_workspaces_is_refused(other: str, client: Client) -> None:
    enrollment = EnrollmentFactory()
    stranger = EnrollmentFactory()

    errors = problems(save(client, Enrollment, enrollment, **{other: getattr(stranger, other).pk}))

    assert list(errors) == [other]


@pytest.mark.parametrize(
    ("make", "model", "clash"),
    [
        (lambda: CampaignFactory(), Campaign, "name"),
        (lambda: BuyerFactory(), Buyer, "name"),
        (lambda: SourceFactory(), Source, "name"),
    ],
    ids=["campaign", "buyer", "source"],
)
def test_a_name_that_is_taken_is_refused(
    make: Callable[[], Any], model: type[Model], clash: str, client: Client
) -> None:
    row = make()
    sibling = type(row)._default_manager.get(pk=row.pk)
    sibling.pk, sibling.public_id, sibling.name = None, uuid4(), "taken"
    sibling.save()

    assert problems(save(client, model, row, **{clash: "taken"}))
    row.refresh_from_db()
    assert row.name != "taken"


def urls_of_rows() -> Iterator[str]:
    for model in MODELS:
        for row in model._default_manager.all()[:1]:
            yield page(model, "change", row.pk)


def test_an_anonymous_visitor_is_sent_to_the_login() -> None:
    build_world()
    for url in urls_of_rows():
        response = Client().get(url)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
