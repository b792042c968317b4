"""`manage.py route --dry-run LEAD`: the effect of the rules, as text and as JSON, with nothing written."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing.models import Lead, RoutingRule
from tests.support.factories import LeadFactory, RuleFactory, SourceFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead() -> Lead:
    source = SourceFactory(workspace__name="Leads & More")
    hub = WorkspaceFactory(name="Hub")
    alabama = {
        "any": [{"field": "state", "op": "eq", "value": "AL"}, {"field": "revenue", "op": "gt", "value": 5}]
    }
    RuleFactory(workspace=source.workspace, priority=2, name="Alabama or rich", conditions=alabama)
    RuleFactory(workspace=source.workspace, priority=1, name="The rest", destination=hub, tags=["a", "b"])
    RuleFactory(workspace=source.workspace, priority=0, name="Never")
    lead: Lead = LeadFactory(source=source, external_id="form-7")
    return lead


def route(*arguments: str) -> str:
    output = StringIO()
    call_command("route", *arguments, stdout=output)
    return output.getvalue()


def test_dry_run_shows_the_route_and_writes_nothing(lead: Lead) -> None:
    with CaptureQueriesContext(connection) as captured:
        text = route("--dry-run", "form-7")

    assert text.splitlines() == [
        f"Lead {lead.public_id} would go to Hub",
        "",
        "Rules of Leads & More",
        "  Alabama or rich: matches state is AL or revenue > 5",
        "    does not match: requires state is AL; the lead has GA",
        "    does not match: requires revenue > 5; the lead has no value",
        "  The rest: matches every lead",
        "    matches: routes the lead to Hub (tags: a, b)",
        "  1 more not checked",
        "",
        "Rules of Hub",
        "  no active rules: the lead is decided here",
    ]
    assert not [each["sql"] for each in captured if not each["sql"].lstrip().startswith(("SELECT", "WITH"))]


def test_json_has_the_same_route(lead: Lead) -> None:
    found = json.loads(route("--dry-run", "--json", str(lead.public_id)))
    assert (found["lead"], found["destination"], found["moves"]) == (str(lead.public_id), "Hub", 1)
    assert [rule["won"] for rule in found["path"][0]["checked_rules"]] == [False, True]


def test_lead_without_a_matching_rule_stays(lead: Lead) -> None:
    RoutingRule.objects.update(active=False)
    assert route("--dry-run", str(lead.pk)).startswith(f"Lead {lead.public_id} would stay in Leads & More")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dry-run", "no-such-lead"], "no lead has the public id, id or external id 'no-such-lead'"),
        (["form-7"], "the following arguments are required: --dry-run"),
        (["--dry-run"], "the following arguments are required: LEAD"),
        (["--dry-run", "twice"], "more than one lead matches 'twice'; choose one by its public id:"),
        (["--dry-run", "broken"], "routing rule"),
    ],
)
def test_unanswerable_question_exits_with_2(lead: Lead, arguments: list[str], message: str) -> None:
    for _ in range(2):
        LeadFactory(external_id="twice")
    broken: Any = RuleFactory(conditions={"op": "?"})
    LeadFactory(source=SourceFactory(workspace=broken.workspace), external_id="broken")
    with pytest.raises(CommandError, match=message) as error:
        route(*arguments)
    assert error.value.returncode == (1 if "required" in message else 2)
    assert Lead.objects.get(pk=lead.pk).status == "pending"
