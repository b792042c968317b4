"""Query parameters and scopes of the API: each route accepts exactly the documented ones."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator

from routing.api.keyview import KeyView
from tests.support.factories import BuyerFactory, issue_buyer_key

pytestmark = pytest.mark.django_db
ID = re.compile(r"\{([a-z_]+)\}")
LEDGER = "/api/v1/buyer/ledger/"


def operations() -> Iterator[tuple[type[KeyView], str, dict[str, Any]]]:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            view: Any = resolve(fill(path, operation)).func
            yield view.view_class, method, operation


def fill(path: str, operation: dict[str, Any]) -> str:
    """The path with a value of the documented type in each place."""
    types = {
        each["name"]: each["schema"]["type"]
        for each in operation.get("parameters", ())
        if each["in"] == "path"
    }
    return ID.sub(lambda place: "7" if types[place[1]] == "integer" else str(UUID(int=7)), path)


def test_every_route_accepts_the_documented_parameters() -> None:
    for view, method, operation in operations():
        documented = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        assert documented == set(view.query_parameters.get(method, ())), (view, method)


def test_every_operation_names_its_scope() -> None:
    found = list(operations())
    assert len(found) >= 14
    for view, method, operation in found:
        assert operation["x-required-scope"] == view.scopes[method]
        assert f"`{view.scopes[method]}`" in operation["description"]
        assert {"400", "401", "403", "429", "503"} <= set(operation["responses"])


def test_view_without_a_scope_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="Open names no scope for get"):

        class Open(KeyView):
            def get(self) -> None: ...


class TestRefusals:
    @pytest.fixture
    def client(self) -> Client:
        return Client(headers={"Authorization": f"Api-Key {issue_buyer_key(BuyerFactory())}"})

    def fields(self, client: Client, query: str, *, url: str = LEDGER) -> Any:
        answer = client.get(url + query)
        assert answer.status_code == 400, answer.content
        assert answer.json()["error"]["code"] == "validation_failed"
        return answer.json()["error"]["fields"]

    def test_unknown_parameter_is_named_with_the_known_ones(self, client: Client) -> None:
        """A misspelled filter would show every row."""
        assert self.fields(client, "?kinds=charge&limit=1") == {
            "kinds": [
                {
                    "code": "unknown_parameter",
                    "message": "is not a known parameter: this route takes limit, cursor, kind, from, to",
                }
            ]
        }

    def test_route_without_parameters_says_so(self, client: Client) -> None:
        [problem] = self.fields(client, "?day=2026-01-31", url="/api/v1/buyer/wallet/")["day"]
        assert problem["message"] == "is not a known parameter: this route takes none"

    def test_repeated_parameter_is_refused(self, client: Client) -> None:
        assert self.fields(client, "?kind=charge&kind=topup")["kind"][0]["code"] == "repeated"

    @pytest.mark.parametrize("name", ["%01", "a%0Ab", "%3Cscript%3E", "x" * 65, "caf%C3%A9", ""])
    def test_odd_name_is_not_repeated_in_the_answer(self, client: Client, name: str) -> None:
        assert list(self.fields(client, f"?{name}=1")) == ["non_field_errors"]

    def test_head_is_checked_like_get(self, client: Client) -> None:
        assert client.head(f"{LEDGER}?kinds=charge").status_code == 400
        assert client.head(LEDGER).status_code == 200

    def test_unknown_key_learns_nothing(self) -> None:
        assert Client().get(f"{LEDGER}?kinds=charge").status_code == 401
