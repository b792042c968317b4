"""An operator uses the terminal: `manage.py explain LEAD [--buyer BUYER]`."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.explain.types import to_json
from distribution.models import Buyer
from routing.leads.actions import give_up_lead
from routing.models import Lead, Workspace
from tests.browser.scene import only_in_two_days
from tests.support.claims import claim, fail
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _terminal_of_unknown_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def lead() -> Lead:
    campaign = CampaignFactory(name="Roofing Atlanta", workspace__name="Northern Leads")
    EnrollmentFactory(campaign=campaign, buyer__name="Acme Roofing", buyer__credits_cents=1_000)
    EnrollmentFactory(
        campaign=campaign, buyer__name="Peach Roofs", buyer__service_area={"states": ["NY"]}, active=False
    )
    source = SourceFactory(workspace=campaign.workspace, name="website")
    lead = LeadFactory(source=source, external_id="form-4711")
    distribute_lead(lead.pk)
    return Lead.objects.select_related("workspace", "source").get(pk=lead.pk)


def run(*arguments: str, **options: Any) -> str:
    output = io.StringIO()
    call_command("explain", *arguments, stdout=output, **options)
    return output.getvalue()


def refusal(*arguments: str) -> str:
    """The message of a command that ended with exit code 2 and no output."""
    output = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("explain", *arguments, stdout=output)
    assert error.value.returncode == 2
    assert output.getvalue() == ""
    return str(error.value)


def test_lead_is_found_by_each_of_its_names(lead: Lead) -> None:
    output = run(str(lead.public_id))

    assert output.splitlines()[0] == f"Lead {lead.public_id}"
    assert run(str(lead.pk)) == output
    assert run("form-4711") == output
    assert run(str(lead.public_id).upper()) == output


def test_explanation_reads_from_top_to_bottom(lead: Lead) -> None:
    lines = [line.rstrip() for line in run(str(lead.pk)).splitlines()]

    assert lines[1:5] == [
        "  status     failed: Needs an operator to run it again.",
        "  from       website in Northern Leads: roofing, 30312",
        "  campaign   Roofing Atlanta",
        f"  received   {lead.received_at:%Y-%m-%d %H:%M:%S} UTC",
    ]
    started = next(
        place for place, line in enumerate(lines) if line.startswith("Attempt 1 (first attempt) at ")
    )
    assert lines[started + 1 :] == [
        "  1. Started as attempt 1 (first attempt).",
        "  2. Taken by the campaign Roofing Atlanta, configuration 4.",
        "  3. The price is $25.00.",
        "  4. 2 buyers enrolled, 1 with an active enrollment, 0 have enough credits.",
        "  5. Acme Roofing: its balance is too low: the price is $25.00, and only $10.00 is available.",
        "      to change (the buyer): top up $15.00",
        "  6. Peach Roofs: its enrollment is paused: its agency paused it. Also failed: outside its service",
        "     area; its balance is too low.",
        "      to change (the agency): resume the enrollment",
        "      - outside its service area: it covers NY; the lead is in 30312, Fulton County, GA",
        "        to change (the buyer): add 30312 to the service area",
        "      - its balance is too low: the price is $25.00, and only $0.00 is available",
        "        to change (the buyer): top up $25.00",
        "  7. Not sold: No remaining buyer has enough credits. The last remaining buyer dropped out: its",
        "     balance is too low. Someone must act: the buyers can fix it.",
    ]


def test_lead_that_failed_for_good_says_what_to_do(lead: Lead) -> None:
    """The reason would pass by itself, but no attempt follows."""
    Lead.objects.filter(pk=lead.pk).update(
        status="pending", errors=2, next_attempt_at=timezone.now(), finished_at=None
    )
    claim(lead.pk, owner="verifier")
    assert fail(lead.pk, owner="verifier", at=timezone.now()) is None

    output = " ".join(run(str(lead.pk), "--latest", "1").split())

    assert "status failed: " in output
    assert (
        "to change (the agency): find this attempt in the log, remove the cause, then run the lead again"
        in output
    )
    assert "by itself" not in output


def test_lead_that_was_given_up_says_to_run_it_again(lead: Lead) -> None:
    Workspace.objects.update(hours=only_in_two_days())
    Lead.objects.filter(pk=lead.pk).update(status="pending", next_attempt_at=timezone.now(), finished_at=None)
    assert distribute_lead(lead.pk).result == "deferred"
    give_up_lead(lead.pk, at=timezone.now())

    lines = run(str(lead.pk)).splitlines()

    assert "  to change (the agency): run the lead again: an operator gave up on it" in lines


def test_buyer_is_found_by_each_of_its_names(lead: Lead) -> None:
    buyer = Buyer.objects.get(name="Acme Roofing")
    output = run(str(lead.pk), "--buyer", "acme roofing")

    assert "Acme Roofing did not get this lead." in output
    assert "Peach Roofs" not in output
    assert run(str(lead.pk), "--buyer", str(buyer.pk)) == output
    assert run(str(lead.pk), "--buyer", str(buyer.public_id)) == output


def test_json_is_the_same_explanation(lead: Lead) -> None:
    assert json.loads(run(str(lead.pk), "--json")) == to_json(explain(lead))


def test_output_is_colored_only_in_a_terminal(lead: Lead) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    call_command("explain", str(lead.pk), stdout=terminal, force_color=True)

    assert "\x1b[" in terminal.getvalue()
    assert "\x1b[" not in run(str(lead.pk))
    assert "\x1b[" not in run(str(lead.pk), force_color=True)


@pytest.mark.parametrize(
    "name", ["", "nothing", "0", "99999999", "9" * 5000, "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e"]
)
def test_unknown_lead_or_buyer_is_refused(lead: Lead, name: str) -> None:
    assert refusal(name) == f"no lead has the public id, id or external id {name!r}"
    assert refusal(str(lead.pk), "--buyer", name) == f"no buyer has the public id, id or name {name!r}"


def test_ambiguous_lead_lists_its_candidates(lead: Lead) -> None:
    other = LeadFactory(external_id="form-4711")

    assert refusal("form-4711").splitlines() == [
        "more than one lead matches 'form-4711'; choose one by its public id:",
        f"  {lead.public_id}  website in Northern Leads",
        f"  {other.public_id}  {other.source.name} in {other.workspace.name}",
    ]


def test_ambiguous_buyer_lists_its_candidates(lead: Lead) -> None:
    first = Buyer.objects.get(name="Acme Roofing")
    second = BuyerFactory(workspace=lead.workspace, name="ACME ROOFING")

    assert refusal(str(lead.pk), "--buyer", "Acme roofing").splitlines() == [
        "more than one buyer matches 'Acme roofing'; choose one by its public id:",
        f"  {first.public_id}  Acme Roofing in Northern Leads",
        f"  {second.public_id}  ACME ROOFING in Northern Leads",
    ]


def test_buyer_of_the_leads_workspace_takes_precedence_over_a_namesake(lead: Lead) -> None:
    BuyerFactory(name="Acme Roofing")

    assert "its balance is too low" in run(str(lead.pk), "--buyer", "Acme Roofing")


def test_buyer_of_another_workspace_is_reported_as_such(lead: Lead) -> None:
    BuyerFactory(name="Stranger", workspace__name="Southern Leads")

    output = " ".join(run(str(lead.pk), "--buyer", "stranger").split())
    assert (
        "Stranger is in the workspace Southern Leads, and the lead is in Northern Leads. "
        "A lead is only offered to buyers of its own workspace." in output
    )


def test_latest_must_be_above_0(lead: Lead) -> None:
    with pytest.raises(
        CommandError, match="argument --latest: '0' is not a whole number from 1 to 2147483647"
    ):
        call_command("explain", str(lead.pk), "--latest", "0")
