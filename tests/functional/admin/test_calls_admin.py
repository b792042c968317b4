"""The pages of calls in the admin: accounts, whose secrets are never shown, channels, calls, verifications, phones."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from distribution.admin.carrieraccount import CarrierAccountAdmin
from distribution.admin.channel_state import HourOfLines, measure_lines
from distribution.attempts.distribute import distribute_lead
from distribution.calls.blocking import block_phone
from distribution.calls.stopping import stop_account
from distribution.models import (
    BlockedPhone,
    Call,
    CallPolicy,
    Campaign,
    CarrierAccount,
    Channel,
    Verification,
)
from routing.intake.identity import identify
from routing.models import Lead, Workspace
from tests.carrier.running import Carrier
from tests.support.admin_pages import client_of, form_of, page, person, problems, save, texts
from tests.support.factories import (
    CallFactory,
    CampaignFactory,
    CarrierAccountFactory,
    ChannelFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    VerificationFactory,
    WorkspaceFactory,
)
from tests.support.factories import person as person_of
from tests.support.reachable import reach_this_machine
from tests.support.waiting_leads import allow_calls_now
from tracing.call_events import OUTCOMES
from tracing.models import AuditEntry
from tracing.wording import sentence

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
WHY = {"reason": "because"}


@pytest.fixture
def workspace() -> Workspace:
    found: Workspace = WorkspaceFactory()
    return found


@pytest.fixture
def operator(workspace: Workspace) -> Client:
    return client_of(person("operator", workspace))


@pytest.fixture
def near(carrier: Carrier, settings: Any) -> Iterator[Carrier]:
    """The carrier of the tests, which the product may reach."""
    settings.LEADSWITCH_BASE_URL = "https://example.com"
    with reach_this_machine(settings):
        yield carrier


def act(row: Any, name: str) -> str:
    return reverse(f"admin:distribution_{row._meta.model_name}_do", args=[row.pk, name])


def buttons(client: Client, row: Any) -> list[str]:
    content = client.get(page(type(row), "change", row.pk)).content.decode()
    return re.findall(r'class="admin-button">([^<]+)<', content)


class TestCarrierAccount:
    def add(self, client: Client, workspace: Workspace, **changes: Any) -> Any:
        url = page(CarrierAccount, "add")
        data = {
            **form_of(client, url),
            "workspace": workspace.pk,
            "name": "Twilio",
            "api_url": "https://1.1.1.1",
            "account_sid": "AC1",
            "token": "s3cret-token",
            "new_signing_key": "s3cret-key",
            "is_enabled": "on",
            **changes,
        }
        return client.post(url, data)

    def test_secrets_are_stored_and_never_shown(self, operator: Client, workspace: Workspace) -> None:
        assert self.add(operator, workspace).status_code == 302

        account = CarrierAccount.objects.get()
        assert (account.auth_token, account.signing_key) == ("s3cret-token", "s3cret-key")
        shown = operator.get(page(CarrierAccount, "change", account.pk)).content.decode()
        shown += operator.get(page(CarrierAccount, "changelist")).content.decode()
        assert "s3cret" not in shown
        assert "one is stored" in shown
        assert "s3cret" not in str(list(AuditEntry.objects.values()))

    def test_form_without_a_secret_keeps_it(self, operator: Client, workspace: Workspace) -> None:
        account = CarrierAccountFactory(workspace=workspace, api_url="https://1.1.1.1", signing_key="old-key")

        assert save(operator, CarrierAccount, account, name="Other").status_code == 302
        account.refresh_from_db()
        assert (account.name, account.auth_token) == ("Other", "a-token-of-the-carrier")
        assert account.signing_key == "old-key"
        assert save(operator, CarrierAccount, account, new_signing_key="new-key").status_code == 302

        account.refresh_from_db()
        assert account.signing_key == "new-key"
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.after) == ("changed", {"signing_key": "changed"})

    @pytest.mark.parametrize(
        ("api_url", "says"),
        [
            ("https://1.1.1.1/v1", "without a path"),
            ("https://10.0.0.1", "10.0.0.1"),
            ("ftp://x.y", "Enter a valid URL"),
        ],
    )
    def test_address_is_checked(
        self, operator: Client, workspace: Workspace, api_url: str, says: str
    ) -> None:
        answer = self.add(operator, workspace, api_url=api_url)

        assert says in problems(answer)["api_url"][0]
        assert not CarrierAccount.objects.exists()
        assert "s3cret" not in answer.content.decode()

    def test_token_is_replaced_and_both_are_accepted_until_one_is_forgotten(
        self, operator: Client, workspace: Workspace
    ) -> None:
        account = CarrierAccountFactory(workspace=workspace)
        assert "Forget the previous token…" not in buttons(operator, account)

        done = operator.post(act(account, "token"), {**WHY, "token": "new-token"}, follow=True)

        assert texts(done) == [
            f"{account} uses the new token. Messages signed with the previous one are still accepted."
        ]
        account.refresh_from_db()
        assert (account.auth_token, account.previous_token) == ("new-token", "a-token-of-the-carrier")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.reason) == ("token_replaced", "because")
        assert entry.after == {"auth_token": "changed", "previous_token": "changed"}
        again = operator.post(act(account, "token"), {**WHY, "token": "new-token"})
        assert "Nothing was changed: this is the present token." in again.content.decode()
        operator.post(act(account, "forget"), WHY)
        account.refresh_from_db()
        assert account.previous_token is None

    def test_stop_and_start(self, operator: Client, workspace: Workspace) -> None:
        account = CarrierAccountFactory(workspace=workspace)

        operator.post(act(account, "stop"), WHY)

        account.refresh_from_db()
        assert account.stopped_at is not None
        assert account.stop_code == "by_hand"
        assert "by an operator" in operator.get(page(CarrierAccount, "change", account.pk)).content.decode()
        assert {"Start…"} == set(buttons(operator, account)) & {"Start…", "Stop…"}
        operator.post(act(account, "start"), WHY)
        account.refresh_from_db()
        assert (account.stopped_at, account.stop_code) == (None, "")
        actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
        assert list(actions) == ["stopped", "started"]

    @pytest.mark.parametrize(
        ("code", "says"),
        [
            (
                "account_refused",
                "the carrier refused the account SID or the token, or the account is suspended",
            ),
            ("account_limited", "the carrier account is a trial, or lacks a feature"),
            ("queue_full", "the carrier has a day of calls in its queue"),
            ("bad_settings", "the API address or the account SID cannot be used"),
        ],
    )
    def test_page_says_why_the_dialer_stopped_it(
        self, operator: Client, workspace: Workspace, code: str, says: str
    ) -> None:
        account = CarrierAccountFactory(workspace=workspace)
        with transaction.atomic():
            assert stop_account(account.pk, code=code, at=timezone.now())

        assert f": {says}" in operator.get(page(CarrierAccount, "change", account.pk)).content.decode()

    @pytest.mark.parametrize(
        ("token", "says"),
        [
            ("token-of-the-tests", "the account is active."),
            (
                "wrong",
                "The carrier refused the account SID or the token, or the account is suspended (carrier's code"
                " 20003). What would have to change: replace the token, or ask the carrier why the account is"
                " suspended.",
            ),
        ],
    )
    def test_connection_is_tried(
        self, operator: Client, workspace: Workspace, near: Carrier, token: str, says: str
    ) -> None:
        account = CarrierAccountFactory(
            workspace=workspace, api_url=near.api_url, account_sid=near.account_sid, auth_token=token
        )
        url = reverse("admin:distribution_carrieraccount_try", args=[account.pk])
        assert "No call is placed" in operator.get(url).content.decode()

        [text] = texts(operator.post(url, follow=True))

        assert says in text
        assert [each["method"] for each in near.requests()] == ["GET"]

    def test_account_that_was_never_tested_is_not_said_to_work(
        self, operator: Client, workspace: Workspace
    ) -> None:
        account = CarrierAccountFactory(workspace=workspace)

        [listed] = operator.get(page(CarrierAccount, "changelist")).context["cl"].result_list
        shown = operator.get(page(CarrierAccount, "change", account.pk)).content.decode()

        assert CarrierAccountAdmin(CarrierAccount, site).short_state(listed) == "enabled"
        assert re.search(r'field-standing.*?<div class="readonly">enabled</div>', shown, re.DOTALL)

    def test_account_of_a_carrier_is_enabled_once(self, operator: Client, workspace: Workspace) -> None:
        first = CarrierAccountFactory(api_url="https://1.1.1.1", account_sid="AC1")

        refused = self.add(operator, workspace)
        assert "is enabled in LeadSwitch already" in refused.content.decode()
        assert list(CarrierAccount.objects.all()) == [first]
        CarrierAccount.objects.update(is_enabled=False)
        assert self.add(operator, workspace).status_code == 302

    def test_calls_of_a_closed_account_are_ended(self, operator: Client, workspace: Workspace) -> None:
        channel = ChannelFactory(account__workspace=workspace)
        made = CallFactory(channel=channel, dialed_at=timezone.now() - timedelta(hours=2))
        account = CarrierAccount.objects.get(pk=channel.account_id)
        assert "End calls without the carrier…" not in buttons(operator, account)
        operator.post(act(account, "stop"), WHY)
        assert "End calls without the carrier…" in buttons(operator, account)
        asked = operator.get(act(account, "free")).content.decode()
        assert "1 call of it lasted far too long." in asked
        assert "may still be live" in asked

        [text] = texts(operator.post(act(account, "free"), WHY, follow=True))

        assert "1 call ended" in text
        call = Call.objects.get(pk=made.pk)
        assert (call.outcome, call.ended_by) == ("failed", "hand")
        entry = AuditEntry.objects.get(action="freed")
        assert (entry.reason, entry.after["outcome"]) == (WHY["reason"], "failed")

    def test_viewer_changes_nothing(self, workspace: Workspace) -> None:
        account = CarrierAccountFactory(workspace=workspace)
        viewer = client_of(person("viewer", workspace))

        assert buttons(viewer, account) == []
        for name in ("stop", "token", "forget", "start"):
            assert viewer.post(act(account, name), WHY).status_code == 403
        tried = reverse("admin:distribution_carrieraccount_try", args=[account.pk])
        assert viewer.post(tried).status_code == 403


class TestChannel:
    def test_list_shows_lines_and_the_queue(self, operator: Client, workspace: Workspace) -> None:
        account = CarrierAccountFactory(workspace=workspace)
        channel = ChannelFactory(account=account, lines=3)
        source = SourceFactory(workspace=workspace)
        CallFactory(channel=channel, verification__lead__source=source)
        for minutes in (61, 5, -30):
            VerificationFactory(lead__source=source, due_at=timezone.now() - timedelta(minutes=minutes))

        row = operator.get(page(Channel, "changelist")).context["cl"].result_list.get()

        assert (row.used, row.waiting) == (1, 2)
        content = operator.get(page(Channel, "changelist")).content.decode()
        assert "1 of 3" in content
        assert "1 h 1 min" in content

    def test_switches_need_a_reason_and_are_audited(self, operator: Client, workspace: Workspace) -> None:
        channel = ChannelFactory(account__workspace=workspace)
        assert operator.post(act(channel, "flag"), {"reason": ""}).status_code == 400

        for name in ("flag", "unflag", "disable", "enable"):
            assert operator.post(act(channel, name), WHY).status_code == 302, name
            assert operator.post(act(channel, name), WHY).status_code == 400, name

        channel.refresh_from_db()
        assert (channel.is_enabled, channel.flagged_at, channel.flag_reason) == (True, None, "")
        entries = AuditEntry.objects.order_by("pk").values_list("action", "reason")
        assert list(entries) == [
            (action, "because") for action in ("flagged", "unflagged", "disabled", "enabled")
        ]

    def test_page_of_open_calls_follows_them(self, operator: Client, workspace: Workspace) -> None:
        channel = ChannelFactory(account__workspace=workspace)
        url = reverse("admin:distribution_channel_lines", args=[channel.pk])
        assert "No call is out over this channel." in operator.get(url).content.decode()
        call = CallFactory(
            channel=channel,
            verification__lead__source=SourceFactory(workspace=workspace),
            verification__lead__phone="+14045550123",
        )

        whole = operator.get(url).content.decode()
        fragment = operator.get(url, headers={"X-LeadSwitch-Fragment": "1"}).content.decode()

        for content in (whole, fragment):
            assert "1 of 2 lines in use" in " ".join(content.split())
            assert page(Call, "change", call.pk) in content
            assert "4045550123" not in content
        assert 'data-chart="lines"' in whole
        assert "<html" not in fragment

    def test_test_call_is_refused_in_words(
        self, operator: Client, workspace: Workspace, settings: Any
    ) -> None:
        settings.LEADSWITCH_BASE_URL = "https://example.com"
        channel = ChannelFactory(account__workspace=workspace, account__is_enabled=False)

        wrong = operator.post(act(channel, "test"), {**WHY, "phone": "call me"})
        assert wrong.status_code == 400
        refused = operator.post(act(channel, "test"), {**WHY, "phone": "404 555 0123"})

        assert (
            "The carrier account is stopped or not enabled. Start it again first." in refused.content.decode()
        )
        assert not Call.objects.exists()

    def test_test_call_goes_out(self, operator: Client, workspace: Workspace, near: Carrier) -> None:
        near.set_callees("+14045550123", "manual")
        channel = ChannelFactory(
            account__workspace=workspace,
            account__api_url=near.api_url,
            account__account_sid=near.account_sid,
            account__auth_token=near.auth_token,
        )

        done = operator.post(act(channel, "test"), {**WHY, "phone": "(404) 555-0123"}, follow=True)

        call = Call.objects.get()
        assert (call.kind, call.dial, call.test_phone) == ("test", "placed", "+14045550123")
        assert "The test call</a> is out." in texts(done)[0]
        assert AuditEntry.objects.get(action="test call").reason == WHY["reason"]
        shown = operator.get(page(Call, "change", call.pk)).content.decode()
        assert "5550123" not in shown
        assert "The carrier took the call." in shown


class TestLines:
    def test_most_and_average_of_each_hour(self) -> None:
        minute = timedelta(minutes=1)
        spans = [
            (AT, AT + 30 * minute),
            (AT + 15 * minute, AT + 45 * minute),
            (AT + 45 * minute, AT + 90 * minute),
        ]

        found = measure_lines(spans, start=AT, end=AT + 150 * minute)

        assert found == {
            AT: HourOfLines(2, 1.25),
            AT + 60 * minute: HourOfLines(1, 0.5),
        }


class TestCall:
    def test_page_tells_the_story_without_the_phone(self, operator: Client, workspace: Workspace) -> None:
        call = ended_call(
            workspace, duration_seconds=21, cost_micros=14_000, cost_currency="USD", carrier_sid="CA7"
        )

        content = operator.get(page(Call, "change", call.pk)).content.decode()

        assert "4045550123" not in content
        for text in ("21 s", "0.0140 USD", "CA7", call.channel.name, "confirmed"):
            assert text in content, text

    def test_filters(self, operator: Client, workspace: Workspace) -> None:
        confirmed = ended_call(workspace)
        CallFactory(verification__lead__source=SourceFactory(workspace=workspace))

        def found(**asked: Any) -> list[int]:
            listed = operator.get(page(Call, "changelist"), asked).context["cl"].result_list
            return [row.pk for row in listed]

        assert found(outcome="confirmed") == [confirmed.pk]
        assert found(state="ended") == [confirmed.pk]
        assert found(channel=confirmed.channel_id) == [confirmed.pk]
        assert len(found(day="today")) == 2
        assert found(day="2020-01-01") == []
        assert found(q=str(confirmed.lead.public_id)) == [confirmed.pk]

    def test_recording_is_for_those_who_may_listen(self, workspace: Workspace, operator: Client) -> None:
        call = ended_call(workspace, records=True, recording_sid=f"RE{1:032d}")
        url = reverse("admin:distribution_call_recording", args=[call.pk])

        assert "<audio" not in operator.get(page(Call, "change", call.pk)).content.decode()
        assert operator.get(url).status_code == 403
        admin = client_of(person("admin"))
        assert "<audio" in admin.get(page(Call, "change", call.pk)).content.decode()
        Call.objects.update(recording_sid="")
        assert admin.get(url).status_code == 404

    @pytest.mark.parametrize("asked", [{"outcome": "declined"}, {"state": "ringing"}])
    def test_filter_reads_a_bounded_number_of_calls(
        self, asked: dict[str, str], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("distribution.admin.call.MAX_SCANNED", 1)
        monkeypatch.setattr("tracing.admin.keyset.MIN_SCANNED", 1)
        for _ in range(3):
            ended_call(workspace)

        listed = client_of(User.objects.create_superuser("root")).get(page(Call, "changelist"), asked)

        assert "have been searched" in listed.content.decode()

    def test_search_by_the_id_of_the_carrier_uses_the_index_of_its_account(
        self, operator: Client, workspace: Workspace
    ) -> None:
        mine, _ = (ended_call(each, carrier_sid="CA7") for each in (workspace, WorkspaceFactory()))

        with CaptureQueriesContext(connection) as captured:
            listed = operator.get(page(Call, "changelist"), {"q": "CA7"})

        assert [row.pk for row in listed.context["cl"].result_list] == [mine.pk]
        searches = [each["sql"] for each in captured.captured_queries if "'CA7'" in each["sql"]]
        assert searches
        assert all(f'"account_id" IN ({mine.account_id})' in each for each in searches)


def ended_call(workspace: Workspace, **values: Any) -> Call:
    at = timezone.now()
    verification = VerificationFactory(
        lead__source=SourceFactory(workspace=workspace),
        lead__phone="+14045550123",
        state="verified",
        due_at=None,
        ended_at=at,
        tries=1,
    )
    call: Call = CallFactory(
        verification=verification,
        state="ended",
        outcome="confirmed",
        ended_at=at,
        next_check_at=None,
        **values,
    )
    return call


def wait_here(workspace: Workspace, **values: Any) -> Verification:
    """Of a person who may be called at this time of the day."""
    address, area = allow_calls_now()
    source = SourceFactory(workspace=workspace)
    lead = {**person_of(phone=f"+1{area}5550123"), **address, "source": source}
    return cast(
        "Verification",
        VerificationFactory(**{f"lead__{name}": each for name, each in lead.items()}, **values),
    )


class TestVerification:
    @pytest.fixture
    def waits(self, workspace: Workspace) -> Verification:
        campaign = CampaignFactory(workspace=workspace, verification="required")
        EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
        lead = LeadFactory(source=SourceFactory(workspace=workspace))
        assert distribute_lead(lead.pk).result == "gated"
        return Verification.objects.get()

    def test_page_says_what_follows_and_offers_what_is_possible(
        self, operator: Client, waits: Verification
    ) -> None:
        content = operator.get(page(Verification, "change", waits.pk)).content.decode()

        assert "The next call has been due since" in content
        assert "The workspace has no channel." in content
        assert "an operator who verifies the person by hand" in content
        assert buttons(operator, waits) == ["Verify by hand…", "Give up…"]
        Verification.objects.update(due_at=timezone.now() + timedelta(hours=1))
        assert buttons(operator, waits) == ["Verify by hand…", "Call now…", "Give up…"]

    def test_call_that_was_not_placed_and_the_next_one_have_their_own_outcomes(
        self, operator: Client, waits: Verification
    ) -> None:
        """A call that was not placed is no try, so the next one has its number."""
        at = timezone.now()
        ended = {"verification": waits, "number": 1, "state": "ended", "ended_at": at, "next_check_at": None}
        calls = [CallFactory(outcome=outcome, **ended) for outcome in ("not_placed", "busy")]

        content = operator.get(page(Verification, "change", waits.pk)).content.decode()

        for call, line in zip(
            calls,
            ("Call 1 (not placed)</a>: It was not placed.", "Call 1</a>: The line was busy."),
            strict=True,
        ):
            assert f'<a href="{page(Call, "change", call.pk)}">{line}' in content
        shown = operator.get(page(Call, "change", calls[0].pk)).content.decode()
        assert "Call 1 (not placed) for lead" in shown
        lead_page = operator.get(page(Lead, "change", waits.lead_id)).content.decode()
        assert "Call 1 (not placed)" in lead_page

    def test_person_is_verified_by_hand(self, operator: Client, waits: Verification) -> None:
        done = operator.post(act(waits, "verify"), {"reason": "spoke to them"}, follow=True)

        assert texts(done) == ["The lead was verified by hand, and is due now."]
        lead = Lead.objects.get()
        assert (lead.status, lead.verification) == ("pending", "hand")
        assert AuditEntry.objects.get().reason == "spoke to them"
        assert buttons(operator, waits) == []
        lead_page = operator.get(page(Lead, "change", lead.pk)).content.decode()
        assert "The person was verified by an operator." in lead_page

    def test_call_now_changes_nothing_while_the_person_may_not_be_called(
        self, operator: Client, workspace: Workspace
    ) -> None:
        later = timezone.now() + timedelta(hours=1)
        waits = wait_here(workspace, due_at=later)
        block_phone(waits.lead.phone, workspace=workspace, actor="root", reason="asked")

        done = operator.post(act(waits, "call-now"), WHY)

        assert done.context["form"].non_field_errors() == [
            "Nothing was changed: The phone is on the list of blocked phones. What would have to change: verify the"
            " person by hand."
        ]
        waits.refresh_from_db()
        assert waits.due_at == later

    def test_call_now_is_not_offered_if_no_call_is_possible(
        self, operator: Client, waits: Verification
    ) -> None:
        Verification.objects.update(state="person", due_at=None, reason="no_timezone")

        assert buttons(operator, waits) == ["Verify by hand…", "Give up…"]

    def test_call_now_says_what_holds_the_call_back(self, operator: Client, workspace: Workspace) -> None:
        waits = wait_here(workspace, due_at=timezone.now() + timedelta(hours=1))

        done = operator.post(act(waits, "call-now"), WHY, follow=True)

        assert texts(done) == [
            "The next call is due now. Why it does not go out: The workspace has no channel."
            " What would have to change: add a channel."
        ]

    def test_page_of_the_lead_leads_to_its_verification(self, operator: Client, waits: Verification) -> None:
        shown = operator.get(page(Lead, "change", waits.lead_id)).content.decode()

        url = f"{page(Verification, 'changelist')}?q={waits.lead.public_id}"
        assert f'href="{url}"' in shown
        assert [row.pk for row in operator.get(url).context["cl"].result_list] == [waits.pk]

    def test_give_up(self, operator: Client, waits: Verification) -> None:
        operator.post(act(waits, "give-up"), WHY)

        lead = Lead.objects.get()
        assert (lead.status, lead.skip_reason) == ("failed", "not_verified")
        assert "Verify by hand" in buttons(operator, lead)

    def test_list_filters_those_that_wait(
        self, operator: Client, waits: Verification, workspace: Workspace
    ) -> None:
        ended_call(workspace)

        listed = operator.get(page(Verification, "changelist"), {"open": "1"})

        assert [row.pk for row in listed.context["cl"].result_list] == [waits.pk]

    def test_list_says_why_due_leads_are_not_called(
        self, operator: Client, waits: Verification, workspace: Workspace, settings: Any
    ) -> None:
        settings.LEADSWITCH_BASE_URL = "https://leads.example.com"
        source = SourceFactory(workspace=workspace)
        later = timezone.now() + timedelta(hours=1)
        VerificationFactory(lead__source=source, due_at=later, reason="no_answer")

        listed = operator.get(page(Verification, "changelist"))

        shown = {row.pk: row.why_now for row in listed.context["cl"].result_list}
        assert shown.pop(waits.pk) == "The workspace has no channel."
        assert [*shown.values()] == [sentence(OUTCOMES["no_answer"])]
        assert "The workspace has no channel." in listed.content.decode()

    @pytest.mark.parametrize("role", ["viewer", "finance"])
    def test_other_roles_only_look(self, role: str, waits: Verification, workspace: Workspace) -> None:
        client = client_of(person(role, workspace))

        assert buttons(client, waits) == []
        for name in ("verify", "call-now", "give-up"):
            assert client.post(act(waits, name), WHY).status_code == 403
        assert Lead.objects.get().status == "gated"


class TestBlockedPhone:
    def test_phone_is_added_found_and_removed(self, operator: Client, workspace: Workspace) -> None:
        url = page(BlockedPhone, "add")
        data = {"workspace": workspace.pk, "phone": "(404) 555-0123", "reason": "asked by mail"}
        assert operator.post(url, {**data, "phone": "x"}).status_code == 200

        assert operator.post(url, data).status_code == 302

        row = BlockedPhone.objects.get()
        assert row.phone_hash == identify(email=None, phone="+14045550123").phone_hash
        assert "5550123" not in str(list(BlockedPhone.objects.values())) + str(
            list(AuditEntry.objects.values())
        )
        listed = operator.get(page(BlockedPhone, "changelist"), {"q": "404.555.0123"})
        assert [each.pk for each in listed.context["cl"].result_list] == [row.pk]
        other = operator.get(page(BlockedPhone, "changelist"), {"q": "404.555.0124"})
        assert not other.context["cl"].result_list
        deletion = operator.post(
            page(BlockedPhone, "delete", row.pk), {"post": "yes", "change_reason": "a mistake"}
        )
        assert deletion.status_code == 302
        assert not BlockedPhone.objects.exists()
        entries = AuditEntry.objects.order_by("pk").values_list("action", "reason")
        assert list(entries) == [("blocked", "asked by mail"), ("deleted", "a mistake")]


class TestCampaign:
    def test_page_warns_if_nobody_can_be_called(self, operator: Client, workspace: Workspace) -> None:
        campaign = CampaignFactory(workspace=workspace, verification="required")
        url = page(Campaign, "change", campaign.pk)
        assert "has no channel that can call" in operator.get(url).content.decode()

        channel = ChannelFactory(account__workspace=workspace)
        assert "has no channel that can call" not in operator.get(url).content.decode()
        Channel.objects.filter(pk=channel.pk).update(is_enabled=False)
        assert "has no channel that can call" in operator.get(url).content.decode()
        Campaign.objects.update(verification="none")
        assert "has no channel that can call" not in operator.get(url).content.decode()

    def test_policy_is_added_from_the_campaign_and_checked_in_words(
        self, operator: Client, workspace: Workspace
    ) -> None:
        campaign = CampaignFactory(workspace=workspace, verification="required")
        assert "Add a call policy" in buttons(operator, campaign)
        url = f"{page(CallPolicy, 'add')}?campaign={campaign.pk}"
        data = form_of(operator, url)

        wrong = operator.post(url, {**data, "script": "Press 1 or 2, {name}."})
        assert problems(wrong)["script"] == ["Say what these keys do: 9 (the person is not called again)."]
        # The total is the limit of each group too.
        assert operator.post(url, {**data, "max_calls": "2"}).status_code == 302

        policy = CallPolicy.objects.get()
        assert (policy.campaign, policy.max_calls, policy.no_answer_calls) == (campaign, 2, 3)
        assert "Call policy" in buttons(operator, campaign)

    def test_recorded_calls_need_a_script_that_says_so(self, operator: Client, workspace: Workspace) -> None:
        campaign = CampaignFactory(workspace=workspace, verification="required")
        url = f"{page(CallPolicy, 'add')}?campaign={campaign.pk}"
        data = {**form_of(operator, url), "records_calls": "on"}

        wrong = operator.post(url, data)

        assert problems(wrong)["script"] == [
            "Calls are recorded, and the script does not say it. Add: This call is recorded."
        ]
        assert not CallPolicy.objects.exists()
        said = f"{data['script']} This call is recorded."
        assert operator.post(url, {**data, "script": said}).status_code == 302
        assert CallPolicy.objects.get().records_calls

    def test_call_is_found_by_its_id(self, operator: Client, workspace: Workspace) -> None:
        """It is what the table of calls in doubt names: such a call has no id of the carrier."""
        channel = ChannelFactory(account__workspace=workspace)
        source = SourceFactory(workspace=workspace)
        call, _ = (CallFactory(channel=channel, verification__lead__source=source) for _ in range(2))
        found = operator.get(page(Call, "changelist"), {"q": str(call.public_id)})
        assert [row.pk for row in found.context["cl"].result_list] == [call.pk]

    def test_deletion_says_what_follows(self, operator: Client, workspace: Workspace) -> None:
        entry = BlockedPhone.objects.create(workspace=workspace, phone_hash="a" * 64, reason="asked by mail")
        shown = operator.get(page(BlockedPhone, "delete", entry.pk)).content.decode()
        assert "The workspace may call this phone again" in shown
