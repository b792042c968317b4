"""Finds a source key with its source and workspace: the first statement of every request of a source."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from django.db import connection
from django.db.models import Model

from routing.models import Source, SourceKey, Workspace

Row = TypeVar("Row", bound=Model)


def _columns(alias: str, model: type[Model]) -> str:
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


# Written out: the ORM takes longer to build this statement than the server to answer it.
FIND_KEY: Final = f"""
SELECT {_columns("k", SourceKey)}, {_columns("s", Source)}, {_columns("w", Workspace)}
FROM routing_sourcekey k
JOIN routing_source s ON s.id = k.source_id
JOIN routing_workspace w ON w.id = s.workspace_id
WHERE k.prefix = %s
"""  # noqa: S608 - only the models' own column names are put in
KEY_END: Final = len(SourceKey._meta.concrete_fields)
SOURCE_END: Final = KEY_END + len(Source._meta.concrete_fields)


def find_source_key(prefix: str) -> SourceKey | None:
    """Return the key with this prefix, its source and workspace loaded, in whatever state they are."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_KEY, [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    key = _make(SourceKey, row[:KEY_END])
    key.source = _make(Source, row[KEY_END:SOURCE_END])
    key.source.workspace = _make(Workspace, row[SOURCE_END:])
    return key


def _make(model: type[Row], values: Sequence[Any]) -> Row:
    return model.from_db("default", [field.attname for field in model._meta.concrete_fields], values)
