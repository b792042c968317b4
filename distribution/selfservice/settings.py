"""What a buyer can change: one row for each setting, by the part of the account to which it belongs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from distribution.configuration.rewriting import rewrite_area, rewrite_price_rules
from distribution.selfservice.reading import (
    read_bid_cents,
    read_cents,
    read_count,
    read_email,
    read_limit_cents,
    read_line,
    read_list,
    read_object,
    read_phone,
    read_required_line,
)
from routing.conditions.rewriting import Rewriter, rewrite_condition, rewrite_timezone

PERIODS: Final = ("hour", "day", "week", "month")
PAUSED: Final = "paused"
PAUSED_UNTIL: Final = "paused_until"


@dataclass(frozen=True, slots=True)
class Setting:
    """`read`: from JSON; raises FieldError. `merges`: a change names only the members of the object that change.

    `rewrite`: to the form that leads have, as the form of the admin does. `has_conditions`: on leads.
    """

    column: str
    read: Callable[[object], Any]
    merges: bool = False
    rewrite: Rewriter | None = None
    has_conditions: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Settings that are read and changed together, with one version.

    `settings` by the name of the field, "caps.day" for a member of a group. `pauses`: it has `paused` and
    `paused_until` as well: the columns behind them.
    """

    name: str
    settings: Mapping[str, Setting]
    pause_columns: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*(each.column for each in self.settings.values()), *self.pause_columns)

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.settings, *((PAUSED, PAUSED_UNTIL) if self.pause_columns else ()))

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        members: dict[str, tuple[str, ...]] = {}
        for path in self.settings:
            group, dot, member = path.partition(".")
            if dot:
                members[group] = (*members.get(group, ()), member)
        return members

    @property
    def names(self) -> tuple[str, ...]:
        """What a change may have at its top level."""
        return tuple(dict.fromkeys(path.partition(".")[0] for path in self.fields))


PROFILE: Final = Part(
    "profile",
    {
        "name": Setting("name", read_required_line),
        "timezone": Setting("timezone", read_required_line, rewrite=rewrite_timezone),
        "contact.name": Setting("contact_name", read_line),
        "contact.email": Setting("contact_email", read_email),
        "contact.phone": Setting("contact_phone", read_phone),
    },
)
AREA: Final = Part(
    "area", {"service_area": Setting("service_area", read_object, merges=True, rewrite=rewrite_area)}
)
HOURS: Final = Part("hours", {"hours": Setting("hours", read_object, merges=True)})
ANSWERS: Final = Part("answers", {"answers": Setting("answers", read_object, merges=True)})
PAUSE: Final = Part("pause", {}, pause_columns=("paused_at", "paused_until", "is_paused_by_buyer"))
NOTICE: Final = Part("notice", {"notice_below_cents": Setting("notice_below_cents", read_limit_cents)})
ENROLLMENT: Final = Part(
    "enrollment",
    {
        "bid_cents": Setting("bid_cents", read_bid_cents),
        "standing_bids": Setting(
            "standing_bids", read_list, rewrite=rewrite_price_rules, has_conditions=True
        ),
        "lead_filter": Setting("lead_filter", read_object, rewrite=rewrite_condition, has_conditions=True),
        **{f"caps.{period}": Setting(f"cap_{period}", read_count) for period in PERIODS},
        **{f"budgets_cents.{period}": Setting(f"budget_{period}_cents", read_cents) for period in PERIODS},
    },
    pause_columns=("paused_at", "paused_until"),
)
PARTS: Final[Mapping[str, Part]] = {
    part.name: part for part in (PROFILE, AREA, HOURS, ANSWERS, PAUSE, NOTICE, ENROLLMENT)
}
