"""Forms for what a buyer may change. The use cases of `distribution.selfservice` decide; a form reads and shows.

Each form carries the version of what it was filled with, so it does not overwrite what another person changed since.
"""

from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final

from django import forms
from django.http import HttpResponse, HttpResponseRedirect

from distribution.portal.pages import PortalPage
from distribution.selfservice.change import Author, Outcome
from distribution.selfservice.refusals import (
    ChangeRefused,
    FieldsRefused,
    Problems,
    VersionMissing,
    VersionStale,
)
from distribution.slow_work import TooBusy

REASON: Final = "portal"
# Where the message of the use case speaks to a program.
REFUSALS: Final = {
    "already_waiting": "Another change of this waits for your agency. Withdraw it first: Settings, Changes that need"
    " approval."
}
STALE: Final = (
    "Nothing was saved: this was changed after you opened the page. You see the present values. Enter your change"
    " again."
)


class _AbstractForm(forms.forms.DeclarativeFieldsMetaclass, ABCMeta):
    """Django's forms have a metaclass of their own."""


class ChangeForm(forms.Form, metaclass=_AbstractForm):
    """`paths`: the name of a form's field for each field of the change."""

    paths: ClassVar[Mapping[str, str]] = {}
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    @abstractmethod
    def make_patch(self) -> dict[str, Any]:
        """The change, as a program would send it. Called once the form is valid."""

    def show_problems(self, problems: Problems) -> None:
        """A message of the use case begins without its subject; one of the model is a sentence."""
        for path, found in problems.items():
            name = self.find_field(path)
            for problem in found:
                text = problem.message
                label = str(self.fields[name].label) if name else ""
                self.add_error(name, f"{label} {text}".strip() if text[:1].islower() else text)

    def find_field(self, path: str) -> str | None:
        name = self.paths.get(path, path)
        return name if name in self.fields else None


class ChangePage(PortalPage, ABC):
    """A page with one form. A subclass makes it, and calls the use case."""

    template: ClassVar[str] = ""
    done: ClassVar[str] = "saved"
    section = "portal-settings"

    @abstractmethod
    def make_form(self, data: Any = None) -> ChangeForm:
        """Without data: filled with the present values and their version."""

    @abstractmethod
    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        """Call the use case. Raises as it does."""

    def read_again(self) -> None:
        """Read what another person has changed."""
        self.buyer.refresh_from_db()

    def describe(self) -> dict[str, Any]:
        """What the page shows beside the form."""
        return {}

    def show_form(self, form: ChangeForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
        return self.show_page(self.template, {"form": form, **self.describe()}, status=status)

    def save(self, data: Any) -> HttpResponse:
        form = self.make_form(data)
        if not form.is_valid():
            return self.show_form(form, status=HTTPStatus.BAD_REQUEST)
        by = Author(self.user.actor, self.at, REASON)
        try:
            outcome = self.change(form.make_patch(), version=form.cleaned_data["version"], by=by)
        except (VersionMissing, VersionStale):
            self.read_again()
            fresh = self.make_form()
            return self.show_page(
                self.template,
                {"form": fresh, "problem": STALE, **self.describe()},
                status=HTTPStatus.CONFLICT,
            )
        except FieldsRefused as refusal:
            form.show_problems(refusal.problems)
        except TooBusy as refusal:
            form.add_error(None, refusal.message)
        except ChangeRefused as refusal:
            form.add_error(None, REFUSALS.get(refusal.code, refusal.message))
        else:
            done = self.done if outcome.proposal is None else "change-asked"
            return HttpResponseRedirect(f"{self.request.path}?done={done}")
        return self.show_form(form, status=HTTPStatus.BAD_REQUEST)
