"""An operator uses the admin's forms: invalid input is refused with its path, and a save changes only typed fields."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from distribution.attempts.distribute import distribute_lead
from distribution.models import (
    Buyer,
    BuyerKey,
    Campaign,
    Enrollment,
    Tier,
    Wallet,
    WorkspaceKey,
)
from routing.models import RoutingRule, Source, SourceKey, Workspace
from routing.models.apikey import hash_key
from tests.support.admin_pages import (
    EDITABLE,
    JSON_FIELDS,
    build_world,
    client_of,
    form_of,
    page,
    problems,
    save,
)
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    TierFactory,
    issue_key,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


@pytest.mark.parametrize("model", EDITABLE, ids=lambda model: model.__name__)
def test_form_that_is_sent_back_unchanged_changes_nothing(model: type[Model], client: Client) -> None:
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
def test_wrong_configuration_is_refused_with_its_path(
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
    """The engine treats such an answer as a missing one, and no page would show why the buyer gets no lead."""

    QUESTIONS = [{"key": "types", "field": "attributes.type", "op": "in", "required": True}]

    def test_buyer_form_refuses_them(self, client: Client) -> None:
        enrollment = EnrollmentFactory(campaign__questions=self.QUESTIONS, campaign__name="Roofing")

        errors = problems(save(client, Buyer, enrollment.buyer, answers='{"types": "residential"}'))

        assert list(errors) == ["answers"]
        assert errors["answers"][0].startswith("For the campaign Roofing: types.value: ")

    def test_campaign_form_refuses_them(self, client: Client) -> None:
        enrollment = EnrollmentFactory(buyer__answers={"types": "residential"}, buyer__name="Acme")

        errors = problems(save(client, Campaign, enrollment.campaign, questions=json.dumps(self.QUESTIONS)))

        assert list(errors) == ["questions"]
        assert errors["questions"][0].startswith("For the buyer Acme: types.value: ")

    def test_enrollment_form_refuses_them(self, client: Client) -> None:
        tier = TierFactory(campaign__questions=self.QUESTIONS)
        misfit = BuyerFactory(workspace=tier.campaign.workspace, answers={"types": "residential"})

        errors = problems(add_enrollment(client, campaign=tier.campaign_id, tier=tier.pk, buyer=misfit.pk))

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
        "\ud800",
    ),
]


@pytest.mark.parametrize(
    ("model", "field"), JSON_FIELDS, ids=[f"{model.__name__}.{name}" for model, name in JSON_FIELDS]
)
def test_invalid_json_breaks_no_page(model: type[Model], field: str, client: Client) -> None:
    """Input that DRF would answer with 500 is a form error for people too."""
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


def test_saving_an_enrollment_changes_no_counter(client: Client) -> None:
    """A sale between opening and saving the form keeps its counters."""
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


def test_change_raises_the_version_that_decisions_read(client: Client) -> None:
    campaign = CampaignFactory()

    assert save(client, Campaign, campaign, price_cents="30").status_code == 302

    campaign.refresh_from_db()
    assert (campaign.price_cents, campaign.config_version) == (3_000, 2)


class TestWallet:
    def test_only_the_credit_limit_can_be_set(self, client: Client) -> None:
        wallet = BuyerFactory(credits_cents=5_000).wallet
        changes = {
            "credit_limit_cents": "7.00",
            "balance_cents": "999999",
            "held_cents": "5",
            "version": "99",
            "charged_back_cents": "5",
            "recharge_below_cents": "5",
            "statements_from": "2026-01-01",
        }

        assert save(client, Wallet, wallet, **changes).status_code == 302

        stored = Wallet.objects.values().get()
        assert stored == {
            "id": wallet.pk,
            "buyer_id": wallet.buyer_id,
            "balance_cents": 5_000,
            "held_cents": 0,
            "charged_back_cents": 0,
            "credit_limit_cents": 700,
            "notice_below_cents": None,
            "recharge_below_cents": None,
            "terms_days": None,
            "statements_from": None,
            "statement_emails": "",
            "version": 2,
        }

    @pytest.mark.parametrize("limit", ["-1", "", "x", "9" * 30, "NaN", "1.005"])
    def test_invalid_limit_is_refused(self, limit: str, client: Client) -> None:
        wallet = BuyerFactory().wallet

        assert list(problems(save(client, Wallet, wallet, credit_limit_cents=limit))) == [
            "credit_limit_cents"
        ]
        assert Wallet.objects.get().credit_limit_cents == 0

    def test_limit_above_a_debt_is_refused(self, client: Client) -> None:
        wallet = BuyerFactory().wallet
        Wallet.objects.update(credit_limit_cents=1_000, balance_cents=-800)

        errors = problems(save(client, Wallet, wallet, credit_limit_cents="7"))

        assert errors["credit_limit_cents"] == [
            "The balance is already more than $7.00 below $0. Top up first"
        ]
        assert Wallet.objects.get().credit_limit_cents == 1_000

    def test_wallets_are_neither_added_nor_deleted(self, client: Client) -> None:
        wallet = BuyerFactory().wallet

        assert client.post(page(Wallet, "add"), {}).status_code == 403
        assert client.post(page(Wallet, "delete", wallet.pk), {"post": "yes"}).status_code == 403


def test_source_key_is_shown_once(client: Client) -> None:
    source = SourceFactory()

    response = client.post(
        page(SourceKey, "add"), {"name": "site", "source": source.pk, "scopes": ["leads:write"]}, follow=True
    )

    shown = [
        str(message)
        for message in response.context["messages"]
        if "The API key for site is: " in str(message)
    ]
    (text,) = shown
    secret = text.removeprefix("The API key for site is: ").split(".  ")[0].split(". ")[0]
    key = SourceKey.objects.get(prefix=secret.partition(".")[0])
    assert (key.hashed_key, key.source) == (hash_key(secret), source)
    assert secret not in client.get(page(SourceKey, "change", key.pk)).content.decode()


def test_source_key_that_would_never_work_is_refused(client: Client) -> None:
    sent = {"name": "site", "source": SourceFactory().pk, "scopes": ["leads:write"]}
    response = client.post(
        page(SourceKey, "add"), {**sent, "expiry_date_0": "2020-01-01", "expiry_date_1": "00:00"}
    )
    assert problems(response)["expiry_date"] == [
        "Not saved: its expiry date is in the past: 2020-01-01 00:00 UTC."
    ]
    assert not SourceKey.objects.exists()


def test_new_source_key_has_one_audit_entry(client: Client) -> None:
    sent = {
        "name": "site",
        "source": SourceFactory().pk,
        "scopes": ["leads:write"],
        "change_reason": "for the site",
    }
    assert client.post(page(SourceKey, "add"), sent).status_code == 302
    key = SourceKey.objects.get()
    assert list(
        AuditEntry.objects.filter(object_id=str(key.pk), model="routing.sourcekey").values_list(
            "action", "reason"
        )
    ) == [("added", "for the site")]


def test_revoked_key_stays_revoked(client: Client) -> None:
    issue_key(SourceFactory(), name="site")
    key = SourceKey.objects.get()
    url = page(SourceKey, "change", key.pk)
    SourceKey.objects.update(revoked=True)

    client.post(url, {**form_of(client, url), "name": "other", "revoked": "", "expiry_date_0": "2030-01-01"})

    key.refresh_from_db()
    assert (key.revoked, key.name, key.expiry_date) == (True, "site", None)


def test_form_revokes_like_the_use_case(client: Client) -> None:
    """Other changes in the same form have an entry of their own."""
    issue_key(SourceFactory(), name="site")
    key = SourceKey.objects.get()
    url = page(SourceKey, "change", key.pk)
    sent = {**form_of(client, url), "name": "leaked", "revoked": "on", "change_reason": "it leaked"}

    assert client.post(url, sent).status_code == 302

    key.refresh_from_db()
    assert (key.revoked, key.name) == (True, "leaked")
    entries = AuditEntry.objects.order_by("pk").values_list("action", "before", "after", "reason")
    assert list(entries) == [
        ("changed", {"name": "site"}, {"name": "leaked"}, "it leaked"),
        ("revoked", {"revoked": False}, {"revoked": True}, "it leaked"),
    ]


@pytest.mark.parametrize("other", ["tier", "buyer"])
def test_enrollment_across_campaigns_or_workspaces_is_refused(other: str, client: Client) -> None:
    tier, buyer = TierFactory(), BuyerFactory()
    place = {"campaign": tier.campaign_id, "tier": tier.pk, "buyer": buyer.pk}
    if other == "tier":
        place["buyer"] = BuyerFactory(workspace=tier.campaign.workspace).pk
        place["tier"] = TierFactory().pk

    errors = problems(add_enrollment(client, **place))

    assert list(errors) == [other]


def add_enrollment(client: Client, **place: int) -> Any:
    url = page(Enrollment, "add")
    return client.post(url, {**form_of(client, url), **place})


OWNERS: dict[type[Model], tuple[str, ...]] = {
    Source: ("workspace",),
    SourceKey: ("source",),
    RoutingRule: ("workspace",),
    Campaign: ("workspace",),
    Tier: ("campaign",),
    Buyer: ("workspace",),
    BuyerKey: ("buyer",),
    WorkspaceKey: ("workspace",),
    Enrollment: ("campaign", "buyer"),
}


@pytest.mark.parametrize("model", OWNERS, ids=lambda model: model.__name__)
def test_owner_of_a_row_is_chosen_only_once(model: type[Model], client: Client) -> None:
    """When the row is added. After that the page shows the owner, and ignores any that is sent."""
    build_world()
    row = model._default_manager.earliest("pk")
    before = model._default_manager.values().get(pk=row.pk)
    fields = client.get(page(model, "change", row.pk)).context["adminform"].form.fields
    asked = client.get(page(model, "add")).context["adminform"].form.fields
    other = {name: fields[name].queryset.exclude(pk=getattr(row, name).pk).first() for name in OWNERS[model]}

    response = save(client, model, row, **{name: each.pk if each else 0 for name, each in other.items()})

    assert response.status_code == 302
    assert model._default_manager.values().get(pk=row.pk) == before
    assert [(fields[name].disabled, asked[name].disabled) for name in OWNERS[model]] == [
        (True, False) for _ in OWNERS[model]
    ]
    assert all("cannot be changed" in fields[name].help_text for name in OWNERS[model])


@pytest.mark.parametrize(
    ("make", "model", "clash"),
    [
        (lambda: CampaignFactory(), Campaign, "name"),
        (lambda: BuyerFactory(), Buyer, "name"),
        (lambda: SourceFactory(), Source, "name"),
    ],
    ids=["campaign", "buyer", "source"],
)
def test_name_that_is_taken_is_refused(
    make: Callable[[], Any], model: type[Model], clash: str, client: Client
) -> None:
    row = make()
    sibling = type(row)._default_manager.get(pk=row.pk)
    sibling.pk, sibling.public_id, sibling.name = None, uuid4(), "taken"
    sibling.save()

    assert problems(save(client, model, row, **{clash: "taken"}))
    row.refresh_from_db()
    assert row.name != "taken"


@pytest.mark.parametrize("text", ["", "  ", "null"])
@pytest.mark.parametrize(
    ("model", "field", "blank"),
    [
        (Buyer, "answers", {}),
        (Campaign, "price_rules", []),
        (Enrollment, "lead_filter", {}),
        (Workspace, "hours", None),
    ],
    ids=str,
)
def test_blank_json_is_the_column_s_blank_value(
    model: type[Model], field: str, blank: object, text: str, client: Client
) -> None:
    enrollment = EnrollmentFactory()
    rows = {Buyer: enrollment.buyer, Campaign: enrollment.campaign, Workspace: enrollment.campaign.workspace}
    row = rows.get(model, enrollment)  # type: ignore[call-overload]
    before = model._default_manager.filter(pk=row.pk).values().get()

    assert save(client, model, row, **{field: text}).status_code == 302

    assert model._default_manager.filter(pk=row.pk).values().get() == {**before, field: blank}
    assert not AuditEntry.objects.exists()
