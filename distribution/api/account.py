"""A buyer reads and changes its account: profile, service area, hours, answers, pause, notice, enrollments."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import accountanswers as answers
from distribution.api import accountdocuments as documents
from distribution.api.authentication import get_buyer_key
from distribution.api.buyeranswers import describe_wallet
from distribution.api.changes import answer_waiting
from distribution.api.changing import ChangingView, refusals_as_errors, with_version
from distribution.models import Buyer, BuyerScope, Enrollment, Wallet
from distribution.queries import list_enrollments
from distribution.selfservice.change import change_account, change_enrollment, read_version
from distribution.selfservice.settings import ANSWERS, AREA, ENROLLMENT, HOURS, NOTICE, PAUSE, PROFILE, Part
from routing.api.keyview import not_found

CHANGES = {"get": BuyerScope.ACCOUNT_READ, "patch": BuyerScope.ACCOUNT_WRITE}
READ_AND_CHANGE = ["get", "head", "patch"]


class _AccountView(ChangingView, ABC):
    """One part of the account. `part`: what a change may have; `describe`: the body of both answers."""

    http_method_names = READ_AND_CHANGE
    part: ClassVar[Part]

    @cached_property
    def row(self) -> Any:
        """As it is stored. The key's own buyer has the text of its JSON columns."""
        return Buyer.objects.select_related("workspace").get(pk=self.buyer.pk)

    @abstractmethod
    def describe(self) -> Mapping[str, Any]:
        """The body of both answers."""

    def show(self) -> Response:
        return with_version(self.describe(), read_version(self.row, part=self.part))

    def change(self, request: Request) -> Response:
        patch = self.read_object(request)
        with refusals_as_errors():
            outcome = change_account(
                self.buyer, part=self.part, patch=patch, by=self.author, if_match=self.if_match
            )
        if outcome.proposal is not None:
            return answer_waiting(outcome.proposal)
        return with_version(self.describe(), outcome.version)


class MeView(_AccountView):
    scopes = CHANGES
    part = PROFILE

    def describe(self) -> Mapping[str, Any]:
        key = get_buyer_key(self.request)
        return answers.describe_me(key, self.row, list_enrollments(self.row), at=datetime.now(UTC))

    @documents.GET_ME
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        return self.show()

    @documents.CHANGE_ME
    def patch(self, request: Request) -> Response:
        return self.change(request)


class AreaView(_AccountView):
    scopes = CHANGES
    part = AREA

    def describe(self) -> Mapping[str, Any]:
        return {"service_area": self.row.service_area}

    @documents.GET_AREA
    def get(self, request: Request) -> Response:  # noqa: ARG002
        return self.show()

    @documents.CHANGE_AREA
    def patch(self, request: Request) -> Response:
        return self.change(request)


class HoursView(_AccountView):
    scopes = CHANGES
    part = HOURS

    def describe(self) -> Mapping[str, Any]:
        return {"hours": self.row.hours, "timezone": self.row.timezone}

    @documents.GET_HOURS
    def get(self, request: Request) -> Response:  # noqa: ARG002
        return self.show()

    @documents.CHANGE_HOURS
    def patch(self, request: Request) -> Response:
        return self.change(request)


class AnswersView(_AccountView):
    scopes = CHANGES
    part = ANSWERS

    def describe(self) -> Mapping[str, Any]:
        questions = answers.describe_questions(list_enrollments(self.buyer))
        return {"answers": self.row.answers, "questions": questions}

    @documents.GET_ANSWERS
    def get(self, request: Request) -> Response:  # noqa: ARG002
        return self.show()

    @documents.CHANGE_ANSWERS
    def patch(self, request: Request) -> Response:
        return self.change(request)


class PauseView(_AccountView):
    scopes = CHANGES
    part = PAUSE

    def describe(self) -> Mapping[str, Any]:
        return answers.describe_own_pause(self.row, at=datetime.now(UTC))

    @documents.GET_PAUSE
    def get(self, request: Request) -> Response:  # noqa: ARG002
        return self.show()

    @documents.CHANGE_PAUSE
    def patch(self, request: Request) -> Response:
        return self.change(request)


class WalletView(_AccountView):
    scopes = {"get": BuyerScope.WALLET_READ, "patch": BuyerScope.ACCOUNT_WRITE}
    part = NOTICE

    @cached_property
    def row(self) -> Any:
        return Wallet.objects.get(buyer_id=self.buyer.pk)

    def describe(self) -> Mapping[str, Any]:
        return describe_wallet(self.row)

    @documents.GET_WALLET
    def get(self, request: Request) -> Response:  # noqa: ARG002
        return self.show()

    @documents.CHANGE_WALLET
    def patch(self, request: Request) -> Response:
        return self.change(request)


class EnrollmentsView(ChangingView):
    scopes = {"get": BuyerScope.ACCOUNT_READ}

    @documents.LIST_ENROLLMENTS
    def get(self, request: Request) -> Response:  # noqa: ARG002
        at = datetime.now(UTC)
        found = list_enrollments(self.buyer)
        return Response({"results": [answers.describe_enrollment(each, at=at) for each in found]})


class EnrollmentView(ChangingView):
    """The id is that of the campaign: a buyer is enrolled once in a campaign."""

    http_method_names = READ_AND_CHANGE
    scopes = CHANGES

    @documents.GET_ENROLLMENT
    def get(self, request: Request, public_id: UUID) -> Response:  # noqa: ARG002
        return _show(find_place(public_id, buyer=self.buyer))

    @documents.CHANGE_ENROLLMENT
    def patch(self, request: Request, public_id: UUID) -> Response:
        place = find_place(public_id, buyer=self.buyer)
        patch = self.read_object(request)
        with refusals_as_errors():
            outcome = change_enrollment(place, patch=patch, by=self.author, if_match=self.if_match)
        if outcome.proposal is not None:
            return answer_waiting(outcome.proposal)
        return _show(find_place(public_id, buyer=self.buyer))


def find_place(campaign_id: UUID, *, buyer: Buyer) -> Enrollment:
    """The enrollment in this campaign. A campaign in which the buyer is not enrolled is not found."""
    mine = Enrollment.objects.filter(buyer_id=buyer.pk, campaign__public_id=campaign_id)
    place = mine.select_related("campaign", "tier", "buyer").first()
    if place is None:
        raise not_found()
    return place


def _show(place: Enrollment) -> Response:
    body = answers.describe_enrollment(place, at=datetime.now(UTC))
    return with_version(body, read_version(place, part=ENROLLMENT))
