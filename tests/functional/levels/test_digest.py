"""The daily digest: what it says, and that each recipient gets it once a day, through a real mail server."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from leadswitch import tasks
from leadswitch.levels.digest import sending
from leadswitch.levels.digest.content import Digest, find_date, read_digest
from leadswitch.levels.digest.mail import render_html, render_text
from leadswitch.management.commands import digest as command
from leadswitch.models import DigestMail
from routing.models import Workspace
from tests.support.attempts import add_attempt
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory
from tests.support.mail_server import Mailbox, mail_server
from tests.support.racing import race
from tests.support.times import latest_noon
from tracing.reconcile import rollups

pytestmark = pytest.mark.usefixtures("committed_db")

ANNA, BEN = "anna@example.com", "ben@example.com"
# All mails of a test are of one day. Claims are leased by the clock of PostgreSQL.
NOON = latest_noon()


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    box = Mailbox()
    with mail_server(box) as port:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.DEFAULT_FROM_EMAIL = "leads@example.com"
        settings.LEADSWITCH_DIGEST_RECIPIENTS = (ANNA, BEN)
        settings.LEADSWITCH_BASE_URL = "https://leads.example.com"
        yield box


def send(*, at: datetime = NOON) -> list[str]:
    return list(sending.send_digest(at=at))


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


def test_each_recipient_gets_text_and_html(mailbox: Mailbox) -> None:
    WorkspaceFactory.create()
    assert send() == []
    assert sorted(mailbox.recipients) == [ANNA, BEN]
    for address, message in mailbox.mails:
        assert (message["To"], message["From"]) == (address, "leads@example.com")
        assert message["Subject"].startswith(f"LeadSwitch digest {NOON:%Y-%m-%d}: all 3 objectives")
        assert message["Auto-Submitted"] == "auto-generated"
        assert "https://leads.example.com/admin/health/" in body(message, "plain")
        assert 'href="https://leads.example.com/admin/health/"' in body(message, "html")
    assert len({message["Message-ID"] for _, message in mailbox.mails}) == 2


def test_each_recipient_receives_it_once_a_day(mailbox: Mailbox) -> None:
    send()
    assert send() == []
    assert len(mailbox.mails) == 2
    send(at=NOON + timedelta(days=1))
    assert len(mailbox.mails) == 4
    assert len({message["Message-ID"] for _, message in mailbox.mails}) == 4


def test_processes_that_send_at_the_same_time_send_it_once(mailbox: Mailbox) -> None:
    assert race([send] * 4) == [[]] * 4
    assert sorted(mailbox.recipients) == [ANNA, BEN]


def test_without_the_claim_each_process_sends_it(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the test above detects what the table prevents."""
    monkeypatch.setattr(sending, "claim", lambda *_: 1)
    monkeypatch.setattr(sending, "list_unsent", lambda _: (ANNA, BEN))
    race([send] * 2)
    assert sorted(mailbox.recipients) == [ANNA, ANNA, BEN, BEN]


