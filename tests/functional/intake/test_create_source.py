"""The first step of an installation: a workspace, a source and its key."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from routing.models import Lead, Source, SourceKey, Workspace

pytestmark = pytest.mark.django_db


def run(**options: Any) -> str:
    out = io.StringIO()
    call_command("create_source", stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def test_key_works_at_once_and_is_not_stored() -> None:
    """Shown once, stored as a hash."""
    key = run(workspace="acme", name="web-form", vertical="Home Solar", create_workspace=True).strip()
    client = Client(headers={"Authorization": f"Api-Key {key}"})
    lead = {"zip": "30312", "email": "ada@example.com"}
    assert client.post("/api/v1/leads/", lead, content_type="application/json").status_code == 201
    assert Lead.objects.get().vertical == "home_solar"
    assert Source.objects.get().workspace.slug == "acme"
    assert key.partition(".")[2] not in str(SourceKey.objects.values().get())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"workspace": "acme"},
            "there is no workspace 'acme'; none exists yet; --create-workspace creates it",
        ),
        ({"workspace": "not a slug", "create_workspace": True}, "the workspace 'not a slug'"),
        ({"workspace": "acme", "create_workspace": True, "name": "two words"}, "the source 'two words'"),
        ({"workspace": "acme", "create_workspace": True, "vertical": "!!"}, "the vertical must be"),
    ],
)
def test_wrong_options_leave_nothing_behind(options: dict[str, Any], says: str) -> None:
    with pytest.raises(CommandError, match=says) as caught:
        run(**{"name": "web-form", **options})
    assert caught.value.returncode == 2
    assert (Workspace.objects.count(), Source.objects.count(), SourceKey.objects.count()) == (0, 0, 0)


def test_source_is_created_once() -> None:
    run(workspace="acme", name="web-form", create_workspace=True)
    with pytest.raises(CommandError, match="the source 'web-form'"):
        run(workspace="acme", name="web-form")
    assert SourceKey.objects.count() == 1
