"""A form that was opened before another person saved stores only typed values, and shows fields that both changed."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client

from distribution.models import Buyer, Campaign, Enrollment, Tier, Wallet
from routing.models import Membership, RoutingRule, SourceKey, Workspace
from tests.support.admin_pages import EDITABLE, build_world, client_of, form_of, page, person, problems, save
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    RuleFactory,
    SourceFactory,
    TierFactory,
    WorkspaceFactory,
    issue_key,
)
from tracing.admin.fresh import FreshAdmin, FreshForm, FreshInline
from tracing.admin.page_version import seal
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_every_page_that_writes_uses_the_mechanism() -> None:
    """A page either writes nothing, or locks its row and carries the values that its form began with."""
    writing = [page for page in admin.site._registry.values() if not isinstance(page, ReadOnlyAdmin)]
    formless = {"dispatchcontrol"}
    for each in writing:
        if each.opts.model_name in formless:
            continue
        assert isinstance(each, FreshAdmin), each
        assert issubclass(each.form, FreshForm), each
        assert not each.list_editable, each
        for inline in each.inlines:
            assert issubclass(inline, FreshInline), inline
            assert issubclass(inline.form, FreshForm), inline


def test_every_change_page_carries_its_initial_values(ann: Client) -> None:
    build_world()
    for model in (*EDITABLE, Wallet, User, Group):
        row = model._default_manager.first()  # type: ignore[attr-defined]
        assert row is not None
        content = ann.get(page(model, "change", row.pk)).content.decode()
        assert 'name="page_version" value=' in content or 'name="page_version" id' in content, model


@pytest.mark.parametrize("model", [*EDITABLE, Wallet, Group], ids=lambda model: model.__name__)
def test_form_sent_back_unchanged_changes_nothing(model: type[Model], ann: Client) -> None:
    build_world()
    entries = AuditEntry.objects.count()
    row = model._default_manager.first()
    assert row is not None
    url = page(model, "change", row.pk)
    data = form_of(ann, url)
    before = model._default_manager.filter(pk=row.pk).values().get()
    history = ann.get(page(model, "history", row.pk)).context["lines"]

    answer = ann.post(url, data)

    assert answer.status_code == 302, problems(answer)
    assert model._default_manager.filter(pk=row.pk).values().get() == before
    assert AuditEntry.objects.count() == entries
    assert ann.get(page(model, "history", row.pk)).context["lines"] == history


def test_unchanged_price_is_not_in_the_history(ann: Client) -> None:
    campaign = CampaignFactory(price_cents=2_500)

    save(ann, Campaign, campaign, name="Renamed")

    entry = AuditEntry.objects.get()
    assert entry.after == {"name": "Renamed"}
    history = ann.get(page(Campaign, "history", campaign.pk)).content.decode()
    assert "Price" not in history


CHANGES: list[tuple[type[Model], dict[str, str], dict[str, str]]] = [
    (Buyer, {"service_area": '{"states": ["GA"]}'}, {"name": "Renamed"}),
    (Buyer, {"answers": "{}", "hours": '{"mon": [["09:00", "17:00"]]}'}, {"timezone": "America/Chicago"}),
    (Campaign, {"price_cents": "31.50"}, {"max_buyers": "3"}),
    (Campaign, {"source": ""}, {"price_cents": "19"}),
    (Enrollment, {"cap_day": "2", "budget_day_cents": "100"}, {"weight": "9"}),
    (Enrollment, {"lead_filter": '{"field": "state", "op": "eq", "value": "GA"}'}, {"bid_cents": "7.25"}),
    (Tier, {"price_cents": "12"}, {"name": "Gold"}),
    (Workspace, {"duplicate_days": "7", "hours": '{"mon": [["09:00", "17:00"]]}'}, {"lead_ttl_days": "20"}),
    (RoutingRule, {"tags": "one,two", "active": ""}, {"priority": "4"}),
]


@pytest.mark.parametrize(("model", "first", "second"), CHANGES, ids=str)
def test_both_changes_are_stored(
    model: type[Model], first: dict[str, str], second: dict[str, str], ann: Client, ben: Client
) -> None:
    row = make_row(model)
    url = page(model, "change", row.pk)
    early, late = form_of(ann, url), form_of(ben, url)
    stored = model._default_manager.filter(pk=row.pk).values()
    assert ann.post(url, sent(early, first)).status_code == 302
    after_first = stored.get()

    answer = ben.post(url, sent(late, second), follow=True)

    assert "Their values were kept." in answer.content.decode()
    after_both = stored.get()
    touched = {name for name in after_both if after_both[name] != after_first[name]} - {"config_version"}
    touched -= {"rules_version", "version"}
    assert touched == set(second)
    assert set(AuditEntry.objects.latest("pk").after) == set(second)


def make_row(model: type[Model]) -> Model:
    source = SourceFactory()
    campaign = CampaignFactory(workspace=source.workspace, source=source)
    enrollment = EnrollmentFactory(campaign=campaign)
    rows: dict[type[Model], Model] = {
        Buyer: enrollment.buyer,
        Campaign: campaign,
        Enrollment: enrollment,
        Tier: enrollment.tier,
        Workspace: campaign.workspace,
    }
    return rows[model] if model in rows else RuleFactory(workspace=campaign.workspace)


def sent(data: dict[str, Any], changes: dict[str, str]) -> dict[str, Any]:
    """An empty text unchecks a box."""
    joined = {**data, **changes}
    return {name: value for name, value in joined.items() if not (name == "active" and value == "")}


def test_field_that_both_changed_is_shown_and_nothing_is_saved(ann: Client, ben: Client) -> None:
    place = EnrollmentFactory(cap_day=5, weight=1)
    url = page(Enrollment, "change", place.pk)
    early, late = form_of(ann, url), form_of(ben, url)
    ann.post(url, {**early, "cap_day": "2", "change_reason": "too many calls"})

    answer = ben.post(url, {**late, "cap_day": "9", "weight": "7"})

    [text] = problems(answer)["cap_day"]
    assert text.startswith(
        "Nothing was saved. After you opened this page it was changed from 5 to 2, by ann at 20"
    )
    assert "(too many calls). You typed 9." in text
    place.refresh_from_db()
    assert (place.cap_day, place.weight) == (2, 1)
    assert AuditEntry.objects.count() == 1


def test_second_save_of_a_shown_conflict_is_stored(ann: Client, ben: Client) -> None:
    place = EnrollmentFactory(cap_day=5, cap_week=20, weight=1)
    url = page(Enrollment, "change", place.pk)
    early, late = form_of(ann, url), form_of(ben, url)
    ann.post(url, {**early, "cap_day": "2", "cap_week": "8"})
    shown = ben.post(url, {**late, "cap_day": "9"}).context["adminform"].form
    again = {bound.html_name: bound.value() for bound in shown if bound.value() not in (None, False)}
    assert (again["cap_day"], again["cap_week"]) == ("9", 8)

    assert ben.post(url, again).status_code == 302

    place.refresh_from_db()
    assert (place.cap_day, place.cap_week) == (9, 8)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor, entry.before, entry.after) == ("ben", {"cap_day": 2}, {"cap_day": 9})


@pytest.mark.parametrize(
    ("model", "field", "was", "first", "second", "message"),
    [
        (Campaign, "price_cents", 2_500, "30", "20.00", "from $25.00 to $30.00"),
        (Buyer, "service_area", {}, '{"states": ["GA"]}', '{"states": ["FL"]}', '{"states": ["GA"]}'),
        (Campaign, "mode", "round_robin", "weighted", "price", "weighted"),
        (Tier, "name", "", "Gold", "Silver", "from nothing to Gold"),
        (RoutingRule, "tags", [], "one", "two", "from nothing to one"),
    ],
    ids=str,
)
def test_conflict_is_worded_for_its_field(
    model: type[Model], field: str, was: Any, first: str, second: str, message: str, ann: Client, ben: Client
) -> None:
    row = make_row(model)
    model._default_manager.filter(pk=row.pk).update(**{field: was})
    url = page(model, "change", row.pk)
    early, late = form_of(ann, url), form_of(ben, url)
    assert ann.post(url, {**early, field: first}).status_code == 302

    answer = ben.post(url, {**late, field: second})

    assert message in problems(answer)[field][0]
    same = ben.post(url, {**late, field: first})  # both typed the same value
    assert same.status_code == 302, problems(same)


def test_unaudited_change_blames_no_user(ann: Client, ben: Client) -> None:
    place = EnrollmentFactory(cap_day=5)
    url = page(Enrollment, "change", place.pk)
    early, late = form_of(ann, url), form_of(ben, url)
    ann.post(url, {**early, "cap_day": "2"})
    Enrollment.objects.update(cap_day=3)

    [text] = problems(ben.post(url, {**late, "cap_day": "9"}))["cap_day"]

    assert "to 3, but the audit log does not say by whom" in text


def test_row_closed_by_another_page_is_reported(ann: Client, ben: Client) -> None:
    """A revoked key can no longer be renamed."""
    issue_key(SourceFactory())
    key = SourceKey.objects.get()
    url = page(SourceKey, "change", key.pk)
    early, late = form_of(ann, url), form_of(ben, url)
    ann.post(url, {**early, "revoked": "on"})

    answer = ben.post(url, {**late, "name": "new"})

    [text] = problems(answer)["__all__"]
    assert text.startswith("Nothing was saved. These fields became read-only after you opened this page:")
    key.refresh_from_db()
    assert (key.revoked, key.name != "new") == (True, True)


def test_sealed_values_of_another_row_are_refused(ann: Client) -> None:
    place, other = EnrollmentFactory(cap_day=5), EnrollmentFactory(cap_day=6)
    url = page(Enrollment, "change", place.pk)
    data = form_of(ann, url)

    for wrong in (
        form_of(ann, page(Enrollment, "change", other.pk))["page_version"],
        data["page_version"] + "x",
        "{}",
    ):
        answer = ann.post(url, {**data, "page_version": wrong, "cap_day": "9"})
        assert "Nothing was saved" in problems(answer)["__all__"][0], wrong

    place.refresh_from_db()
    assert place.cap_day == 5


def test_deleted_row_is_not_recreated(ann: Client) -> None:
    tier = TierFactory()
    url = page(Tier, "change", tier.pk)
    data = form_of(ann, url)
    tier.delete()

    assert ann.post(url, {**data, "name": "Gold"}).status_code == 404
    assert not Tier.objects.exists()


def test_stored_value_outside_the_choices_does_not_block_a_save(ann: Client, ben: Client) -> None:
    """The field was not typed: another person's choice stays."""
    campaign = CampaignFactory(source=None)
    kept, gone = SourceFactory(workspace=campaign.workspace), SourceFactory(workspace=campaign.workspace)
    Campaign.objects.update(source=gone)
    url = page(Campaign, "change", campaign.pk)
    data = form_of(ann, url)
    save(ben, Campaign, campaign, source=kept.pk)
    gone.delete()

    assert ann.post(url, {**data, "name": "Renamed"}).status_code == 302

    campaign.refresh_from_db()
    assert (campaign.name, campaign.source) == ("Renamed", kept)


