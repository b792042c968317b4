"""A buyer's program, simulated by the tests."""

from typing import Any

from django.test import Client

from distribution.models import Buyer
from tests.support.factories import issue_buyer_key


class Api:
    """A buyer's program. `get` expects success."""

    def __init__(self, buyer: Buyer) -> None:
        self._client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer)}"})

    def ask(self, path: str, **parameters: object) -> Any:
        return self._client.get(f"/api/v1/buyer/{path}", parameters)

    def get(self, path: str, **parameters: object) -> Any:
        response = self.ask(path, **parameters)
        assert response.status_code == 200, response.content
        return response.json()

    def page_through(self, path: str, **parameters: object) -> list[Any]:
        page = self.get(path, **parameters)
        rows = page["results"]
        while page["next_cursor"]:
            page = self.get(path, cursor=page["next_cursor"], **parameters)
            rows += page["results"]
        return list(rows)
