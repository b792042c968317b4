"""One row of the registry: a variable's name, reader, default and help. Everything else is made from the rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Derived(Generic[Value]):
    """A default that depends on other variables: `read(environment)`."""

    read: Callable[[Any], Value]


class Variable(Generic[Value]):
    """A variable as an attribute of the environment: read at its first use, and cached.

    `example`: shown in .env.example in place of the default. `old_names` are refused with the new name.
    """

    field: str

    def __init__(
        self,
        name: str,
        parse: Callable[[str, str], Value],
        *,
        default: Value | Derived[Value],
        help: str,
        example: str = "",
        old_names: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.help = help
        self.old_names = old_names
        self.example = example or _as_text(default)
        self.parse = parse
        self._default = default

    def __set_name__(self, owner: type, field: str) -> None:
        self.field = field

    @overload
    def __get__(self, environment: None, owner: type) -> Self: ...
    @overload
    def __get__(self, environment: "Section", owner: type) -> Value: ...
    def __get__(self, environment: "Section | None", owner: type) -> "Self | Value":
        if environment is None:
            return self
        value = self._read(environment)
        environment.__dict__[self.field] = value
        return value

    def _read(self, environment: "Section") -> Value:
        """Unset and empty both mean the default: `NAME=` in a compose file must not differ from its absence."""
        text = environment.texts.get(self.name, "").strip()
        if text:
            return self.parse(self.name, text)
        return self._default.read(environment) if isinstance(self._default, Derived) else self._default


class Section:
    """Variables that .env.example shows under one title."""

    TITLE: ClassVar[str]

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    @classmethod
    def own_variables(cls) -> Iterator[Variable[Any]]:
        yield from (value for value in vars(cls).values() if isinstance(value, Variable))


def _as_text(default: object) -> str:
    if isinstance(default, Derived):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
