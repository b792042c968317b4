"""What the error codes of a carrier mean. Pure. The codes are those of https://www.twilio.com/docs/api/errors."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from distribution.calls.carrier.values import Problem

TOO_MANY_REQUESTS: Final = "20429"
NOT_IN_PROGRESS: Final = "21220"
PROBLEMS: Final[Mapping[str, Problem]] = {
    "10001": Problem.ACCOUNT_REFUSED,  # the account is not active
    "10002": Problem.ACCOUNT_LIMITED,  # a trial account lacks this feature
    "10004": Problem.CONCURRENCY,
    "13223": Problem.INVALID_PHONE,
    "13224": Problem.INVALID_PHONE,
    "13225": Problem.PHONE_REFUSED,
    "13227": Problem.GEO,
    "20003": Problem.ACCOUNT_REFUSED,
    "20005": Problem.ACCOUNT_REFUSED,  # the account is not active
    "20404": Problem.BAD_SETTINGS,  # no such account
    TOO_MANY_REQUESTS: Problem.THROTTLED,
    "21202": Problem.PHONE_REFUSED,  # a premium number
    "21203": Problem.GEO,
    "21210": Problem.NUMBER_REFUSED,
    "21211": Problem.INVALID_PHONE,
    "21212": Problem.NUMBER_REFUSED,
    "21214": Problem.INVALID_PHONE,  # the phone cannot be reached
    "21215": Problem.GEO,
    "21216": Problem.PHONE_REFUSED,
    "21217": Problem.INVALID_PHONE,
    "21219": Problem.ACCOUNT_LIMITED,  # a trial account calls only phones that it has verified
    "22005": Problem.QUEUE_FULL,
    "86008": Problem.CONCURRENCY,
}
STATUSES: Final[Mapping[int, Problem]] = {
    HTTPStatus.UNAUTHORIZED: Problem.ACCOUNT_REFUSED,
    HTTPStatus.FORBIDDEN: Problem.ACCOUNT_REFUSED,
    HTTPStatus.NOT_FOUND: Problem.BAD_SETTINGS,
    HTTPStatus.TOO_MANY_REQUESTS: Problem.THROTTLED,
}


def name_refusal(status: int, code: str) -> Problem:
    """The code decides, and the status if the code is not known."""
    return PROBLEMS.get(code) or STATUSES.get(status, Problem.REFUSED)
