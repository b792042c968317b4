"""A source that pings and then sends its lead, over the API."""

from typing import Any, Final

from django.test import Client

from routing.models import Source
from tests.support.factories import issue_key

PINGS: Final = "/api/v1/pings/"
LEADS: Final = "/api/v1/leads/"
ASKED: Final = {"zip": "30312", "vertical": "roofing", "attributes": {"roof_age": 12}}
PERSON: Final = {"first_name": "Ada", "email": "ada@example.com"}


class PingingSource:
    def __init__(self, source: Source, **key: Any) -> None:
        self.source = source
        self.client = Client(headers={"Authorization": f"Api-Key {issue_key(source, **key)}"})

    def post_ping(self, **fields: Any) -> Any:
        return self.client.post(PINGS, {**ASKED, **fields}, content_type="application/json")

    def ping(self, **fields: Any) -> dict[str, Any]:
        """Return the answer to a valid ping."""
        response = self.post_ping(**fields)
        assert response.status_code == 201, response.content
        body: dict[str, Any] = response.json()
        return body

    def get_ping_id(self, **fields: Any) -> str:
        body = self.ping(**fields)
        assert body["outcome"] == "price", body
        return str(body["ping_id"])

    def post_lead(self, ping_id: str | None, *, wait_seconds: int = 5, **fields: Any) -> Any:
        """Send the lead of ASKED, and wait for its decision."""
        ping = {} if ping_id is None else {"ping_id": ping_id}
        lead = {**ASKED, **PERSON, **ping, **fields}
        headers = {"Prefer": f"wait={wait_seconds}"}
        return self.client.post(LEADS, lead, content_type="application/json", headers=headers)
