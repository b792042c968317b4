"""What a process keeps of the versions that it has read and compiled.

The version comes from the database with every use, so what is kept can be old but is never taken for a newer one.
"""

from collections import OrderedDict
from contextlib import suppress
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class VersionCache(Generic[Key, Value]):
    """By id, where only the last version is asked for, or by id and version. The least recently used go first."""

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
