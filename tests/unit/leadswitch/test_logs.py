"""What a log line contains, and what it must not."""

import json
import logging
import logging.config

import pytest
from django.conf import settings
from django.core.exceptions import BadRequest
from django.test import RequestFactory

from leadswitch.logs import ShortRefusals

TOKEN = "jHgSut2f-long_token"


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("Forbidden (%s): %s", ("CSRF cookie not set.", f"/portal/enter/{TOKEN}/")),
        ("%s: %s", ("Not Found", f"/portal/enter/{TOKEN}")),
        (f"http://a/portal/enter/{TOKEN}?x=1 and '/portal/enter/{TOKEN}'", ()),
    ],
)
def test_no_line_has_a_sign_in_link(message: str, arguments: tuple[str, ...]) -> None:
    line = format_record(path=f"/portal/enter/{TOKEN}/", msg=message, args=arguments)
    assert TOKEN not in json.dumps(line)
    assert "/portal/enter/[hidden]" in str(line["event"])
    assert line["path"] == "/portal/enter/[hidden]/"


def format_record(**extra: object) -> dict[str, object]:
    formatter = logging.config.DictConfigurator({"version": 1}).configure_formatter(
        dict(settings.LOGGING["formatters"]["json"])
    )
    record = logging.LogRecord("leadswitch.test", logging.INFO, __file__, 1, "something.happened", (), None)
    record.__dict__.update(extra)
    line: dict[str, object] = json.loads(formatter.format(record))
    return line


def test_ids_codes_and_durations_are_in_the_line() -> None:
    line = format_record(lead_id="a", result="unsold", skip_reason="no_campaign", duration_ms=1.5)
    assert {
        key: line[key] for key in ("event", "level", "lead_id", "result", "skip_reason", "duration_ms")
    } == {
        "event": "something.happened",
        "level": "info",
        "lead_id": "a",
        "result": "unsold",
        "skip_reason": "no_campaign",
        "duration_ms": 1.5,
    }


def test_any_text_is_a_line() -> None:
    for text in ("half a pair: \ud800", "NUL: \x00", "é"):
        assert format_record(reason=text)["reason"] == text
    assert format_record(reason=2**70, cause=ValueError("x"))["reason"] == 2**70


def test_request_that_django_attached_is_not_in_the_line() -> None:
    request = RequestFactory().get("/search?q=jo@example.com")
    line = format_record(request=request, email="jo@example.com")
    assert "jo@example.com" not in json.dumps(line)


@pytest.mark.parametrize("status_code", [400, 403, 404])
def test_refused_request_is_logged_without_a_traceback(status_code: int) -> None:
    record = failed_record(status_code=status_code)
    assert ShortRefusals().filter(record)
    assert (record.exc_info, record.cause) == (None, "BadRequest")


@pytest.mark.parametrize("extra", [{}, {"status_code": 500}])
def test_failure_is_logged_with_its_traceback(extra: dict[str, int]) -> None:
    record = failed_record(**extra)
    error = record.exc_info
    assert ShortRefusals().filter(record)
    assert record.exc_info is error
    assert error is not None


def test_every_line_on_stderr_passes_the_filter() -> None:
    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["short_refusals"]
    assert settings.LOGGING["filters"] == {"short_refusals": {"()": ShortRefusals}}


def failed_record(**extra: int) -> logging.LogRecord:
    error = BadRequest("the parameter is not a number")
    record = logging.LogRecord(
        "django.request", logging.WARNING, __file__, 1, "Bad Request", (), (BadRequest, error, None)
    )
    record.__dict__.update(extra)
    return record
