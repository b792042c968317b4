"""A delivery's requests and answers as pages show them. Secrets were hidden before they were stored."""

from collections.abc import Iterable, Iterator
from typing import Final

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.deliveries.keeping import KEPT
from distribution.deliveries.tried import Texts
from distribution.models import DeliveryTry, TryOutcome
from tracing.admin.readonly import preformatted
from tracing.wording import duration, moment

OPEN: Final = "<details open><summary>{}</summary>{}</details>"
CLOSED: Final = "<details><summary>{}</summary>{}</details>"
REMOVED: Final = f"The bodies were removed after {KEPT.days} days."


def describe_tries(tries: Iterable[DeliveryTry], *, is_open: bool = True) -> SafeString | str:
    """Each with its request and answer behind a line that sums it up, newest first. `is_open`: the newest one."""
    newest_first = sorted(tries, key=lambda each: -each.number)
    if not newest_first:
        return "Nothing was sent yet."
    shown = [_describe_try(each, is_open=is_open and each is newest_first[0]) for each in newest_first]
    return format_html('<div class="admin-tries">{}</div>', format_html_join("", "{}", ((e,) for e in shown)))


def _describe_try(each: DeliveryTry, *, is_open: bool) -> SafeString:
    parts = format_html_join("", "{}", ((part,) for part in _list_parts(each)))
    return format_html(OPEN if is_open else CLOSED, _summarize(each), parts)


def describe_texts(each: DeliveryTry | Texts) -> list[SafeString]:
    """The request and the answer, each with its head and body."""
    request, answer = (each.request_head, each.request_body), (each.answer_head, each.answer_body)
    return [_describe_message(name, texts) for name, texts in (("Request", request), ("Answer", answer))]


def _list_parts(each: DeliveryTry) -> Iterator[SafeString]:
    yield from describe_texts(each)
    if each.started_at < timezone.now() - KEPT:
        yield format_html("<p>{}</p>", REMOVED)


def _describe_message(name: str, texts: tuple[str, str]) -> SafeString:
    parts = format_html_join("", "{}", ((preformatted(text),) for text in texts if text))
    return format_html('<p class="admin-part">{}</p>{}', name, parts) if parts else parts


def _summarize(each: DeliveryTry) -> str:
    outcome = TryOutcome(each.outcome).label if each.outcome else "is being sent"
    status = f"status {each.status_code}" if each.status_code else each.error
    took = duration(each.duration_ms) if each.duration_ms is not None else ""
    facts = ", ".join(part for part in (outcome, status, took) if part)
    return f"Try {each.number}, {moment(each.started_at)}: {facts}"
