"""Why a change was refused. Nothing was stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    code: str
    message: str


Problems = Mapping[str, Sequence[Problem]]


class ChangeRefused(Exception):
    """The message is a sentence for the buyer. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class FieldsRefused(Exception):
    """`problems` by the name of the field, as the buyer sent it: "caps.day"."""

    def __init__(self, problems: Problems) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


class VersionMissing(Exception):
    """The caller did not say which version it changes."""


class VersionStale(Exception):
    """Somebody changed it after it was read. `version`: the present one."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.version = version


def refuse_field(name: str, code: str, message: str) -> FieldsRefused:
    return FieldsRefused({name: [Problem(code, message)]})
