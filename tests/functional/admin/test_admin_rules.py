"""Rules in the admin: an invalid rule is refused with the path that it would make, and a dry run leaves no trace."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from distribution.attempts.distribute import distribute_lead
from routing.models import Lead, RoutingRule, Workspace
from tests.support.admin_pages import client_of, form_of, page, person, problems, save
from tests.support.blocking import holding
from tests.support.factories import LeadFactory, RuleFactory, SourceFactory, WorkspaceFactory
from tracing.models import AuditEntry

DRY_RUN = reverse("admin:routing_routingrule_try")
GEORGIA = {"field": "state", "op": "eq", "value": "GA"}


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def add(client: Client, **fields: Any) -> Any:
    url = page(RoutingRule, "add")
    values = {name: getattr(value, "pk", value) for name, value in fields.items()}
    return client.post(url, {**form_of(client, url), "name": "new", **values})


@pytest.mark.django_db
class TestForm:
    def test_rule_is_added_and_audited(self, client: Client) -> None:
        workspace, destination = WorkspaceFactory.create_batch(2)

        answer = add(
            client,
            workspace=workspace,
            destination=destination,
            priority=5,
            conditions=json.dumps(GEORGIA),
            tags="southeast, big jobs",
            change_reason="season starts",
        )

        assert answer.status_code == 302
        rule = RoutingRule.objects.get()
        assert (rule.workspace, rule.destination, rule.priority, rule.active) == (
            workspace,
            destination,
            5,
            True,
        )
        assert (rule.conditions, rule.tags) == (GEORGIA, ["southeast", "big jobs"])
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.model, entry.reason) == ("added", "routing.routingrule", "season starts")
        assert (entry.workspace_id, entry.after["destination"]) == (workspace.pk, destination.pk)

    @pytest.mark.parametrize(
        ("conditions", "message"),
        [
            ({"all": [{"field": "stat", "op": "eq", "value": "GA"}]}, "all[0].field: unknown field 'stat'"),
            ({"field": "revenue", "op": "gte", "value": "much"}, "value: revenue is a number"),
            ({"field": "industry", "op": "eq", "value": 5}, "value: industry is a text"),
            ({"any": []}, "any: needs at least one condition"),
        ],
        ids=["unknown", "wrong type", "number for text", "empty any"],
    )
    def test_senseless_condition_is_refused_with_its_path(
        self, conditions: object, message: str, client: Client
    ) -> None:
        workspace, destination = WorkspaceFactory.create_batch(2)
        answer = add(client, workspace=workspace, destination=destination, conditions=json.dumps(conditions))
        assert message in " ".join(problems(answer)["conditions"])
        assert not RoutingRule.objects.exists()

    def test_rule_needs_a_destination_other_than_where_the_lead_is(self, client: Client) -> None:
        """A rule without a destination is an error, and so is one that leads back to its own workspace."""
        workspace = WorkspaceFactory()
        assert "required" in problems(add(client, workspace=workspace))["destination"][0]
        itself = problems(add(client, workspace=workspace, destination=workspace))
        assert itself == {"destination": ["The lead is already in this workspace. Choose another one."]}

    def test_cycle_is_refused_with_its_path(self, client: Client) -> None:
        one, two, three = (WorkspaceFactory(name=name) for name in ("One", "Two", "Three"))
        RuleFactory(workspace=one, destination=two)
        onward = RuleFactory(workspace=two, destination=three)
        ends = {"workspace": three, "destination": one}
        assert problems(add(client, **ends)) == {
            "destination": ["This makes a cycle: Three → One → Two → Three."]
        }
        assert add(client, **ends, active="").status_code == 302  # an inactive rule does not count
        asleep = RoutingRule.objects.get(name="new")
        assert (
            "This makes a cycle" in problems(save(client, RoutingRule, asleep, active="on"))["destination"][0]
        )
        RoutingRule.objects.filter(pk=onward.pk).update(active=False)
        assert save(client, RoutingRule, asleep, active="on").status_code == 302

    def test_path_that_is_too_long_is_refused(self, client: Client) -> None:
        here = first = WorkspaceFactory()
        for _ in range(8):
            here = RuleFactory(workspace=here).destination
        answer = problems(add(client, workspace=here, destination=WorkspaceFactory()))
        assert answer == {"destination": ["This makes a path of more than 8 rules in a row. Remove some."]}
        assert problems(add(client, workspace=WorkspaceFactory(), destination=first)) == answer

    @pytest.mark.parametrize(
        ("tags", "message"),
        [
            ("fine, <b>", "<b>: use letters"),
            ("a, b, a", "has the same tag twice"),
            (",".join(map(str, range(21))), "has 21 tags, but at most 20"),
        ],
        ids=["odd", "twice", "many"],
    )
    def test_tags_are_slugs(self, tags: str, message: str, client: Client) -> None:
        workspace, destination = WorkspaceFactory.create_batch(2)
        answer = add(client, workspace=workspace, destination=destination, tags=tags)
        [problem] = problems(answer)["tags"]
        assert problem.startswith(message)

    def test_list_shows_the_condition_of_a_rule(self, client: Client) -> None:
        RuleFactory(conditions=GEORGIA, tags=["a", "b"])
        RuleFactory(conditions={"op": "?"})
        content = client.get(page(RoutingRule, "changelist")).content.decode()
        assert "state is GA" in content
        assert "invalid conditions" in content
        assert "a, b" in content
        shown = client.get(page(RoutingRule, "changelist"), {"tag": "b"}).context["cl"].result_list
        assert [rule.tags for rule in shown] == [["a", "b"]]


@pytest.mark.usefixtures("committed_db")
def test_form_says_that_rules_are_being_changed(client: Client) -> None:
    workspace, destination = WorkspaceFactory.create_batch(2)
    with holding("UPDATE routing_rule SET priority = 0"):
        answer = problems(add(client, workspace=workspace, destination=destination))
    assert answer == {"__all__": ["Someone else is changing rules right now. Try again."]}
    assert add(client, workspace=workspace, destination=destination).status_code == 302


@pytest.mark.django_db
class TestScope:
    def test_operator_connects_only_own_workspaces(self) -> None:
        mine, mine_too, foreign = WorkspaceFactory.create_batch(3)
        client = client_of(person("operator", mine, mine_too))
        assert "destination" in problems(add(client, workspace=mine, destination=foreign))
        assert "workspace" in problems(add(client, workspace=foreign, destination=mine))
        assert add(client, workspace=mine, destination=mine_too).status_code == 302

    def test_rule_to_a_hidden_workspace_cannot_be_changed(self) -> None:
        rule = RuleFactory(priority=1)
        other = WorkspaceFactory()
        client = client_of(person("operator", rule.workspace, other))
        assert save(client, RoutingRule, rule, priority=9, destination=other.pk).status_code == 302
        changed = RoutingRule.objects.get()
        assert (changed.priority, changed.destination) == (9, rule.destination)

    def test_cycle_error_names_no_foreign_workspace(self) -> None:
        mine, mine_too = WorkspaceFactory(name="Mine"), WorkspaceFactory(name="Mine too")
        secret = RuleFactory(workspace=mine_too, destination__name="Secret").destination
        RuleFactory(workspace=secret, destination=mine)
        answer = problems(
            add(client_of(person("operator", mine, mine_too)), workspace=mine, destination=mine_too)
        )
        assert answer["destination"] == ["This makes a cycle: Mine → Mine too → another workspace → Mine."]

    def test_viewer_cannot_change_anything(self) -> None:
        rule = RuleFactory()
        client = client_of(person("viewer", rule.workspace))
        assert client.get(page(RoutingRule, "change", rule.pk)).status_code == 200
        assert client.get(DRY_RUN).status_code == 200
        assert client.post(page(RoutingRule, "change", rule.pk), {"_save": "Save"}).status_code == 403
        assert client.get(page(RoutingRule, "add")).status_code == 403
        outsider = User.objects.create_user("outsider", is_staff=True)
        assert client_of(outsider).get(DRY_RUN).status_code == 403


@pytest.mark.django_db
def test_only_users_who_see_everything_widen_a_duplicate_search() -> None:
    """Otherwise a dry run would reveal whether another agency knows the person."""
    workspace = WorkspaceFactory()
    operator, root = (
        client_of(person("operator", workspace)),
        client_of(User.objects.create_superuser("root")),
    )
    refused = problems(save(operator, Workspace, workspace, duplicate_scope="everywhere"))
    assert "everywhere is not one of the available choices" in refused["duplicate_scope"][0]
    assert save(operator, Workspace, workspace, duplicate_scope="workspace").status_code == 302
    assert save(root, Workspace, workspace, duplicate_scope="everywhere").status_code == 302
    assert save(operator, Workspace, workspace, duplicate_days="5").status_code == 302
    workspace.refresh_from_db()
    assert (workspace.duplicate_scope, workspace.duplicate_days) == ("everywhere", 5)


@pytest.mark.django_db
class TestDryRun:
    def tried(self, client: Client, **fields: Any) -> list[tuple[str, bool, list[tuple[str, str]]]]:
        """For each workspace on the path, its rules: name, whether it won, and why it failed."""
        answer = client.post(DRY_RUN, fields)
        assert answer.status_code == 200, answer.context["form"].errors
        dry_run = answer.context["dry_run"]
        return [
            (rule.name, rule.won, [(miss.required, miss.observed) for miss in rule.misses])
            for step in dry_run.path
            for rule in step.checked_rules
        ]

    def rules(self) -> Workspace:
        """A partner with four rules. The third sends Georgia to a workspace that has a rule of its own."""
        workspace, there = WorkspaceFactory(name="Partner"), WorkspaceFactory(name="Peachtree")
        revenue = {"field": "revenue", "op": "gte", "value": 1_000_000}
        for priority, name, conditions in (
            (9, "big", {"all": [GEORGIA, revenue]}),
            (8, "alabama", {"field": "state", "op": "in", "value": ["AL"]}),
            (7, "georgia", GEORGIA),
            (6, "all", {}),
        ):
            RuleFactory(
                workspace=workspace, destination=there, priority=priority, name=name, conditions=conditions
            )
        RuleFactory(
            workspace=there,
            name="steel",
            conditions={"field": "industry", "op": "eq", "value": "steel"},
            destination__name="Steel Works",
        )
        return workspace

    def test_result_names_the_winning_rule_and_why_earlier_rules_failed(self, client: Client) -> None:
        workspace = self.rules()
        assert self.tried(client, workspace=workspace.pk, zip="30312", vertical="roofing", revenue="5") == [
            ("big", False, [("revenue >= 1000000", "5.0")]),
            ("alabama", False, [("state is one of AL", "GA")]),
            ("georgia", True, []),
            ("steel", False, [("industry is steel", "no value")]),
        ]
        content = client.post(
            DRY_RUN, {"workspace": workspace.pk, "zip": "30312", "vertical": "x", "industry": "steel"}
        ).content.decode()
        assert "The lead would go to <strong>Steel Works</strong>." in content
        assert "Requires state is one of AL. The lead has GA." in content
        assert "1 more rule not checked." in content

    def test_typed_fields_are_read_like_those_of_a_lead(self, client: Client) -> None:
        workspace = WorkspaceFactory()
        for field, value in (
            ("region", "South"),
            ("county", "Fulton County"),
            ("country", "US"),
            ("company_size", 12),
            ("attributes.x.y", [1]),
            ("source", "feed"),
        ):
            op = "contains" if isinstance(value, list) else "eq"
            wanted = value[0] if isinstance(value, list) else value
            RuleFactory(
                workspace=workspace,
                conditions={"not": {"field": field, "op": op, "value": wanted}},
            )
        typed = {"zip": "30312", "vertical": "roofing", "company_size": "12", "source": "feed"}
        found = self.tried(client, workspace=workspace.pk, attributes='{"x": {"y": [1]}}', **typed)
        assert [won for _, won, _ in found] == [False] * 6

    def test_stored_lead_is_tried_by_its_id_and_nothing_is_written(self, client: Client) -> None:
        workspace = self.rules()
        lead = LeadFactory(source=SourceFactory(workspace=workspace))
        distribute_lead(lead.pk)
        before = [
            list(model._default_manager.values()) for model in (Lead, RoutingRule, Workspace, AuditEntry)
        ]
        for text in (str(lead.public_id), str(lead.pk)):
            assert [name for name, won, _ in self.tried(client, lead=text) if won] == ["georgia"]
        after = [
            list(model._default_manager.values()) for model in (Lead, RoutingRule, Workspace, AuditEntry)
        ]
        assert after == before

    def test_rules_of_others_are_not_shown(self) -> None:
        workspace = self.rules()
        client = client_of(person("viewer", workspace))
        answer = client.post(DRY_RUN, {"workspace": workspace.pk, "zip": "30312", "vertical": "roofing"})
        content = answer.content.decode()
        assert "The lead would go to <strong>Peachtree</strong>." in content
        assert "You do not have access to them." in content
        assert "steel" not in content

    def test_leads_and_workspaces_of_others_do_not_exist(self) -> None:
        own, foreign = self.rules(), LeadFactory()
        client = client_of(person("viewer", own))
        answer = client.post(DRY_RUN, {"lead": str(foreign.public_id)})
        assert answer.status_code == 400
        assert answer.context["form"].errors == {"lead": ["No lead found."]}
        assert client.post(DRY_RUN, {"workspace": foreign.workspace_id, "zip": "30312"}).status_code == 400
        assert client.get(DRY_RUN, {"workspace": foreign.workspace_id}).status_code == 404
        assert client.get(DRY_RUN, {"workspace": "x"}).status_code == 404
        assert client.get(DRY_RUN, {"workspace": own.pk}).status_code == 200

    @pytest.mark.parametrize(
        ("typed", "where"),
        [
            ({}, "workspace"),
            ({"workspace": 1, "zip": "00012", "vertical": "x"}, "zip"),
            ({"workspace": 1, "zip": "30312"}, "vertical"),
            ({"workspace": 1, "zip": "30312", "vertical": "x", "state": "AL"}, "state"),
            ({"workspace": 1, "zip": "30312", "vertical": "x", "attributes": "[1]"}, "attributes"),
            ({"workspace": 1, "zip": "30312", "vertical": "x", "attributes": "{"}, "attributes"),
            ({"workspace": 1, "zip": "30312", "vertical": "x", "revenue": "much"}, "revenue"),
        ],
        ids=lambda value: value if isinstance(value, str) else "-".join(value),
    )
    def test_invalid_lead_id_is_refused_at_its_field(
        self, typed: dict[str, Any], where: str, client: Client
    ) -> None:
        workspace = self.rules()
        answer = client.post(
            DRY_RUN, {**typed, **({"workspace": workspace.pk} if "workspace" in typed else {})}
        )
        assert answer.status_code == 400
        assert list(answer.context["form"].errors) == [where]

    def test_namesake_leads_are_distinguished_by_id(self, client: Client) -> None:
        for _ in range(2):
            LeadFactory(external_id="form-1")
        answer = client.post(DRY_RUN, {"lead": "form-1"})
        assert answer.context["form"].errors == {"lead": ["Several leads match. Enter the public id."]}

    def test_unreadable_rule_is_named(self, client: Client) -> None:
        rule = RuleFactory(conditions={"field": "state", "op": "near"})
        answer = client.post(DRY_RUN, {"workspace": rule.workspace_id, "zip": "30312", "vertical": "x"})
        assert f"routing rule {rule.pk}: op: unknown operator" in answer.content.decode()

    def test_rules_page_links_to_the_dry_run(self, client: Client) -> None:
        rule = RuleFactory()
        assert DRY_RUN in client.get(page(RoutingRule, "changelist")).content.decode()
        content = client.get(page(RoutingRule, "change", rule.pk)).content.decode()
        assert f"{DRY_RUN}?workspace={rule.workspace_id}" in content
