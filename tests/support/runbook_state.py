"""What a state of the product is for runbooks."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from tests.support import runbook_faults as faults
from tests.support.runbook_faults import Product
from tests.support.runbooks import Promise

RUNNING: Final = (faults.led, faults.worked, faults.reconciled)

Fault = Callable[[Product], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`prints`: by command. `environment`: variables of the processes that run the commands, if they are changed."""

    name: str
    pages: tuple[str, ...]
    brought_by: tuple[Fault, ...]
    prints: Mapping[str, Promise]
    environment: Mapping[str, str] = field(default_factory=dict)
