"""The form of the service area: places as lists of text, and circles around ZIP codes."""

import re
from collections.abc import Mapping
from typing import Any, Final

from django import forms

from distribution.portal.changes import ChangeForm
from distribution.selfservice.refusals import Problems

LEAST_CIRCLES: Final = 3
MAX_MILES: Final = 500
SEPARATORS: Final = re.compile(r"[,;\n]+")
BLANKS: Final = re.compile(r"[,;\s]+")
# By the key of the area: label, help, and what separates the places.
LISTS: Final = {
    "states": ("States", "Two letters each, e.g. GA, AL.", BLANKS),
    "counties": ("Counties", "State and county, one in each line, e.g. GA: Fulton County.", SEPARATORS),
    "zips": ("ZIP codes", "E.g. 30312, 30313.", BLANKS),
    "zip_prefixes": ("ZIP codes that begin with", "E.g. 303 for every ZIP code from 30300 to 30399.", BLANKS),
}
EXCLUDED: Final = ("states", "counties", "zips")
# How the rules of areas name a place: "exclude.states[1]: 'ZZ' is not a state".
OF_LIST: Final = re.compile(r"(exclude\.)?([a-z_]+)\[\d+\]: (.+)", re.DOTALL)
OF_CIRCLE: Final = re.compile(r"radius\[(\d+)\]\.?(\w*): (.+)", re.DOTALL)
HALF: Final = "Enter a ZIP code and the miles around it, or neither."


class AreaForm(ChangeForm):
    """`circles`: how many it shows. All stored ones: those that it does not send are removed."""

    everywhere = forms.BooleanField(label="Everywhere", required=False)

    def __init__(self, *args: Any, circles: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.numbers = range(1, circles + 1)
        for key, (label, text, _) in LISTS.items():
            self.fields[key] = _make_list(label, text)
        for number in self.numbers:
            self.fields[f"zip_{number}"] = _make_zip(number)
            self.fields[f"miles_{number}"] = _make_miles(number)
        for key in EXCLUDED:
            self.fields[f"exclude_{key}"] = _make_list(f"{LISTS[key][0]} without leads", LISTS[key][1])

    @property
    def lists(self) -> list[Any]:
        return [self[key] for key in LISTS]

    @property
    def circles(self) -> list[tuple[Any, Any]]:
        return [(self[f"zip_{number}"], self[f"miles_{number}"]) for number in self.numbers]

    @property
    def excluded(self) -> list[Any]:
        return [self[f"exclude_{key}"] for key in EXCLUDED]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for number in self.numbers:
            zip_code, miles = cleaned.get(f"zip_{number}"), cleaned.get(f"miles_{number}")
            if bool(zip_code) != (miles is not None) and f"miles_{number}" not in self.errors:
                self.add_error(f"miles_{number}", HALF)
        return cleaned

    def show_problems(self, problems: Problems) -> None:
        """Each problem of a place beside its box."""
        rest = dict(problems)
        # All boxes first: an error takes the value of its field away.
        for name, text in [self._find_box(each.message) for each in rest.pop("service_area", ())]:
            self.add_error(name, text)
        super().show_problems(rest)

    def _find_box(self, message: str) -> tuple[str | None, str]:
        """The name of the field, None if it has none, and the message without the path."""
        if circle := OF_CIRCLE.fullmatch(message):
            filled = [number for number in self.numbers if self.cleaned_data.get(f"zip_{number}")]
            edge = "miles" if circle[2] == "miles" else "zip"
            return f"{edge}_{filled[int(circle[1])]}", _say(circle[3])
        found = OF_LIST.fullmatch(message)
        if found is None:
            return None, message
        name = f"exclude_{found[2]}" if found[1] else found[2]
        return (name, _say(found[3])) if name in self.fields else (None, message)

    def make_patch(self) -> dict[str, Any]:
        """Null removes a part. What the form does not show stays."""
        values = self.cleaned_data
        area: dict[str, Any] = {key: _split(key, values[key]) or None for key in LISTS}
        area["everywhere"] = True if values["everywhere"] else None
        area["radius"] = self._list_circles() or None
        area["exclude"] = {key: _split(key, values[f"exclude_{key}"]) or None for key in EXCLUDED}
        return {"service_area": area}

    def _list_circles(self) -> list[dict[str, Any]]:
        values = self.cleaned_data
        return [
            {"zip": values[f"zip_{number}"], "miles": values[f"miles_{number}"]}
            for number in self.numbers
            if values[f"zip_{number}"]
        ]


def _make_list(label: str, text: str) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 2, "autocapitalize": "characters"})
    return forms.CharField(label=label, required=False, help_text=text, widget=widget, max_length=20_000)


def _make_zip(number: int) -> forms.CharField:
    return forms.CharField(
        label=f"ZIP code {number}",
        required=False,
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )


def _make_miles(number: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=f"Miles around ZIP code {number}",
        required=False,
        min_value=1,
        max_value=MAX_MILES,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


def _say(text: str) -> str:
    """The first letter of a place's own text stays."""
    said = re.sub(r"'([^']*)'", r"“\1”", text)
    return said if said.endswith((".", "?", "!")) else f"{said}."


def _split(key: str, text: str) -> list[str]:
    """Counties have spaces in their names."""
    parts = LISTS[key][2].split(text)
    return [re.sub(r":\s+", ":", part.strip()) for part in parts if part.strip()]


def read_area_values(area: Mapping[str, Any]) -> dict[str, Any]:
    """The form's values for a stored area. Parts that it cannot show are left out."""
    values: dict[str, Any] = {key: _join(key, area.get(key)) for key in LISTS}
    excluded = area.get("exclude")
    hidden = excluded if isinstance(excluded, dict) else {}
    values |= {f"exclude_{key}": _join(key, hidden.get(key)) for key in EXCLUDED}
    values["everywhere"] = area.get("everywhere") is True
    for number, circle in enumerate(_list_circles(area), start=1):
        values |= {f"zip_{number}": circle.get("zip"), f"miles_{number}": circle.get("miles")}
    return values


def count_circles(area: Mapping[str, Any]) -> int:
    """One more than there are, so that another one can be added."""
    return max(LEAST_CIRCLES, len(_list_circles(area)) + 1)


def _list_circles(area: Mapping[str, Any]) -> list[dict[str, Any]]:
    circles = area.get("radius")
    return [each for each in circles if isinstance(each, dict)] if isinstance(circles, list) else []


def _join(key: str, places: Any) -> str:
    if not isinstance(places, list):
        return ""
    return (
        "\n".join(str(each).replace(":", ": ") for each in places)
        if key == "counties"
        else ", ".join(map(str, places))
    )
