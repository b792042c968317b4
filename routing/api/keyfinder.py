"""Finds the API key of a request, `Authorization: Api-Key <prefix.secret>`, and its owner.

One lookup serves every kind of key. Each kind has its own table, so a buyer key is unknown where sources send leads.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar, cast

from django.db import connection
from django.db.models import ForeignKey, Model
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from routing.models.apikey import KEY_SHAPE, ScopedKey, is_key

KEYWORD: Final = "Api-Key"

Key = TypeVar("Key", bound=ScopedKey)


def describe_unknown_key(kind: str) -> str:
    return f"Unknown or revoked {kind} key. Check that you copied the whole key. {_where_to_get(kind)}"


def _where_to_get(kind: str) -> str:
    return f"The agency can issue a new one in the admin, under {kind.capitalize()} keys."


class KeyFinder(Generic[Key]):
    """Keys of one kind. `path` names the foreign keys from the key to its owner and beyond: ("buyer", "workspace").

    One statement reads the key and its path. It is raw SQL because the ORM took 1 ms per request to build the same
    statement and the objects of its rows.
    """

    def __init__(self, model: type[Key], *, path: Sequence[str]) -> None:
        self.kind: str = path[0]
        self._models: list[type[Model]] = [model]
        for name in path:
            self._models.append(_target(self._models[-1], name))
        self._model, self._path = model, tuple(path)
        self._columns = [[field.attname for field in each._meta.concrete_fields] for each in self._models]
        self._sql = self._build_sql()

    def find(self, text: str, *, at: datetime) -> Key:
        """Return the key for `text` if it can be used. Raises AuthenticationFailed.

        Only a caller with the right secret learns whether a key is unknown, revoked or expired.
        """
        shape = KEY_SHAPE.fullmatch(text)
        if shape is None:
            raise AuthenticationFailed(describe_unknown_key(self.kind))
        key = self._read(shape[1])
        if not is_key(text, hashed=key.hashed_key if key else None) or key is None:
            raise AuthenticationFailed(describe_unknown_key(self.kind))
        if key.revoked:
            raise AuthenticationFailed(f"This {self.kind} key was revoked. {_where_to_get(self.kind)}")
        if key.expiry_date is not None and key.expiry_date <= at:
            raise AuthenticationFailed(f"This {self.kind} key has expired. {_where_to_get(self.kind)}")
        return key

    def _read(self, prefix: str) -> Key | None:
        with connection.cursor() as cursor:
            cursor.execute(self._sql, [prefix])
            row = cursor.fetchone()
        if row is None:
            return None
        built, start = [], 0
        for model, columns in zip(self._models, self._columns, strict=True):
            built.append(model.from_db(connection.alias, columns, row[start : start + len(columns)]))
            start += len(columns)
        for name, holder, held in zip(self._path, built, built[1:], strict=False):
            setattr(holder, name, held)
        return cast("Key", built[0])

    def _build_sql(self) -> str:
        names = [f"t{number}.{column}" for number, columns in enumerate(self._columns) for column in columns]
        joins = [
            f"JOIN {model._meta.db_table} t{number} ON t{number}.id = t{number - 1}.{name}_id"
            for number, (name, model) in enumerate(zip(self._path, self._models[1:], strict=True), start=1)
        ]
        table = self._models[0]._meta.db_table
        return f"SELECT {', '.join(names)} FROM {table} t0 {' '.join(joins)} WHERE t0.prefix = %s"  # noqa: S608 - names


def read_key(request: HttpRequest | Request) -> str | None:
    """Return the text after `Api-Key`, or None if the header is missing or names another scheme."""
    keyword, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return text.strip() if keyword.lower() == KEYWORD.lower() else None


def _target(model: type[Model], name: str) -> type[Model]:
    field = model._meta.get_field(name)
    assert isinstance(field, ForeignKey)  # noqa: S101 - narrows the type; paths are constants of the code
    related: type[Model] = field.related_model
    return related
