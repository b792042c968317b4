"""What a pause is now, and what a change of `paused` and `paused_until` makes of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from distribution.models import Buyer, Enrollment, is_paused
from distribution.selfservice.reading import read_flag, read_moment
from distribution.selfservice.refusals import ChangeRefused, refuse_field
from distribution.selfservice.settings import PAUSED, PAUSED_UNTIL
from routing.values.normalize import FieldError

LONGEST: Final = timedelta(days=366)


def describe_pause(row: Buyer | Enrollment, *, at: datetime) -> dict[str, Any]:
    paused = is_paused(row, at=at)
    return {PAUSED: paused, PAUSED_UNTIL: row.paused_until if paused else None}


def paused_by(buyer: Buyer, *, at: datetime) -> str | None:
    """Return "buyer", "agency", or None while it is not paused."""
    if not is_paused(buyer, at=at):
        return None
    return "buyer" if buyer.is_paused_by_buyer else "agency"


def resolve_pause(row: Buyer | Enrollment, sent: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """Return the columns after the change; {} if it names neither field. Raises FieldsRefused, ChangeRefused."""
    if PAUSED not in sent and PAUSED_UNTIL not in sent:
        return {}
    if isinstance(row, Buyer) and paused_by(row, at=at) == "agency":
        text = "Your agency paused you. Ask it to resume you."
        raise ChangeRefused("paused_by_agency", text)
    until = _read(sent, PAUSED_UNTIL, read_moment) if PAUSED_UNTIL in sent else None
    was = describe_pause(row, at=at)
    wanted = _read(sent, PAUSED, read_flag) if PAUSED in sent else was[PAUSED] or until is not None
    _check(wanted, until, at=at)
    if wanted and PAUSED_UNTIL not in sent:
        until = was[PAUSED_UNTIL]
    return _columns(row, wanted=wanted, until=until, was_paused=was[PAUSED], at=at)


def _read(sent: Mapping[str, Any], name: str, reader: Any) -> Any:
    try:
        return reader(sent[name])
    except FieldError as error:
        raise refuse_field(name, error.code, error.message) from None


def _check(wanted: Any, until: datetime | None, *, at: datetime) -> None:
    if until is None:
        return
    if not wanted:
        raise refuse_field(PAUSED_UNTIL, "invalid", "must be left out, or null, to resume")
    if until <= at:
        raise refuse_field(PAUSED_UNTIL, "invalid", "must be in the future")
    if until > at + LONGEST:
        text = f"must be at most {LONGEST.days} days from now; for longer, pause without an end"
        raise refuse_field(PAUSED_UNTIL, "invalid", text)


def _columns(
    row: Buyer | Enrollment, *, wanted: Any, until: datetime | None, was_paused: bool, at: datetime
) -> dict[str, Any]:
    """An ended pause is cleared; one that runs keeps its start."""
    began = (row.paused_at if was_paused else at) if wanted else None
    own = {"is_paused_by_buyer": bool(wanted)} if isinstance(row, Buyer) else {}
    return {"paused_at": began, "paused_until": until, **own}
