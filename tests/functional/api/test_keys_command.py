"""`manage.py keys`: create a second key for a source or a buyer, rotate one with an overlap, revoke one, list them."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from distribution.models import Buyer, BuyerKey, WorkspaceKey
from routing.models import Source, SourceKey
from tests.support.factories import BuyerFactory, SourceFactory, WorkspaceFactory, issue_buyer_key, issue_key
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

LEAD = "/api/v1/leads/0192f0c1-2345-7abc-8def-0123456789ab/"
ME = "/api/v1/buyer/me/"


@pytest.fixture
def source() -> Source:
    made: Source = SourceFactory(workspace=WorkspaceFactory(slug="acme"), name="web-form")
    return made


@pytest.fixture
def buyer() -> Buyer:
    made: Buyer = BuyerFactory(name="Harbor Roofing", workspace=WorkspaceFactory(slug="harbor"))
    return made


def run(*arguments: str) -> str:
    """The output on stdout. Of `create` and `rotate` it is only the key."""
    out = io.StringIO()
    call_command("keys", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def status(key: str, url: str) -> int:
    return Client().get(url, headers={"Authorization": f"Api-Key {key}"}).status_code


def entries() -> list[tuple[Any, ...]]:
    rows = AuditEntry.objects.order_by("pk").values_list("action", "model", "reason")
    return list(rows)


class TestCreate:
    def test_second_key_of_a_source_works_beside_the_first(self, source: Source) -> None:
        first, second = issue_key(source), run("create", "--source", "web-form", "--reason", "new agency")

        assert [status(key, LEAD) for key in (first, second)] == [404, 404]
        assert entries() == [("added", "routing.sourcekey", "new agency")]
        entry = AuditEntry.objects.get()
        assert entry.workspace_id == source.workspace_id
        assert entry.actor.endswith("command line)")
        assert second.partition(".")[2] not in str(entry.after)
        assert entry.after["hashed_key"] == "changed"

    def test_key_has_the_trace_scope_only_on_request(self, source: Source) -> None:
        run("create", "--source", source.name)
        run("create", "--source", source.name, "--scope", "trace", "--scope", "leads:read")

        usual, granted = SourceKey.objects.order_by("created")
        assert usual.scopes == ["leads:write", "leads:read"]
        assert granted.scopes == ["leads:read", "trace"]

    def test_workspace_key_is_created(self, buyer: Buyer) -> None:
        text = run(
            "create", "--for-workspace", "harbor", "--scope", "returns:read", "--expires", "2199-01-31"
        )

        assert status(text, "/api/v1/workspace/returns/") == 200
        key = WorkspaceKey.objects.get()
        assert (key.workspace, key.scopes) == (buyer.workspace, ["returns:read"])
        assert key.expiry_date == datetime(2199, 2, 1, 5, tzinfo=UTC)  # midnight in New York
        assert AuditEntry.objects.get().workspace_id == buyer.workspace_id
        [listed] = json.loads(run("list", "--for-workspace", "harbor", "--json"))
        assert (listed["kind"], listed["owner"], listed["workspace"]) == (
            "workspace",
            buyer.workspace.name,
            "harbor",
        )
        with pytest.raises(CommandError, match="nobody"):
            run("list", "--for-workspace", "nobody")

    def test_new_workspace_key_only_reads(self, buyer: Buyer) -> None:
        run("create", "--for-workspace", buyer.workspace.slug)

        assert WorkspaceKey.objects.get().scopes == ["returns:read", "deliveries:read"]

    @pytest.mark.usefixtures("buyer")
    def test_workspace_key_is_rotated_and_revoked(self) -> None:
        old = run("create", "--for-workspace", "harbor")
        new = run("rotate", old.partition(".")[0], "--overlap-hours", "0")

        url = "/api/v1/workspace/returns/"
        assert [status(key, url) for key in (old, new)] == [401, 200]
        run("revoke", new)
        assert status(new, url) == 401

    def test_buyer_key_is_created(self, buyer: Buyer) -> None:
        text = run(
            "create",
            "--buyer",
            "harbor roofing",
            "--scope",
            "account:read",
            "--expires",
            "2199-01-31",
            "--name",
            "crm",
        )

        assert [status(text, ME), status(text, "/api/v1/buyer/wallet/")] == [200, 403]
        key = BuyerKey.objects.get()
        assert (key.buyer, key.name, key.scopes) == (buyer, "crm", ["account:read"])
        assert key.expiry_date == datetime(2199, 2, 1, 5, tzinfo=UTC)  # midnight in New York

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (
                ["--source", "web-form", "--scope", "rule"],
                "there is no scope 'rule'; the scopes are leads:write, leads:read, payables:read, "
                "subscriptions:read, subscriptions:write, trace",
            ),
            (["--source", "web-form", "--scope", "wallet:read"], "there is no scope 'wallet:read'"),
            (["--source", "other"], r"no source 'other'; choose one of 'web-form' \(acme\)"),
            (["--buyer", "Nobody"], "no buyer 'Nobody'"),
            (["--source", "web-form", "--expires", "2020-01-01"], "its expiry date is in the past"),
            (["--source", "web-form", "--name", "x" * 51], "at most 50 characters"),
            ([], "one of the arguments --source --buyer --for-workspace is required"),
        ],
    )
    @pytest.mark.usefixtures("source")
    def test_wrong_options_create_nothing(self, arguments: list[str], says: str) -> None:
        with pytest.raises(CommandError, match=says):
            run("create", *arguments)
        assert (SourceKey.objects.count(), entries()) == (0, [])


class TestRotate:
    def test_both_work_until_the_overlap_ends(self, source: Source) -> None:
        old = issue_key(source, name="site", scopes=["leads:read", "trace"])
        start = timezone.now()

        fresh = run("rotate", old.partition(".")[0], "--overlap-hours", "6", "--reason", "left the company")

        assert [status(key, LEAD) for key in (old, fresh)] == [404, 404]
        with time_machine.travel(start + timedelta(hours=6, minutes=1), tick=False):
            assert [status(key, LEAD) for key in (old, fresh)] == [401, 404]
        replaced, key = SourceKey.objects.order_by("created")
        assert (key.name, key.scopes, key.expiry_date) == ("site", ["leads:read", "trace"], None)
        assert replaced.scopes == ["leads:read", "trace"]
        kept = ("routing.sourcekey", "left the company")
        assert entries() == [("rotated", *kept), ("added", *kept)]

    def test_new_key_ends_when_the_old_one_would_have_ended(self, buyer: Buyer) -> None:
        """An old key that ends within the overlap gets no extra time."""
        ends_at = timezone.now() + timedelta(hours=2)
        old = issue_buyer_key(buyer, expiry_date=ends_at)
        run("rotate", old.partition(".")[0])
        assert list(BuyerKey.objects.values_list("expiry_date", flat=True)) == [ends_at, ends_at]

    def test_without_overlap_the_old_one_ends_now(self, source: Source) -> None:
        old = issue_key(source)
        fresh = run("rotate", old.partition(".")[0], "--overlap-hours", "0")
        assert [status(key, LEAD) for key in (old, fresh)] == [401, 404]

    @pytest.mark.parametrize("hours", ["8761", "2147483647", "-1"])
    def test_overlap_of_more_than_a_year_is_refused(self, source: Source, hours: str) -> None:
        old = issue_key(source)
        with pytest.raises(CommandError, match=f"'{hours}' is not a whole number from 0 to 8760"):
            run("rotate", old.partition(".")[0], f"--overlap-hours={hours}")
        assert (SourceKey.objects.count(), entries()) == (1, [])

    @pytest.mark.parametrize("ended", [{"revoked": True}, {"expiry_date": datetime(2020, 1, 1, tzinfo=UTC)}])
    def test_ended_key_is_not_rotated(self, source: Source, ended: dict[str, Any]) -> None:
        old = issue_key(source, **ended)
        with pytest.raises(CommandError, match="is revoked or has expired: create a new one instead"):
            run("rotate", old.partition(".")[0])
        assert (SourceKey.objects.count(), entries()) == (1, [])


class TestRevoke:
    def test_revoked_key_is_refused_and_other_key_works(self, source: Source) -> None:
        first, second = issue_key(source), issue_key(source)

        assert run("revoke", first.partition(".")[0]) == f"The key {first.partition('.')[0]} is revoked."

        assert [status(key, LEAD) for key in (first, second)] == [401, 404]
        assert entries() == [("revoked", "routing.sourcekey", "")]

    def test_second_revocation_changes_nothing(self, buyer: Buyer) -> None:
        prefix = issue_buyer_key(buyer).partition(".")[0]
        run("revoke", prefix)
        assert run("revoke", prefix) == f"The key {prefix} was already revoked."
        assert len(entries()) == 1

    def test_unknown_prefix_is_refused(self) -> None:
        with pytest.raises(CommandError, match="no key begins with 'zzzzzzzz'") as caught:
            run("revoke", "zzzzzzzz.ABCDEFGHIJKLMNOPQRSTUVWXYZ012345")
        assert caught.value.returncode == 2


class TestList:
    @pytest.mark.usefixtures("source")
    def test_unknown_workspace_is_refused(self) -> None:
        with pytest.raises(CommandError, match="there is no workspace 'nope'; choose one of acme"):
            run("list", "--workspace", "nope")

    def test_working_keys_are_listed_with_owner_and_scopes(self, source: Source, buyer: Buyer) -> None:
        texts = [issue_key(source, name="site"), issue_buyer_key(buyer, name="crm", scopes=["read"])]
        issue_key(source, name="gone", revoked=True)

        known = json.loads(run("list", "--json"))

        assert [
            (each["kind"], each["owner"], each["workspace"], each["name"], each["state"]) for each in known
        ] == [
            ("source", "web-form", "acme", "site", "active"),
            ("buyer", "Harbor Roofing", "harbor", "crm", "active"),
        ]
        assert known[0]["scopes"] == ["leads:write", "leads:read"]
        assert known[1]["scopes"] == ["account:read", "wallet:read", "assignments:read", "missed:read"]
        shown = run("list") + run("list", "--all")
        for key in (*SourceKey.objects.all(), *BuyerKey.objects.all()):
            assert key.hashed_key.split("$")[-1] not in shown
        assert not [text for text in texts if text in shown]

    def test_ended_keys_are_listed_only_on_request(self, source: Source) -> None:
        issue_key(source, name="old", expiry_date=datetime(2020, 1, 1, tzinfo=UTC))
        issue_key(source, name="gone", revoked=True)
        assert run("list") == ""
        assert [line.split()[1] for line in run("list", "--all").splitlines()] == ["expired", "revoked"]

    def test_keys_are_listed_by_owner_or_workspace(self, source: Source, buyer: Buyer) -> None:
        issue_key(source, name="one")
        issue_key(SourceFactory(), name="other")
        issue_buyer_key(buyer, name="two")
        for arguments, names in (
            (["--source", "web-form"], ["one"]),
            (["--buyer", str(buyer.public_id)], ["two"]),
            (["--workspace", "acme"], ["one"]),
            (["--workspace", "harbor"], ["two"]),
        ):
            assert [each["name"] for each in json.loads(run("list", "--json", *arguments))] == names


def test_first_key_of_a_new_source_can_have_the_trace_scope() -> None:
    out = io.StringIO()
    options = {
        "workspace": "acme",
        "name": "site",
        "create_workspace": True,
        "scopes": ["leads:read", "trace"],
    }
    call_command("create_source", stdout=out, stderr=io.StringIO(), **options)
    assert SourceKey.objects.get().scopes == ["leads:read", "trace"]
    assert AuditEntry.objects.get(model="routing.sourcekey").after["scopes"] == ["leads:read", "trace"]


def test_wrong_scope_creates_no_source() -> None:
    options = {"workspace": "acme", "name": "site", "create_workspace": True, "scopes": ["all"]}
    with pytest.raises(CommandError, match="no scope 'all'"):
        call_command("create_source", stdout=io.StringIO(), stderr=io.StringIO(), **options)
    assert (Source.objects.count(), SourceKey.objects.count()) == (0, 0)


def test_new_key_of_a_buyer_takes_scopes_and_says_where_it_is_used(buyer: Buyer) -> None:
    err = io.StringIO()
    arguments = [f"--buyer={buyer.name}", "--scope=missed:read", "--expires=2199-01-31"]
    call_command("keys", "create", *arguments, stdout=io.StringIO(), stderr=err)
    assert "/api/v1/buyer/me/" in err.getvalue()
    assert BuyerKey.objects.get().scopes == ["missed:read"]
    assert AuditEntry.objects.get().model == "distribution.buyerkey"
