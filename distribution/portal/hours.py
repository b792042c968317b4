"""When leads may be delivered: for each day of the week, up to two spans."""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse

from distribution.portal.changes import ChangeForm, ChangePage
from distribution.selfservice.change import Author, Outcome, change_account, read_version
from distribution.selfservice.settings import HOURS
from tracing.wording import WEEKDAYS

LEAST_SPANS: Final = 2
# The end of a day, which a field for times cannot hold.
MIDNIGHT: Final = "24:00"
ALWAYS, BY_DAY = "always", "by_day"
CHOICES: Final = ((ALWAYS, "Always"), (BY_DAY, "At these hours"))
HALF: Final = "Enter both times, or neither."
NEVER: Final = "Enter the times of at least one day. To stop all leads, use Settings, Pause."
# What the form shows before any hours are stored. It counts only with "At these hours".
USUAL_DAYS: Final = ("mon", "tue", "wed", "thu", "fri")
USUAL: Final = {
    **{f"{day}_from_1": "08:00" for day in USUAL_DAYS},
    **{f"{day}_to_1": "18:00" for day in USUAL_DAYS},
}


class HoursForm(ChangeForm):
    """`spans`: how many each day shows."""

    when = forms.ChoiceField(label="When do you want leads?", choices=CHOICES, widget=forms.RadioSelect)
    is_same = forms.BooleanField(label="Monday's times on all seven days", required=False)

    def __init__(self, *args: Any, spans: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spans = range(1, spans + 1)
        for day, name in WEEKDAYS.items():
            for span in self.spans:
                self.fields[f"{day}_from_{span}"] = _make_time(f"{name} from{_again(span)}")
                self.fields[f"{day}_to_{span}"] = _make_time(f"{name} to{_again(span)}")

    @property
    def days(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "spans": [(self[f"{day}_from_{span}"], self[f"{day}_to_{span}"]) for span in self.spans],
            }
            for day, name in WEEKDAYS.items()
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for day in WEEKDAYS:
            for span in self.spans:
                start, end = (cleaned.get(f"{day}_{edge}_{span}") for edge in ("from", "to"))
                if (start is None) != (end is None) and f"{day}_to_{span}" not in self.errors:
                    self.add_error(f"{day}_to_{span}", HALF)
        if cleaned.get("when") == BY_DAY and not self.errors and not self._has_times():
            self.add_error("when", NEVER)
        return cleaned

    def _has_times(self) -> bool:
        return any(self._list_spans(day) for day in self._list_days())

    def _list_days(self) -> list[str]:
        """For each day, the one whose times it has."""
        return ["mon" if self.cleaned_data["is_same"] else day for day in WEEKDAYS]

    def make_patch(self) -> dict[str, Any]:
        """Every day is named, so that a day without spans is closed."""
        if self.cleaned_data["when"] == ALWAYS:
            return {"hours": dict.fromkeys(WEEKDAYS)}
        times = zip(WEEKDAYS, self._list_days(), strict=True)
        return {"hours": {day: self._list_spans(of) for day, of in times}}

    def _list_spans(self, day: str) -> list[list[str]]:
        edges = (
            (self.cleaned_data[f"{day}_from_{span}"], self.cleaned_data[f"{day}_to_{span}"])
            for span in self.spans
        )
        return [[f"{start:%H:%M}", _write_end(end)] for start, end in edges if start is not None]


def _again(span: int) -> str:
    return "" if span == 1 else ", again"


def _make_time(label: str) -> forms.TimeField:
    return forms.TimeField(
        label=label, required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )


def _write_end(end: time) -> str:
    return MIDNIGHT if end == time(0) else f"{end:%H:%M}"


def count_spans(hours: Mapping[str, Sequence[object]]) -> int:
    return max(LEAST_SPANS, *(len(spans) for spans in hours.values()), 0)


def read_hours(hours: dict[str, list[list[str]]]) -> dict[str, Any]:
    """The form's values for stored hours."""
    values: dict[str, Any] = {"when": BY_DAY} if hours else {"when": ALWAYS, **USUAL}
    for day, spans in hours.items():
        for number, (start, end) in enumerate(spans, start=1):
            values[f"{day}_from_{number}"] = start
            values[f"{day}_to_{number}"] = "00:00" if end == MIDNIGHT else end
    return values


class HoursPage(ChangePage):
    template = "hours"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self.show_form(self.make_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.save(request.POST)

    def make_form(self, data: Any = None) -> HoursForm:
        spans = count_spans(self.buyer.hours)
        if data is not None:
            return HoursForm(data, spans=spans)
        version = read_version(self.buyer, part=HOURS)
        return HoursForm(initial={"version": version, **read_hours(self.buyer.hours)}, spans=spans)

    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        return change_account(self.buyer, part=HOURS, patch=patch, by=by, if_match=version)
