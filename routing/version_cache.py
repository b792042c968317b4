"""A process's cache of what it has read and compiled, by version.

Every use reads the version from the database, so an old entry is never used in place of a newer one.
"""

from collections import OrderedDict
from contextlib import suppress
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class VersionCache(Generic[Key, Value]):
    """Keyed by id if only the latest version is used, else by id and version. Drops the least recently used entries."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def find(self, key: Key) -> Value | None:
        value = self._values.get(key)
        if value is not None:
            with suppress(KeyError):  # another thread dropped it since
                self._values.move_to_end(key)
        return value

    def store(self, key: Key, value: Value) -> Value:
        self._values[key] = value
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return value

    def drop(self, key: Key) -> None:
        self._values.pop(key, None)

    def clear(self) -> None:
        self._values.clear()
