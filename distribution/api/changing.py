"""What views that change a buyer's account share: versions in headers, the author, and refusals as errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api.bodies import problem
from distribution.api.buyer import BuyerView
from distribution.selfservice.author import Author
from distribution.selfservice.refusals import (
    ChangeRefused,
    FieldsRefused,
    VersionMissing,
    VersionStale,
)
from distribution.slow_work import TooBusy
from routing.api.errors import ApiError, FieldsInvalid, Malformed
from routing.api.guard import GuardedJSONParser, GuardedPatchParser, require_body
from routing.redis.rate_limit import take

NO_VERSION = "Send the header If-Match with the ETag of the last answer, so that no other change is undone."
STALE = "It was changed after you read it. Read it again, and send your change with the new ETag."


class ChangingView(BuyerView):
    """A change needs If-Match. Its answer, and that of a read, has the version as ETag."""

    parser_classes = [GuardedJSONParser, GuardedPatchParser]

    @property
    def if_match(self) -> str | None:
        sent: str | None = self.request.META.get("HTTP_IF_MATCH")
        return sent

    @property
    def author(self) -> Author:
        return Author(self.actor, datetime.now(UTC))

    def read_object(self, request: Request) -> Mapping[str, Any]:
        require_body(request)
        body = request.data
        if not isinstance(body, Mapping):
            raise Malformed("The body must be a JSON object.")
        return body


def require_allowance(kind: str, *, buyer_id: int) -> None:
    """What costs more than other requests has a limit of its own, for all keys of a buyer. Raises Throttled."""
    allowance = take(kind, str(buyer_id))
    if allowance is not None and not allowance.is_allowed:
        raise Throttled(allowance.wait_seconds)


def with_version(body: Any, version: str, *, status: int = 200, **headers: str) -> Response:
    return Response(body, status=status, headers={"ETag": version, **headers})


@contextmanager
def refusals_as_errors() -> Iterator[None]:
    """A wrong field is 400 and named. 428 and 412: the version. 409: what is so does not allow it. 503: too busy."""
    try:
        yield
    except VersionMissing:
        raise ApiError(NO_VERSION, status_code=428) from None
    except VersionStale as stale:
        extra, headers = {"etag": stale.version}, {"ETag": stale.version}
        raise ApiError(STALE, status_code=412, extra=extra, headers=headers) from None
    except FieldsRefused as refused:
        fields = {
            name: [problem(each.code, each.message) for each in problems]
            for name, problems in refused.problems.items()
        }
        raise FieldsInvalid(fields) from None
    except TooBusy as refused:
        raise ApiError(refused.message, status_code=503) from None
    except ChangeRefused as refused:
        raise ApiError(refused.message, status_code=409, code=refused.code) from None