class TestPeople:
    @staticmethod
    def form(client: Client, clerk: User) -> dict[str, Any]:
        """With its inline, as a browser sends it."""
        answer = client.get(page(User, "change", clerk.pk))
        data = form_of(client, page(User, "change", clerk.pk))
        for formset in answer.context["inline_admin_formsets"]:
            for form in (formset.formset.management_form, *formset.formset.forms):
                data |= {
                    bound.html_name: getattr(bound.value(), "pk", bound.value())
                    for bound in form
                    if bound.value() is not None
                }
        data["date_joined_0"], data["date_joined_1"] = "2026-01-01", "00:00:00"
        return {name: value for name, value in data.items() if value is not False}

    @pytest.fixture
    def clerk(self) -> User:
        return User.objects.create_user("clerk", date_joined="2026-01-01T00:00:00Z")

    def test_groups_that_another_user_set_stay(self, clerk: User, ben: Client) -> None:
        late = self.form(ben, clerk)
        clerk.groups.add(Group.objects.get(name="finance"))

        assert ben.post(page(User, "change", clerk.pk), {**late, "is_staff": "on"}).status_code == 302

        clerk.refresh_from_db()
        assert clerk.is_staff
        assert [group.name for group in clerk.groups.all()] == ["finance"]

    def test_groups_that_both_changed_are_shown(self, clerk: User, ben: Client) -> None:
        late = self.form(ben, clerk)
        clerk.groups.add(Group.objects.get(name="finance"))
        chosen = [Group.objects.get(name="viewer").pk]

        answer = ben.post(page(User, "change", clerk.pk), {**late, "groups": chosen})

        assert "from nothing to finance" in problems(answer)["groups"][0]
        assert "You typed viewer" in problems(answer)["groups"][0]
        assert [group.name for group in clerk.groups.all()] == ["finance"]

    def test_workspace_that_another_user_granted_stays(self, clerk: User, ben: Client) -> None:
        late = self.form(ben, clerk)
        given = Membership.objects.create(user=clerk, workspace=WorkspaceFactory())

        assert ben.post(page(User, "change", clerk.pk), {**late, "is_staff": "on"}).status_code == 302

        assert Membership.objects.get() == given

    def test_inline_row_keeps_another_users_change(self, clerk: User, ben: Client) -> None:
        given = Membership.objects.create(user=clerk, workspace=WorkspaceFactory())
        late = self.form(ben, clerk)
        moved = WorkspaceFactory()
        Membership.objects.update(workspace=moved)

        assert ben.post(page(User, "change", clerk.pk), {**late, "is_staff": "on"}).status_code == 302
        given.refresh_from_db()
        assert given.workspace == moved

        answer = ben.post(
            page(User, "change", clerk.pk), {**late, "memberships-0-workspace": WorkspaceFactory().pk}
        )
        assert answer.status_code == 200
        assert "After you opened this page it was changed" in answer.content.decode()
        given.refresh_from_db()
        assert given.workspace == moved

    def test_inline_row_that_another_user_removed_stays_removed(self, clerk: User, ben: Client) -> None:
        Membership.objects.create(user=clerk, workspace=WorkspaceFactory())
        late = self.form(ben, clerk)
        Membership.objects.all().delete()

        assert ben.post(page(User, "change", clerk.pk), {**late, "is_staff": "on"}).status_code == 302
        assert not Membership.objects.exists()

        answer = ben.post(
            page(User, "change", clerk.pk), {**late, "memberships-0-workspace": WorkspaceFactory().pk}
        )
        assert answer.status_code == 200
        assert "deleted after you opened this page" in answer.content.decode()
        assert not Membership.objects.exists()

    def test_group_permissions_that_another_user_set_stay(self, ben: Client) -> None:
        group = Group.objects.create(name="night shift")
        data = form_of(ben, page(Group, "change", group.pk))
        given = Permission.objects.get(codename="view_lead")
        group.permissions.add(given)

        assert ben.post(page(Group, "change", group.pk), {**data, "name": "late shift"}).status_code == 302

        group.refresh_from_db()
        assert (group.name, list(group.permissions.all())) == ("late shift", [given])


def test_restricted_user_learns_no_name_from_a_conflict(ann: Client) -> None:
    """Another person chose a destination in a workspace that this user does not see."""
    rule = RuleFactory()
    mine = person("operator", rule.workspace, rule.destination)
    mine.user_permissions.add(Permission.objects.get(codename="change_routingrule"))
    client = client_of(mine)
    url = page(RoutingRule, "change", rule.pk)
    data = form_of(client, url)
    secret = WorkspaceFactory(name="Secret partner")
    save(ann, RoutingRule, rule, destination=secret.pk)

    answer = client.post(url, {**data, "destination": rule.destination_id, "priority": "9"})

    [text] = problems(answer)["__all__"]
    assert text == "Nothing was saved. These fields became read-only after you opened this page: destination."
    rule.refresh_from_db()
    assert rule.destination == secret


def test_sealed_values_equal_the_page(ann: Client) -> None:
    buyer = BuyerFactory(service_area={"states": ["GA"]})
    form = ann.get(page(Buyer, "change", buyer.pk)).context["adminform"].form
    shown = {name: form.initial[name] for name in form.fields if name in form.present}
    assert form["page_version"].value() == seal(buyer, form.present)
    assert set(form.present) == set(shown) <= {bound.name for bound in form}
