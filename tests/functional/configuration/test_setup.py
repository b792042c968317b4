"""A first campaign from a file: `manage.py setup`."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Campaign, Enrollment, LedgerEntry, SourceContract, Wallet
from leadswitch.env import REPOSITORY
from routing.management.arguments import describe_operator
from routing.models import Lead, Source, SourceKey, Workspace
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

PAGE = REPOSITORY / "docs" / "setup-file.md"
YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = """
workspace: {slug: acme, name: Acme}
sources:
  - {name: website, default_vertical: roofing}
buyers:
  - name: Peach
    service_area: {states: ["GA"]}
    hours: {mon: [[09:00, 17:00]]}
    opening_balance_dollars: 500.25
    credit_limit_dollars: $1,000
campaigns:
  - name: Roofing
    vertical: roofing
    price_dollars: 45
    tiers: [{position: 1}]
    enrollments: [{buyer: Peach, cap_day: 5, budget_day_dollars: 90.50}]
"""


def run(path: Path, text: str, **options: Any) -> tuple[str, str]:
    path.write_text(text)
    out, err = io.StringIO(), io.StringIO()
    call_command("setup", str(path), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "first.yaml"


def counts() -> dict[str, int]:
    models = (Workspace, Source, SourceKey, Buyer, Campaign, Enrollment, LedgerEntry, AuditEntry)
    return {model.__name__: model.objects.count() for model in models}


def refuse(path: Path, text: str) -> str:
    """The message for a refused file. Nothing is stored."""
    before = counts()
    with pytest.raises(CommandError) as caught:
        run(path, text)
    assert caught.value.returncode == 2
    assert counts() == before
    return str(caught.value)


def test_example_sells_a_lead(file: Path) -> None:
    example = io.StringIO()
    call_command("setup", example=True, stdout=example)
    key, _ = run(file, example.getvalue())
    lead = {"email": "jo@example.com", "phone": "943 555 0199", "zip": "30312", "vertical": "roofing"}
    headers = {"Authorization": f"Api-Key {key.strip()}"}
    answer = Client(headers=headers).post("/api/v1/leads/", lead, content_type="application/json")
    assert answer.status_code == 201
    distribute_lead(Lead.objects.get().pk)
    assert Lead.objects.get().status == "distributed"
    assert Assignment.objects.get().price_cents == 4_500


def test_examples_of_the_page_with_offers_are_stored_after_the_first_file(file: Path) -> None:
    example = io.StringIO()
    call_command("setup", example=True, stdout=example)
    run(file, example.getvalue())
    [text] = [each for each in YAML_BLOCK.findall(PAGE.read_text()) if "mode: auction" in each]
    run(file, text)
    modes = dict(Campaign.objects.values_list("mode", "name"))
    assert modes == {
        "round_robin": "Roofing Georgia",
        "ping_post": "Siding, first claim",
        "auction": "Gutters, auction",
    }
    assert Enrollment.objects.filter(campaign__mode="ping_post").count() == 2
    [bidding] = Enrollment.objects.filter(campaign__mode="auction")
    assert (bidding.bid_cents, len(bidding.standing_bids)) == (2_800, 1)


def test_audit_names_who_ran_it_for_every_row(file: Path) -> None:
    run(file, FILE)
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {describe_operator()}
    assert AuditEntry.objects.filter(model="routing.sourcekey").count() == 1


def test_report_is_aligned_and_a_new_wallet_is_added(file: Path) -> None:
    _, first = run(file, FILE)
    lines = [line for line in first.splitlines() if " added" in line]
    assert len({line.index(" added") for line in lines}) == 1
    [wallet] = [line for line in lines if line.startswith("wallet")]
    assert wallet.endswith("added  balance $500.25, credit limit $1,000.00")
    _, second = run(file, FILE.replace("$1,000", "$2,000"))
    [wallet] = [line for line in second.splitlines() if line.startswith("wallet")]
    assert " changed " in wallet


def test_second_run_changes_nothing(file: Path) -> None:
    key, _ = run(file, FILE)
    assert key.count("\n") == 1
    before = counts()
    again, lines = run(file, FILE)
    assert again == ""
    assert counts() == before
    assert {line.split()[-1] for line in lines.splitlines()} == {"unchanged"}
    with CaptureQueriesContext(connection) as statements:
        run(file, FILE)
    assert not [each["sql"] for each in statements if each["sql"].startswith(("UPDATE", "INSERT"))]


def test_amounts_are_dollars_and_hours_are_text(file: Path) -> None:
    run(file, FILE)
    wallet, enrollment = Wallet.objects.get(), Enrollment.objects.get()
    assert (wallet.balance_cents, wallet.credit_limit_cents) == (50_025, 100_000)
    assert (Campaign.objects.get().price_cents, enrollment.budget_day_cents) == (4_500, 9_050)
    assert Buyer.objects.get().hours == {"mon": [["09:00", "17:00"]]}


def test_changed_file_changes_what_it_names(file: Path) -> None:
    run(file, FILE)
    Enrollment.objects.update(weight=7)
    entries = AuditEntry.objects.count()
    run(file, FILE.replace("cap_day: 5", "cap_day: 9").replace("name: Acme", "name: Acme Leads"))
    enrollment = Enrollment.objects.get()
    assert (enrollment.cap_day, enrollment.weight) == (9, 7)
    assert Workspace.objects.get().name == "Acme Leads"
    changes = AuditEntry.objects.order_by("pk")[entries:]
    assert [(entry.before, entry.after) for entry in changes] == [
        ({"name": "Acme"}, {"name": "Acme Leads"}),
        ({"cap_day": 5}, {"cap_day": 9}),
    ]


def test_tier_that_the_file_does_not_name_stays(file: Path) -> None:
    text = FILE.replace("tiers: [{position: 1}]", "tiers: [{position: 1}, {position: 2}]")
    run(file, text)
    Enrollment.objects.update(tier=Campaign.objects.get().tiers.get(position=2))
    entries = AuditEntry.objects.count()
    run(file, text)
    assert Enrollment.objects.get().tier.position == 2
    assert AuditEntry.objects.count() == entries


def test_credit_limit_can_be_taken_away(file: Path) -> None:
    run(file, FILE)
    assert Wallet.objects.get().credit_limit_cents == 100_000
    run(file, FILE.replace("$1,000", "0"))
    assert Wallet.objects.get().credit_limit_cents == 0


def test_negative_opening_balance_is_named_as_such(file: Path) -> None:
    message = refuse(file, FILE.replace("500.25", "-5"))
    assert "buyers[0].opening_balance_dollars: " in message
    assert "already credited" not in message


def test_dry_run_stores_nothing(file: Path) -> None:
    before = counts()
    key, lines = run(file, FILE, dry_run=True)
    assert counts() == before
    assert key == ""
    assert "nothing was stored" in lines


def test_every_problem_is_named_with_its_path(file: Path) -> None:
    text = FILE.replace("price_dollars: 45", "prise_dollars: 45").replace(
        "cap_day: 5", "cap_day: 5, cap_dya: 6"
    )
    message = refuse(file, text.replace("500.25", "500.255"))
    assert "campaigns[0].prise_dollars: unknown; did you mean price_dollars?" in message
    refused = refuse(file, FILE.replace("price_dollars: 45", "price: 45"))
    assert "campaigns[0].price: unknown; did you mean price_dollars or price_rules?" in refused
    assert "campaigns[0].enrollments[0].cap_dya: unknown; did you mean cap_day?" in message
    assert (
        "buyers[0].opening_balance_dollars: 500.255 is not an amount in dollars; write 45 or 45.50" in message
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('{states: ["GA"]}', "{zips: [30312]}", "buyers[0].service_area: "),
        (
            "price_dollars: 45",
            "price_dollars: 45\n    mode: x",
            "Use one of round_robin, weighted, priority, price, ping_post, auction.",
        ),
        ('{states: ["GA"]}', "{everywhere: true, states: []", "the file is not valid YAML"),
        ("  - name: Peach\n", "  - name: Peach\n    name: Peach\n", "the key 'name' is given twice"),
        (
            "tiers: [{position: 1}]",
            "tiers: []",
            "campaigns[0].enrollments[0].tier: the campaign has no tier 1",
        ),
        ("{buyer: Peach,", "{buyer: Pear,", "there is no buyer 'Pear' in the file or in acme"),
        ("price_dollars: 45", "price_dollars: true", "campaigns[0].price_dollars: True is not an amount"),
        ("price_dollars: 45", "mode: raffle", "campaigns[0].mode: "),
        ("price_dollars: 45", "", "campaigns[0].price_dollars: "),
        ("{name: website,", "{name: web site,", "sources[0]: the source 'web site'"),
        ("workspace: {slug: acme, name: Acme}", "workspace: acme", "workspace: write slug"),
    ],
)
def test_wrong_file_is_refused_whole(file: Path, old: str, new: str, says: str) -> None:
    assert old in FILE
    assert says in refuse(file, FILE.replace(old, new))


def test_opening_balance_is_credited_once(file: Path) -> None:
    run(file, FILE)
    message = refuse(file, FILE.replace("500.25", "900"))
    assert "buyers[0].opening_balance_dollars: was already credited with a different amount" in message
    assert Wallet.objects.get().balance_cents == 50_025


CONTRACTS = """{name: website, contracts: [
    {valid_from: 2026-01-01, pays: fixed, amount_dollars: 7.50},
    {valid_from: 2026-02-01, pays: share, share_bps: 1250, returns_deducted: false}]}"""


def test_contracts_are_added_once(file: Path) -> None:
    text = FILE.replace("{name: website, default_vertical: roofing}", CONTRACTS)
    _, report = run(file, text)
    _, again = run(file, text)

    stored = SourceContract.objects.order_by("starts_at")
    terms = stored.values_list("pays", "amount_cents", "share_bps", "returns_deducted")
    assert list(terms) == [("fixed", 750, None, True), ("share", None, 1_250, False)]
    assert "$7.50 for each sold lead from 2026-01-01" in report
    lines = [line for line in report.splitlines() if line.startswith("contract")]
    assert lines[0].endswith("added  for leads sold from 2026-01-01 05:00:00 UTC")
    assert [line.split()[-1] for line in again.splitlines() if line.startswith("contract")] == [
        "unchanged"
    ] * 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("fixed,", "bribe,", "sources[0].contracts[0]: pays"),
        ("amount_dollars: 7.50", "share_bps: 5", "sources[0].contracts[0]: a fixed amount needs an amount"),
        ("2026-01-01", "soon", "sources[0].contracts[0]: valid_from must be a date"),
        ("false", "sometimes", "sources[0].contracts[1]: returns_deducted must be true or false"),
        ("1250", "12.5", "sources[0].contracts[1]: share_bps"),
    ],
)
def test_contract_that_is_not_valid_is_refused(file: Path, old: str, new: str, says: str) -> None:
    contracts = CONTRACTS.replace(old, new)
    message = refuse(file, FILE.replace("{name: website, default_vertical: roofing}", contracts))

    assert says in message
    assert not SourceContract.objects.exists()


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nothing\.yaml cannot be read"):
        call_command("setup", str(tmp_path / "nothing.yaml"))
    with pytest.raises(CommandError, match="setup --example"):
        call_command("setup")
