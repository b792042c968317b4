"""The base of pages about a buyer's place in one campaign."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse

from distribution.models import Enrollment
from distribution.portal.changes import ChangePage
from distribution.queries import list_enrollments_to_explain
from distribution.selfservice.change import Author, Outcome, change_enrollment


class PlacePage(ChangePage):
    enrollment: Enrollment

    def find(self, public_id: UUID) -> None:
        """`public_id`: of the campaign. A buyer is enrolled once in each."""
        places = list_enrollments_to_explain(self.buyer)
        found = next((each for each in places if each.campaign.public_id == public_id), None)
        if found is None:
            raise Http404
        self.enrollment = found

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        self.find(public_id)
        return self.show_form(self.make_form())

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        self.find(public_id)
        return self.save(request.POST)

    def read_again(self) -> None:
        self.enrollment.refresh_from_db()

    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        return change_enrollment(self.enrollment, patch=patch, by=by, if_match=version)

    def describe(self) -> dict[str, Any]:
        return {"enrollment": self.enrollment}
