"""Verification and calls in the setup file."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from distribution.models import CallPolicy, Campaign
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
FILE = """
workspace: {slug: acme, name: Acme}
campaigns:
  - name: Roofing
    vertical: roofing
    price_dollars: 45
    verification: unless_consent
    consent_kind: token
    unverified_end: sell
    unverified_percent: 60
call_policies:
  - campaign: Roofing
    max_calls: 3
    no_answer_minutes: 120
    script: "Hello from {workspace}. Press 1 to confirm, 2 to decline, 9 for no more calls."
"""


def run(path: Path, text: str) -> None:
    path.write_text(text)
    call_command("setup", str(path), stdout=io.StringIO(), stderr=io.StringIO())


def test_file_sets_the_verification_and_its_policy(tmp_path: Path) -> None:
    run(tmp_path / "a.yaml", FILE)

    campaign = Campaign.objects.get()
    assert (campaign.verification, campaign.consent_kind) == ("unless_consent", "token")
    assert (campaign.unverified_end, campaign.unverified_percent) == ("sell", 60)
    policy = CallPolicy.objects.get()
    assert (policy.campaign, policy.max_calls, policy.no_answer_minutes) == (campaign, 3, 120)
    assert AuditEntry.objects.filter(model="distribution.callpolicy", action="added").count() == 1
    run(tmp_path / "a.yaml", FILE)  # changes nothing
    assert AuditEntry.objects.filter(model="distribution.callpolicy").count() == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "campaign: Roofing",
            "campaign: Gutters",
            "call_policies[0].campaign: there is no campaign 'Gutters'",
        ),
        (
            "max_calls: 3",
            "max_calls: 7",
            "max_calls: Ensure this value is less than or equal to 6.",
        ),
        ("2 to decline, ", "", "script: Say what these keys do: 2 (the person declines)."),
        (
            "max_calls: 3",
            "max_calls: 3\n    records_calls: true",
            "script: Calls are recorded, and the script does not say it. Add: This call is recorded.",
        ),
        ("Hello from {workspace}", "Hello {name}", "script: Only {workspace} is replaced."),
        ("verification: unless_consent", "verification: maybe", "Use one of none, required, unless_consent."),
    ],
)
def test_wrong_file_is_refused_whole(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(CommandError) as caught:
        run(tmp_path / "a.yaml", FILE.replace(old, new))

    assert says in str(caught.value)
    assert not Campaign.objects.exists()
