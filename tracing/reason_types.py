"""What a skip reason says: its level, what happens next to the lead, and who can change it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    LEAD = "lead"
    BUYER = "buyer"


class RetryClass(StrEnum):
    """What happens next to a lead that was not sold."""

    TRANSIENT = "transient"  # would succeed unchanged a moment later: retry with backoff
    ERROR = "error"  # the product failed: retry a few times, minutes apart, then parked until a person acts
    DEFERRED = "deferred"  # will be allowed at a known time: due again then
    PERMANENT = "permanent"  # a gap in configuration or coverage: parked until a person acts


class Fixer(StrEnum):
    """Who can change it."""

    BUYER = "buyer"
    AGENCY = "agency"
    LEAD = "lead"  # inherent in the lead
    OUTRANKED = "outranked"  # nothing was wrong; other buyers ranked higher
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class SkipReason:
    """One reason. `retry_class` is the usual one of its level.

    An operator reads `sentence` about a lead, and `clause` after a buyer's name and a colon: each reason of buyer level
    has one. `change`: what would have to change; IN_GATES or IN_BUYERS if that depends on the failure. `last_change`:
    that instead, once no attempt follows by itself; "" if it is the same.
    """

    code: str
    levels: frozenset[Level]
    retry_class: RetryClass
    fixer: Fixer
    sentence: str
    change: str
    clause: str = ""
    last_change: str = ""

    @property
    def is_system_failure(self) -> bool:
        """Whether LeadSwitch is at fault, and not a setting, a buyer or the lead."""
        return self.fixer is Fixer.SYSTEM

    @property
    def label(self) -> str:
        """A few words for a list: "No eligible buyers"."""
        return self.code.replace("_", " ").capitalize()


OF_LEAD: Final = frozenset({Level.LEAD})
OF_BUYER: Final = frozenset({Level.BUYER})
OF_BOTH: Final = OF_LEAD | OF_BUYER
# Each failing gate says what would have to change (tracing/gates.py).
IN_GATES: Final = ""
# Each skipped buyer says it: different buyers may have failed different gates.
IN_BUYERS: Final = ""
RETRIES_USED_UP: Final = "run the lead again: its automatic retries are used up"
