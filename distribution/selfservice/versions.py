"""The version of what a buyer changes: an entity tag over the columns that it can change.

It says nothing about the values: a keyed hash, because some of them are secrets or identify a person.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.utils.crypto import salted_hmac

from distribution.selfservice.refusals import VersionMissing, VersionStale
from distribution.selfservice.settings import Part

SALT: Final = "leadswitch.selfservice.version"
LENGTH: Final = 32
ANY: Final = "*"


def make_version(row: Model, *, part: str, columns: Iterable[str]) -> str:
    """A quoted entity tag, as in the header ETag. Other parts of the same row have other versions."""
    values = [[name, getattr(row, name)] for name in sorted(columns)]
    text = json.dumps([row._meta.label_lower, row.pk, part, values], cls=_Exact, sort_keys=True)
    return f'"{salted_hmac(SALT, text, algorithm="sha256").hexdigest()[:LENGTH]}"'


def read_version(row: Model, *, part: Part) -> str:
    """The present version of a part, for the header ETag and hidden fields of forms."""
    return make_version(row, part=part.name, columns=part.columns)


def require_version(sent: str | None, *, present: str) -> None:
    """`sent`: the value of If-Match, one or more entity tags or *. Raises VersionMissing, VersionStale."""
    if sent is None or not sent.strip():
        raise VersionMissing
    tags = [each.strip() for each in sent.split(",")]
    if tags != [ANY] and present not in tags:
        raise VersionStale(present)


class _Exact(DjangoJSONEncoder):
    """Django's encoder drops microseconds: two pauses within a millisecond would have one version."""

    def default(self, value: Any) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else super().default(value)
