"""Input that only a program sends: no page of the admin returns 500 to it."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse

from leadswitch.web.request import Utf8Request
from leadswitch.wsgi import application
from routing.models import Workspace
from tests.support.admin_pages import MODELS, build_world
from tests.support.factories import SourceFactory, issue_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator_client(admin_client: Client) -> Client:
    admin_client.raise_request_exception = False
    return admin_client


def list_parameters(model: type) -> Iterator[str]:
    """The parameters that the list's own filters read, and Django's own."""
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="admin")
    page = admin.site._registry[model].get_changelist_instance(request)
    for spec in page.filter_specs:
        yield from (name for name in spec.expected_parameters() if name)
    yield from (
        "q",
        "p",
        "o",
        "e",
        "_to_field",
        "_changelist_filters",
        "older_than",
        "newer_than",
        "id",
        "pk__in",
    )
    yield from (f"{field.name}__gt" for field in model._meta.fields[:3])


def test_no_list_fails_on_a_nul(operator_client: Client) -> None:
    build_world()
    urls = [
        f"{list_of(model)}?{name}=%00" for model in admin.site._registry for name in list_parameters(model)
    ]
    assert len(urls) > 200
    assert {operator_client.get(url).status_code for url in urls} == {400}


@pytest.mark.parametrize("name", ["id__exact", "pk__in", "p", "older_than"])
def test_no_list_fails_on_a_number_beyond_64_bits(operator_client: Client, name: str) -> None:
    build_world()
    urls = [f"{list_of(model)}?{name}={'9' * 40}" for model in MODELS]
    assert [url for url in urls if operator_client.get(url, follow=True).status_code >= 500] == []


def list_of(model: type) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


AUTOCOMPLETE = "/admin/autocomplete/?app_label=distribution&model_name=enrollment&field_name=buyer&term="


@pytest.mark.parametrize(
    "path", [AUTOCOMPLETE + "%00", "/admin/?%00=1", "/admin/routing/lead/%00/change/", "/nowhere/%00"]
)
def test_nul_in_an_address_is_a_bad_request_in_plain_words(operator_client: Client, path: str) -> None:
    answer = operator_client.get(path)
    assert (answer.status_code, answer.templates[0].name) == (400, "400.html")
    assert "a character that cannot be stored" in answer.content.decode()


def test_nul_in_a_form_stores_nothing(operator_client: Client) -> None:
    for fields in ({"slug": "a\0b", "name": "A"}, {"slug": "a", "na\0me": "A"}):
        assert operator_client.post("/admin/routing/workspace/add/", fields).status_code == 400
    file = SimpleUploadedFile("a.csv", b"", content_type="text/csv")
    file._name = "a\0.csv"  # the constructor cleans it
    assert operator_client.post("/admin/routing/workspace/add/", {"slug": "a", "file": file}).status_code in {
        200,
        400,
    }
    assert Workspace.objects.count() == 0


@pytest.mark.usefixtures("operator_client")
def test_nul_in_a_cookie_is_a_bad_request() -> None:
    # A quoted cookie may contain any byte in octal. The session's key is looked up in the database.
    cookie = 'sessionid="a\\000b"'
    assert Client(raise_request_exception=False, HTTP_COOKIE=cookie).get("/admin/").status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/admin/login/", "/api/v1/buyer/returns/", "/nothing"])
def test_answer_to_head_has_no_body(path: str) -> None:
    """A client on the same connection would read it as the answer to its next request."""
    statuses: list[str] = []

    def start_response(status: str, _: Any, __: Any = None) -> Any:
        statuses.append(status)

    bodies = [
        b"".join(application(RequestFactory().generic(method, path).environ, start_response))
        for method in ("GET", "HEAD")
    ]
    assert statuses[0] == statuses[1]
    assert (bool(bodies[0]), bodies[1]) == (True, b"")


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-16", "hex", "rot13", "idna"])
def test_form_is_read_as_utf8_for_any_charset(charset: str) -> None:
    sent = b"username=%5Cud800%5C0&password=none"
    environ = {
        **RequestFactory().post("/admin/login/?next=%5Cud800%5C0").environ,
        "CONTENT_TYPE": f"application/x-www-form-urlencoded; charset={charset}",
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.input": BytesIO(sent),
    }
    request = Utf8Request(environ)
    assert (request.GET["next"], request.POST["username"]) == ("\\ud800\\0", "\\ud800\\0")
    assert application.request_class is Utf8Request


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b"])
def test_content_type_with_an_unknown_encoding_counts_as_none(content_type: str) -> None:
    """Django refuses the RFC 2231 parameter before there is a request to answer."""
    headers = {"HTTP_AUTHORIZATION": f"Api-Key {issue_key(SourceFactory.create())}"}
    environ = {
        **RequestFactory().post("/api/v1/leads/", b"{}", content_type="application/json", **headers).environ,
        "CONTENT_TYPE": f"{content_type}; x*=none''a",
    }
    answer = application.get_response(Utf8Request(environ))
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (
        415,
        "unsupported_media_type",
    )


def test_api_answers_in_its_error_shape(client: Client) -> None:
    headers = {"Authorization": f"Api-Key {issue_key(SourceFactory.create())}"}
    answer = client.get("/api/v1/leads/?status=%00", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert "a character that cannot be stored" in answer.json()["error"]["message"]
