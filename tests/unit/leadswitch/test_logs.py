"""What a log line contains, and what it must not."""

import json
import logging
import logging.config

from django.conf import settings
from django.test import RequestFactory


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
