"""Codes, cents, times and milliseconds as text, for lists and pages.

A code remains as the title of its text: filters, the API and the log use it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tracing.skip_reasons import SKIP_REASONS
from tracing.wording import duration, money, short_id

Column = Callable[..., SafeString | str]
NOTHING: Final = "-"

# The color of a badge. The word in it says the same.
TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("distributed", "success", "sold", "selected", "approved", "accepted", "paid"), "good"),
    **dict.fromkeys(("failed", "unsold", "expired", "declined", "rejected", "unknown", "overdue"), "bad"),
    **dict.fromkeys(
        (
            *("pending", "calling", "gated", "offered", "posting", "held"),
            *("deferred", "retry", "returned", "requested"),
        ),
        "wait",
    ),
}


def story_list(lines: Sequence[tuple[str, str, str]], *, name: str) -> SafeString | str:
    """What happened to a row: when, what, and more about it. `name`: by which tests find it."""
    if not lines:
        return NOTHING
    rows = format_html_join("", "<li><time>{}</time> {}{}</li>", lines)
    return format_html('<ol class="admin-story" data-testid="{}">{}</ol>', name, rows)


def _column(name: str, describe: Callable[[Any], SafeString | str], *, label: str) -> Column:
    """A column for `name`, as text by `describe`; "-" for an empty value."""

    @admin.display(description=label, ordering=name)
    def show(self: object, row: Model) -> SafeString | str:  # noqa: ARG001 - a method of the admin class
        value = getattr(row, name)
        return NOTHING if value in (None, "") else describe(value)

    return show


def money_column(name: str, *, label: str) -> Column:
    """`name` is in cents."""
    return _column(name, money, label=label)


def id_column() -> Column:
    """The end of the public id, as the titles of rows have it."""
    return _column("public_id", describe_id, label="public id")


def time_column(name: str, *, label: str = "") -> Column:
    """To the minute; the zone is in the column's heading."""
    return _column(
        name, lambda at: f"{at:%Y-%m-%d %H:%M}", label=f"{label or name.removesuffix('_at')} (UTC)"
    )


def duration_column(name: str = "duration_ms", *, label: str = "took") -> Column:
    return _column(name, duration, label=label)


def word_column(name: str, *, words: Mapping[Any, str], label: str = "") -> Column:
    """One of `words`, colored by what it means."""

    def describe(code: str) -> SafeString:
        return badge(words.get(code, code), code=code)

    return _column(name, describe, label=label or name)


TEST_BADGE: Final = format_html(
    '<span class="admin-badge" data-tone="wait" title="{}">test</span>', "is_test"
)


def test_column() -> Column:
    """A badge for what belongs to a test lead; nothing for the rest."""
    return _column("is_test", lambda is_test: TEST_BADGE if is_test else "", label="test")


def reason_column(name: str = "skip_reason", *, label: str = "reason") -> Column:
    """A few words; the title has the sentence and the code."""

    def describe(code: str) -> SafeString | str:
        known = SKIP_REASONS.get(code)
        if known is None:
            return code
        return format_html('<span title="{} ({})">{}</span>', known.sentence, code, known.label)

    return _column(name, describe, label=label)


def reason_field(name: str = "skip_reason", *, label: str = "reason") -> Column:
    """For a page: the sentence, and the code behind it in small letters."""

    def describe(code: str) -> SafeString | str:
        known = SKIP_REASONS.get(code)
        if known is None:
            return code
        return format_html('{} <code class="admin-code">{}</code>', known.sentence, code)

    return _column(name, describe, label=label)


def lead_column(name: str = "lead_id", *, label: str = "lead") -> Column:
    """A link to the page of the lead. Tracing may not import that page: it uses the URL name."""

    def describe(lead_id: int) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:routing_lead_change", args=[lead_id]), lead_id
        )

    return _column(name, describe, label=label)


def describe_id(public_id: UUID) -> SafeString:
    return format_html('<span title="{}">{}</span>', public_id, short_id(public_id))


def badge(word: str, *, code: str) -> SafeString:
    """Only a code with a tone is colored."""
    if code not in TONES:
        return format_html('<span title="{}">{}</span>', code, word)
    return format_html(
        '<span class="admin-badge" data-tone="{}" title="{}">{}</span>', TONES[code], code, word
    )
