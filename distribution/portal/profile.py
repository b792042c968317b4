"""The name, time zone and contact of a buyer."""

from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse

from distribution.portal.changes import ChangeForm, ChangePage
from distribution.selfservice.change import Author, Outcome, change_account, read_version
from distribution.selfservice.settings import PROFILE

# Every time zone of the United States with a clock of its own. Another one stays if it was chosen elsewhere.
ZONES: Final = (
    ("America/New_York", "Eastern"),
    ("America/Chicago", "Central"),
    ("America/Denver", "Mountain"),
    ("America/Phoenix", "Mountain, Arizona"),
    ("America/Los_Angeles", "Pacific"),
    ("America/Anchorage", "Alaska"),
    ("Pacific/Honolulu", "Hawaii"),
    ("America/Puerto_Rico", "Puerto Rico"),
)
CONTACT: Final = ("name", "email", "phone")


class ProfileForm(ChangeForm):
    paths = {f"contact.{each}": f"contact_{each}" for each in CONTACT}
    name = forms.CharField(label="Company", max_length=100)
    timezone = forms.ChoiceField(
        label="Time zone", help_text="Hours, caps and budgets follow it, and all times of these pages."
    )
    contact_name = forms.CharField(label="Contact person", required=False, max_length=100)
    contact_email = forms.CharField(
        label="Email address",
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    contact_phone = forms.CharField(
        label="Phone", required=False, max_length=30, widget=forms.TextInput(attrs={"type": "tel"})
    )

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["timezone"]
        others = [] if zone in dict(ZONES) else [(zone, zone)]
        field.choices = [*others, *ZONES]

    def make_patch(self) -> dict[str, Any]:
        values = self.cleaned_data
        contact = {each: values[f"contact_{each}"] for each in CONTACT}
        return {"name": values["name"], "timezone": values["timezone"], "contact": contact}


class ProfilePage(ChangePage):
    template = "profile"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self.show_form(self.make_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.save(request.POST)

    def make_form(self, data: Any = None) -> ProfileForm:
        buyer = self.buyer
        if data is not None:
            return ProfileForm(data, zone=buyer.timezone)
        initial = {
            "version": read_version(buyer, part=PROFILE),
            "name": buyer.name,
            "timezone": buyer.timezone,
        }
        contact = {f"contact_{each}": getattr(buyer, f"contact_{each}") for each in CONTACT}
        return ProfileForm(initial={**initial, **contact}, zone=buyer.timezone)

    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        return change_account(self.buyer, part=PROFILE, patch=patch, by=by, if_match=version)
