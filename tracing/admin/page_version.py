"""What a page showed: it is sent back with the form, so that a save finds what others have changed since."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from hashlib import sha256
from typing import Any, Final

from django import forms
from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.utils.timezone import is_aware

from tracing import audit
from tracing.models import AuditEntry
from tracing.wording import moment

Values = Mapping[str, Any]
MAX_CHARACTERS: Final = 300
UNSEEN: Final = "a row that you do not see"
NOTHING: Final = "nothing"


class PageVersionInvalid(Exception):
    """The sealed values belong to another row, or were changed on their way."""


class _Encoder(json.JSONEncoder):
    """Django's encoder cuts microseconds off."""

    def default(self, value: Any) -> Any:
        if isinstance(value, datetime | date | time):
            return value.isoformat()
        return str(value)


def plain(value: Any) -> Any:
    """A form field's value as JSON. Rows become their ids, in order."""
    if isinstance(value, Model):
        value = value.pk
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Model):
        value = sorted(each.pk for each in value)
    return json.loads(json.dumps(value, cls=_Encoder))


def seal(row: Model, values: Values) -> str:
    """Sign the values, so that they come back unchanged. They are readable: the page shows them anyway."""
    return _signer(row).sign_object(dict(values), compress=True)


def unseal(text: str, row: Model) -> dict[str, Any]:
    """Raises PageVersionInvalid."""
    try:
        values: dict[str, Any] = _signer(row).unsign_object(text)
    except (signing.BadSignature, ValueError):
        raise PageVersionInvalid from None
    return values


def _signer(row: Model) -> signing.Signer:
    return signing.Signer(salt=f"page_version:{row._meta.label_lower}:{row.pk}")


def initial_of(row: Model, name: str, value: Any, *, widget: forms.Widget) -> Any:
    """The initial value of the form's field, from the plain value."""
    field = row._meta.get_field(name)
    if isinstance(value, str) and not field.many_to_many:
        value = field.to_python(value)  # type: ignore[union-attr]
    if isinstance(value, datetime | time) and not widget.supports_microseconds:
        return value.replace(microsecond=0)
    return value


def has_column(row: Model, name: str) -> bool:
    """Whether a form's field of this name is a column or a many-to-many relation."""
    try:
        field = row._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return bool(field.concrete)


def describe_form_value(field: forms.Field, value: Any) -> str:
    """A value as forms show it. A field may have a `describe` of its own."""
    if value in (None, "", [], ()):
        return NOTHING
    describe = getattr(field, "describe", None)
    if describe is not None and not isinstance(value, str):
        return str(describe(value))
    if isinstance(field, forms.ModelMultipleChoiceField):
        return ", ".join(sorted(_describe_row(field, each) for each in value)) or NOTHING
    if isinstance(field, forms.ModelChoiceField):
        return _describe_row(field, value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value) if is_aware(value) else f"{value:%Y-%m-%d %H:%M:%S}"
    words: dict[Any, Any] = dict(field.widget.choices) if isinstance(field, forms.ChoiceField) else {}
    if isinstance(value, dict | list):
        value = ", ".join(map(str, value)) if _are_words(value) else json.dumps(value, cls=_Encoder)
    return str(words.get(value, value))[:MAX_CHARACTERS]


def _are_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _describe_row(field: "forms.ModelChoiceField[Any]", value: Any) -> str:
    """A row that the form does not offer is not named."""
    if isinstance(value, Model):
        return str(value)
    try:
        found = field.queryset.filter(pk=value).first() if field.queryset is not None else None
    except (ValueError, ValidationError):
        found = None
    return UNSEEN if found is None else field.label_from_instance(found)


def find_changes(row: Model, values: Values) -> dict[str, AuditEntry]:
    """The latest audit entry that set each field to its present value. A field that no entry explains is left out."""
    found: dict[str, AuditEntry] = {}
    for entry in audit.read_entries(row):
        for name in entry.after.keys() & (values.keys() - found.keys()):
            found[name] = entry
    return {name: entry for name, entry in found.items() if _is_present(row, entry, name, values[name])}


def _is_present(row: Model, entry: AuditEntry, name: str, value: Any) -> bool:
    """The audit log has names for many-to-many relations, and for some fields only that they changed."""
    field = row._meta.get_field(name)
    if field.many_to_many or entry.after[name] == audit.CHANGED:
        return True
    kept = field.to_python(value) if isinstance(value, str) else value  # type: ignore[union-attr]
    return bool(json.loads(json.dumps(kept, cls=DjangoJSONEncoder)) == entry.after[name])


def describe_author(entry: AuditEntry) -> str:
    """Who, when and why: "ben at 2026-11-28 09:00:00 UTC (bad leads)"."""
    return f"{entry.actor} at {moment(entry.at)}" + (f" ({entry.reason})" if entry.reason else "")


def describe_last_change(row: Model) -> str:
    """A sentence about the newest audit entry of a row; "" without one."""
    entry = next(iter(audit.read_entries(row, limit=1)), None)
    return (
        "" if entry is None else f"Last entry in the audit log: {entry.action} by {describe_author(entry)}."
    )


def digest(state: Any) -> str:
    """A few characters that change with the state."""
    return sha256(json.dumps(state, cls=_Encoder, sort_keys=True).encode()).hexdigest()[:32]


def digest_rows(rows: Sequence[Model], *, going_along: Iterable[tuple[str, Sequence[Any]]] = ()) -> str:
    """A digest of the columns that people can change, and of the rows that are deleted along. Counters are left out."""
    own = [[row._meta.label_lower, row.pk, _editable(row)] for row in rows]
    return digest([own, [[label, sorted(map(str, ids))] for label, ids in going_along]])


def _editable(row: Model) -> dict[str, Any]:
    names = [field.name for field in row._meta.concrete_fields if field.editable]
    return audit.read_state(row, fields=names)
