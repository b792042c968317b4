"""Reads values from a definition. A malformed value raises DefinitionError with its path."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

MAX_INTEGER = 2**63 - 1  # the largest value of a database column


class DefinitionError(ValueError):
    """The definition is malformed at `path`, such as enrollments[3].weight."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'definition'}: {message}")
        self.path = path
        self.message = message


def read_object(parent: Any, key: str, *, path: str, optional: bool = False) -> Mapping[str, Any]:
    value = _read(parent, key, path=path)
    if value is None and optional:
        return {}
    if not isinstance(value, Mapping):
        raise DefinitionError(join(path, key), "must be an object")
    return value


def read_objects(parent: Any, key: str, *, path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The members with their paths; a missing list is empty."""
    members = [
        (f"{join(path, key)}[{index}]", each) for index, each in enumerate(read_list(parent, key, path=path))
    ]
    for here, member in members:
        if not isinstance(member, Mapping):
            raise DefinitionError(here, "must be an object")
    return members


def read_list(parent: Any, key: str, *, path: str) -> list[Any]:
    value = _read(parent, key, path=path)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise DefinitionError(join(path, key), "must be a list")
    return list(value)


def read_texts(parent: Any, key: str, *, path: str) -> list[str]:
    values = read_list(parent, key, path=path)
    for index, value in enumerate(values):
        if not isinstance(value, str) or not value:
            raise DefinitionError(f"{join(path, key)}[{index}]", "must be text of at least one character")
    return values


def read_text(parent: Any, key: str, *, path: str) -> str:
    value = _read(parent, key, path=path)
    if not isinstance(value, str) or not value:
        raise DefinitionError(join(path, key), "must be text of at least one character")
    return value


def read_flag(parent: Any, key: str, *, path: str, default: bool | None = None) -> bool:
    value = _read(parent, key, path=path)
    if value is None and default is not None:
        return default
    if not isinstance(value, bool):
        raise DefinitionError(join(path, key), "must be true or false")
    return value


def read_optional_moment(parent: Any, key: str, *, path: str) -> datetime | None:
    """A time with its UTC offset, as PostgreSQL writes it in JSON. Snapshots of earlier versions do not have it."""
    value = _read(parent, key, path=path)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise DefinitionError(join(path, key), "must be a time with its UTC offset")
    return moment


def read_integer(
    parent: Any, key: str, *, path: str, minimum: int = -MAX_INTEGER, maximum: int = MAX_INTEGER
) -> int:
    value = read_optional_integer(parent, key, path=path, minimum=minimum, maximum=maximum)
    if value is None:
        raise DefinitionError(join(path, key), "is missing")
    return value


def read_optional_integer(
    parent: Any, key: str, *, path: str, minimum: int = -MAX_INTEGER, maximum: int = MAX_INTEGER
) -> int | None:
    value = _read(parent, key, path=path)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise DefinitionError(join(path, key), "must be a whole number")
    if not minimum <= value <= maximum:
        raise DefinitionError(join(path, key), f"must be between {minimum} and {maximum}")
    return value


def read_number(parent: Any, key: str, *, path: str, minimum: float, maximum: float) -> float:
    value = _read(parent, key, path=path)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise DefinitionError(join(path, key), "must be a number")
    if not minimum <= value <= maximum:
        raise DefinitionError(join(path, key), f"must be between {minimum} and {maximum}")
    return value


def join(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key


def _read(parent: Any, key: str, *, path: str) -> Any:
    if not isinstance(parent, Mapping):
        raise DefinitionError(path, "must be an object")
    return parent.get(key)