def test_refused_recipient_does_not_stop_the_others_and_is_tried_again(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.refused = {ANNA}
    with caplog.at_level(logging.INFO):
        assert send() == [ANNA]
    assert mailbox.recipients == [BEN]
    failed = DigestMail.objects.get(recipient=ANNA)
    assert (failed.sent_at, failed.claimed_at, failed.cause) == (None, None, "SMTPRecipientsRefused 550")
    own = [
        str(record.msg) + str(record.__dict__)
        for record in caplog.records
        if record.name.startswith("leadswitch")
    ]
    assert any("digest.failed" in line for line in own)
    assert not any("example.com" in line for line in own)

    mailbox.refused = set()
    assert send() == []
    assert mailbox.recipients == [BEN, ANNA]
    assert DigestMail.objects.get(recipient=ANNA).tries == 2


def test_server_that_is_down_is_tried_again(mailbox: Mailbox, settings: Settings) -> None:
    port = settings.EMAIL_PORT
    settings.EMAIL_PORT = 1
    assert send() == [ANNA, BEN]
    assert set(DigestMail.objects.values_list("cause", flat=True)) == {"ConnectionRefusedError"}
    settings.EMAIL_PORT = port
    assert send() == []
    assert sorted(mailbox.recipients) == [ANNA, BEN]


def test_mail_is_tried_a_limited_number_of_times_a_day(mailbox: Mailbox) -> None:
    mailbox.refused = {ANNA}
    assert [send() for _ in range(sending.MAX_TRIES + 2)] == [*[[ANNA]] * sending.MAX_TRIES, [], []]
    assert mailbox.recipients == [BEN]
    mailbox.refused = set()
    assert send(at=NOON + timedelta(days=1)) == []
    assert sorted(mailbox.recipients) == [ANNA, BEN, BEN]


def test_sender_that_cannot_be_a_header_is_a_failed_try(mailbox: Mailbox, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "leads@example.com\nBcc: eve@example.com"
    assert send() == [ANNA, BEN]
    assert mailbox.mails == []
    assert set(DigestMail.objects.values_list("cause", "claimed_at")) == {("ValueError", None)}


def test_error_while_the_digest_is_read_leaves_no_claim(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sending, "read_digest", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send()
    assert DigestMail.objects.count() == 0
    assert send() == []
    assert sorted(mailbox.recipients) == [ANNA, BEN]


@pytest.mark.parametrize(("minutes_ago", "is_sent"), [(sending.CLAIM_MINUTES - 1, False), (11, True)])
def test_mail_of_a_killed_process_is_sent_once_its_claim_is_over(
    mailbox: Mailbox, settings: Settings, *, minutes_ago: int, is_sent: bool
) -> None:
    settings.LEADSWITCH_DIGEST_RECIPIENTS = (ANNA,)
    assert sending.claim(find_date(NOON), ANNA) == 1
    DigestMail.objects.update(claimed_at=timezone.now() - timedelta(minutes=minutes_ago))
    send()
    assert mailbox.recipients == [ANNA] * is_sent


@pytest.mark.usefixtures("mailbox")
def test_late_failure_does_not_end_the_claim_of_another_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEADSWITCH_DIGEST_RECIPIENTS = (ANNA,)

    def hang_and_fail(*_: Any) -> None:
        DigestMail.objects.update(claimed_at=timezone.now() - timedelta(hours=1))
        assert sending.claim(find_date(NOON), ANNA) == 2
        raise OSError

    monkeypatch.setattr(sending, "send", hang_and_fail)
    assert send() == [ANNA]
    assert DigestMail.objects.get().claimed_at is not None


@pytest.mark.usefixtures("mailbox")
def test_old_rows_are_forgotten() -> None:
    for days in (34, 36):
        sending.claim(find_date(NOON - timedelta(days=days)), ANNA)
    send()
    assert DigestMail.objects.filter(date__lt=find_date(NOON)).count() == 1


@pytest.mark.parametrize(
    ("zone", "at", "is_due"),
    [
        ("UTC", datetime(2026, 7, 1, 8, 59, tzinfo=UTC), False),
        ("UTC", datetime(2026, 7, 1, 9, 0, tzinfo=UTC), True),
        ("UTC", datetime(2026, 7, 1, 23, 59, tzinfo=UTC), True),
        ("America/New_York", datetime(2026, 7, 1, 12, 59, tzinfo=UTC), False),
        ("America/New_York", datetime(2026, 7, 1, 13, 0, tzinfo=UTC), True),
        ("America/New_York", datetime(2026, 1, 1, 13, 0, tzinfo=UTC), False),
        ("America/New_York", datetime(2026, 1, 1, 14, 0, tzinfo=UTC), True),
    ],
)
def test_digest_is_due_from_its_time_in_its_zone(
    settings: Settings, zone: str, at: datetime, *, is_due: bool
) -> None:
    settings.LEADSWITCH_DIGEST_TIME, settings.LEADSWITCH_DIGEST_TIMEZONE = time(9), zone
    assert sending.is_due(at) == is_due


@pytest.mark.parametrize(("at", "mails"), [(time.max, 0), (time.min, 2)])
def test_task_sends_only_a_due_digest(mailbox: Mailbox, settings: Settings, at: time, mails: int) -> None:
    settings.LEADSWITCH_DIGEST_TIME = at
    tasks.send_due_digest()
    assert len(mailbox.mails) == mails


def cells(digest: Digest, title: str) -> dict[Any, tuple[Any, ...]]:
    """The rows of a table by their first cell."""
    [report] = [each for each in digest.reports if each.title.startswith(title)]
    return {row[0]: tuple(row[1:]) for row in report.rows}


@pytest.fixture
def at() -> datetime:
    """A quarter past an hour."""
    return NOON.replace(minute=15)


@pytest.fixture
def workspaces(at: datetime, committed_db: None) -> list[Workspace]:  # noqa: ARG001 - it is filled
    """The last full hour ended 15 minutes before `at`. Attempts at both edges of both days."""
    first, second = WorkspaceFactory.create(name="First"), WorkspaceFactory.create(name="<b>Second</b>")
    end = at.replace(minute=0, second=0, microsecond=0)
    moment = timedelta(microseconds=1)
    for started_at in (end, end - moment, end - timedelta(days=1), end - timedelta(days=1) - moment):
        add_attempt(started_at, workspace_id=first.pk, due_seconds=1)
    for hours in (1, 2, 30):
        started_at = end - timedelta(hours=hours)
        add_attempt(started_at, workspace_id=second.pk, result="duplicate", skip_reason="duplicate_lead")
        add_attempt(
            started_at, workspace_id=second.pk, result="failed", skip_reason="internal_error", due_seconds=61
        )
    add_attempt(end - timedelta(hours=3), result="unsold", skip_reason="no_campaign", due_seconds=3)
    add_attempt(
        end - timedelta(hours=3),
        result="retry",
        skip_reason="database_timeout",
        transient=True,
        due_seconds=9,
    )
    source = SourceFactory(workspace=second)
    for hours in (1, 23, 25, 47, 49):
        LeadFactory(
            source=source,
            received_at=end - timedelta(hours=hours),
            next_attempt_at=None,
            finished_at=end,
            status="unsold",
        )
    for _ in range(3):
        LeadFactory(
            source=source,
            received_at=end + timedelta(minutes=1),
            next_attempt_at=timezone.now() - timedelta(minutes=2),
            attempts=2,
            skip_reason="database_timeout",
        )
    rollups.run(fix=True, limit=1_000)
    return [first, second]


@pytest.mark.usefixtures("workspaces")
def test_day_is_the_last_24_full_hours_beside_those_before(at: datetime) -> None:
    day = cells(read_digest(at=at), "Last 24 full hours")
    assert day == {
        "leads received": (2, 2),
        "sold": (2, 1),
        "unsold": (1, 0),
        "duplicates": (2, 1),
        "deferred": (0, 0),
        "expired": (0, 0),
        "failed": (2, 1),
        "buyer asked": (0, 0),
        "rejected by the buyer": (0, 0),
        "decided later than 60 s": (2, 1),
        "decided later than 2 s": (3, 1),
        "p95 from due to decided": day["p95 from due to decided"],
    }


@pytest.mark.usefixtures("workspaces")
def test_digest_names_workspaces_reasons_and_missed_objectives(at: datetime) -> None:
    digest = read_digest(at=at)
    assert cells(digest, "Most duplicates") == {2: ("<b>Second</b>",)}
    assert cells(digest, "Most due retries") == {3: ("<b>Second</b>",)}
    [(number, (reason,))] = cells(digest, "Failures of LeadSwitch").items()
    assert number == 2
    assert reason.endswith(".")
    assert digest.subject.endswith("2 objectives missed: Availability, Latency")
    assert cells(digest, "Now")["due retries"] == ("3",)


@pytest.mark.usefixtures("workspaces")
def test_names_are_escaped_in_html_and_plain_in_text(at: datetime) -> None:
    digest = read_digest(at=at)
    assert "&lt;b&gt;Second&lt;/b&gt;" in render_html(digest)
    assert "<b>Second</b>" in render_text(digest)


@pytest.fixture
def command_at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "read_clock", lambda: NOON)


def print_digest(*arguments: str) -> str:
    out = StringIO()
    call_command("digest", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("command_at_noon")
def test_command_prints_the_digest_and_who_has_it(mailbox: Mailbox) -> None:
    printed = print_digest()
    assert printed.startswith("LeadSwitch digest ")
    assert printed.endswith("Mailed today to 0 of 2 recipients.\n")
    assert print_digest("--send") == "Mailed today to 2 of 2 recipients.\n"
    assert print_digest("--to", "carl@example.com") == "127.0.0.1 accepted the digest for carl@example.com.\n"
    assert mailbox.recipients == [ANNA, BEN, "carl@example.com"]


@pytest.mark.usefixtures("command_at_noon")
def test_command_says_why_a_mail_was_not_sent(mailbox: Mailbox) -> None:
    mailbox.refused = {ANNA}
    with pytest.raises(CommandError, match="1 mail could not be sent") as refused:
        print_digest("--send")
    assert refused.value.returncode == 1
    assert print_digest().endswith(
        "Mailed today to 1 of 2 recipients. The last try failed: SMTPRecipientsRefused 550.\n"
    )
    with pytest.raises(
        CommandError, match=r"127\.0\.0\.1 did not accept the mail: SMTPRecipientsRefused 550"
    ):
        print_digest("--to", ANNA)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--send"], "set LEADSWITCH_DIGEST_RECIPIENTS"),
        (["--to", "anna"], "--to: 'anna' is not an e-mail address"),
        (["--to", ANNA], "set EMAIL_URL"),
    ],
)
def test_command_names_what_is_not_set(settings: Settings, arguments: list[str], problem: str) -> None:
    settings.EMAIL_HOST = ""
    with pytest.raises(CommandError, match=problem) as refused:
        print_digest(*arguments)
    assert refused.value.returncode == 2
    assert DigestMail.objects.count() == 0


def test_without_recipients_the_command_says_that_no_one_gets_it() -> None:
    assert print_digest().endswith("It is mailed to no one: LEADSWITCH_DIGEST_RECIPIENTS is empty.\n")
