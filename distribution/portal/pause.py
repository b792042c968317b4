"""Pausing all leads, and resuming them."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest, HttpResponse

from distribution.portal.changes import ChangeForm, ChangePage
from distribution.selfservice.change import Author, Outcome, change_account, read_version
from distribution.selfservice.pauses import describe_pause, paused_by
from distribution.selfservice.settings import PAUSE
from tracing.wording import WEEKDAYS

TOMORROW, WEEK, OPEN_END = "tomorrow", "week", "open"
CHOICES: Final = (
    (TOMORROW, "Until tomorrow morning"),
    (WEEK, "For a week"),
    (OPEN_END, "Until you resume"),
)
DAYS: Final = {TOMORROW: 1, WEEK: 7}
# When a pause ends that is until a morning, if the buyer's hours do not begin between these two.
MORNING: Final = time(8)
EARLIEST, LATEST = time(4), time(12)
ACTIONS: Final = ("pause", "resume")


class PauseForm(ChangeForm):
    """`until`: the moment of each choice, in the buyer's time zone."""

    paths = {"paused_until": "how_long", "paused": "how_long"}
    action = forms.ChoiceField(choices=[(each, each) for each in ACTIONS], widget=forms.HiddenInput)
    how_long = forms.ChoiceField(
        label="How long?", choices=CHOICES, initial=TOMORROW, required=False, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, until: dict[str, datetime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.until = until
        field: Any = self.fields["how_long"]
        field.choices = [(choice, _name(label, until.get(choice))) for choice, label in CHOICES]

    def make_patch(self) -> dict[str, Any]:
        if self.cleaned_data["action"] == "resume":
            return {"paused": False}
        until = self.until.get(self.cleaned_data["how_long"])
        return {"paused": True, "paused_until": None if until is None else until.isoformat()}


class PausePage(ChangePage):
    template = "pause"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self.show_form(self.make_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.save(request.POST)

    def make_form(self, data: Any = None) -> PauseForm:
        if data is not None:
            return PauseForm(data, until=self._list_ends())
        initial = {"version": read_version(self.buyer, part=PAUSE)}
        return PauseForm(initial=initial, until=self._list_ends())

    def _list_ends(self) -> dict[str, datetime]:
        today = self.at.astimezone(self.zone).date()
        return {
            choice: find_morning(self.buyer.hours, day=today + timedelta(days=days), zone=self.zone)
            for choice, days in DAYS.items()
        }

    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        return change_account(self.buyer, part=PAUSE, patch=patch, by=by, if_match=version)

    def describe(self) -> dict[str, Any]:
        return {"by": paused_by(self.buyer, at=self.at), "pause": describe_pause(self.buyer, at=self.at)}


def find_morning(hours: object, *, day: date, zone: ZoneInfo) -> datetime:
    """When the buyer opens on that day, if that is in the morning; else 8 AM."""
    opens = min(_list_openings(hours, day), default=MORNING)
    clock = opens if EARLIEST <= opens < LATEST else MORNING
    return datetime.combine(day, clock, tzinfo=zone)


def _list_openings(hours: object, day: date) -> Iterator[time]:
    """None if they cannot be read: a script may have stored anything."""
    spans = hours.get(list(WEEKDAYS)[day.weekday()]) if isinstance(hours, dict) else None
    for span in spans if isinstance(spans, list) else []:
        try:
            yield time.fromisoformat(span[0])
        except (TypeError, ValueError, LookupError):
            continue


def _name(label: str, until: datetime | None) -> str:
    return label if until is None else f"{label}: {until:%a, %b} {until.day}, {until.hour}:{until:%M} AM"
