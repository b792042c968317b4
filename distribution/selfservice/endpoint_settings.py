"""What a buyer can set of an endpoint, read strictly and checked as the form of the admin checks it."""

from collections.abc import Callable, Mapping
from datetime import time
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from distribution.deliveries.checking import count_open_posts, find_setting_problems, find_url_problems
from distribution.models import ANSWERING, METHOD_FIELDS, Campaign, Endpoint, Enrollment
from distribution.selfservice.merging import merge
from distribution.selfservice.reading import read_count, read_flag, read_line, read_object, read_required_line
from distribution.selfservice.refusals import FieldsRefused, Problem
from distribution.slow_work import OUTSIDE
from routing.values.normalize import FieldError
from tracing.parsing import parse_uuid
from tracing.wording import count

Found = dict[str, list[Problem]]
HEADERS: Final = "headers"
CAMPAIGN: Final = "campaign_id"
ASKED: Final = (
    "{leads} for an answer of this endpoint, and this method gives none. Add another endpoint instead"
)


def _read_time(value: object) -> time:
    try:
        return time.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise FieldError("invalid", "must be a time of day such as 06:00") from None


def _read_number(value: object) -> int:
    number = read_count(value)
    if number is None:
        raise FieldError("required", "is required")
    return number


def _read_campaign(value: object) -> UUID | None:
    if value is None:
        return None
    found = parse_uuid(value) if isinstance(value, str) else None
    if found is None:
        raise FieldError("invalid", "must be the id of a campaign in which you are enrolled, or null")
    return found


READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "name": read_required_line,
    CAMPAIGN: _read_campaign,
    "method": read_required_line,
    "url": read_line,
    "test_url": read_line,
    "email_to": read_line,
    "http_method": read_required_line,
    "body_format": read_required_line,
    "email_format": read_required_line,
    "daily_at": _read_time,
    "template": read_object,
    HEADERS: read_object,
    "accept_term": read_line,
    "accept_path": read_line,
    "reason_path": read_line,
    "price_path": read_line,
    "answer_format": read_line,
    "timeout_seconds": _read_number,
    "max_in_flight": _read_number,
    "active": read_flag,
}
COLUMNS: Final = tuple(READERS)
OF_SOME_METHOD: Final = frozenset(name for names in METHOD_FIELDS.values() for name in names)


def refuse_bad_urls(patch: Mapping[str, Any]) -> None:
    """Look up the hosts of the URLs that were sent, before any lock. Raises FieldsRefused, TooBusy."""
    sent = {name: patch[name] for name in ("url", "test_url") if isinstance(patch.get(name), str)}
    if not sent:
        return
    with OUTSIDE.take():
        problems = list(find_url_problems(sent, is_for_owner=True))
    if problems:
        raise FieldsRefused({each.field: [Problem("refused", each.message)] for each in problems})


def apply_settings(endpoint: Endpoint, patch: Mapping[str, Any]) -> list[str]:
    """Set the new values on the row. Returns the columns that changed. Raises FieldsRefused with every problem."""
    was = {name: getattr(endpoint, name) for name in COLUMNS}
    values = _read(patch)
    if HEADERS in values:
        values[HEADERS] = merge(endpoint.headers, values[HEADERS]) if patch[HEADERS] is not None else {}
    if CAMPAIGN in values:
        values[CAMPAIGN] = _find_campaign(values[CAMPAIGN], buyer_id=endpoint.buyer_id)
    for name, value in values.items():
        setattr(endpoint, name, value)
    _reset_unused(endpoint, values)
    _check(endpoint)
    return [name for name in COLUMNS if getattr(endpoint, name) != was[name]]


def _read(patch: Mapping[str, Any]) -> dict[str, Any]:
    found: Found = {}
    values = {}
    for name, sent in patch.items():
        if name not in READERS:
            text = f"is not a known field: send {', '.join(READERS)}"
            found[name[:64]] = [Problem("unknown_field", text)]
            continue
        try:
            values[name] = READERS[name](sent)
        except FieldError as error:
            found[name] = [Problem(error.code, error.message)]
    if found:
        raise FieldsRefused(found)
    return values


def _find_campaign(public_id: UUID | None, *, buyer_id: int | None) -> int | None:
    """A campaign in which the buyer is not enrolled is unknown to it."""
    if public_id is None:
        return None
    mine = Enrollment.objects.filter(buyer=buyer_id).values("campaign_id")
    pk = Campaign.objects.filter(pk__in=mine, public_id=public_id).values_list("pk", flat=True).first()
    if pk is None:
        text = "must be the id of a campaign in which you are enrolled, or null"
        raise FieldsRefused({CAMPAIGN: [Problem("invalid", text)]})
    return pk


def _reset_unused(endpoint: Endpoint, values: Mapping[str, Any]) -> None:
    """What the method does not use is reset, so that a row says nothing that has no effect. Sent, it is refused."""
    unused = OF_SOME_METHOD - set(METHOD_FIELDS.get(endpoint.method, OF_SOME_METHOD))
    if sent := sorted(unused & set(values)):
        text = f"is not used by the method {endpoint.method}: leave it out"
        raise FieldsRefused({name: [Problem("not_used", text)] for name in sent})
    for name in unused:
        column: Any = endpoint._meta.get_field(name)
        setattr(endpoint, name, column.get_default())


def _check(endpoint: Endpoint) -> None:
    """The validators of the columns and the row, then what every try checks: template, headers, paths."""
    found: Found = {}
    others = {field.name for field in endpoint._meta.concrete_fields} - {*COLUMNS, "campaign"}
    for check in (
        partial(endpoint.clean_fields, exclude=others),
        endpoint.clean,
        endpoint.validate_constraints,
    ):
        try:
            check()
        except ValidationError as error:
            _collect(error, found)
        if found:
            raise FieldsRefused(found)
    _check_method(endpoint)
    entered = {name: getattr(endpoint, name) for name in COLUMNS}
    for problem in find_setting_problems(entered):
        found.setdefault(problem.field, []).append(Problem("invalid", problem.message))
    if found:
        raise FieldsRefused(found)


def _collect(error: ValidationError, found: Found) -> None:
    errors = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    for column, messages in errors.items():
        name = {NON_FIELD_ERRORS: "non_field_errors", "campaign": CAMPAIGN}.get(column, column)
        found[name] = [Problem("invalid", message) for message in messages]


def _check_method(endpoint: Endpoint) -> None:
    """A trigger refuses it as well."""
    if endpoint._state.adding or endpoint.method in ANSWERING:
        return
    asked = count_open_posts(endpoint.pk)
    if asked:
        text = ASKED.format(leads=count(asked, "lead waits", "leads wait"))
        raise FieldsRefused({"method": [Problem("in_use", text)]})
