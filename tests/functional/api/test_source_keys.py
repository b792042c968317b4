"""Keys of sources in the admin: a new key's scopes, who may grant the trace, and the audit of a change."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from routing.models import Source, SourceKey
from tests.support.admin_pages import client_of, form_of, page, person
from tests.support.factories import LeadFactory, SourceFactory, issue_key
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    made: Source = SourceFactory()
    return made


@pytest.fixture
def client(source: Source) -> Client:
    return client_of(person("operator", source.workspace))


def add(client: Client, source: Source, **form: Any) -> str:
    """Returns the key as the page shows it once."""
    shown = client.post(page(SourceKey, "add"), {"name": "web", "source": source.pk, **form}, follow=True)
    [message] = [str(each) for each in shown.context["messages"] if "API key" in str(each)]
    return message.split(" is: ")[1].split(". ")[0]


def status(key: str, path: str) -> int:
    return Client().get(f"/api/v1/leads/{path}", headers={"Authorization": f"Api-Key {key}"}).status_code


def test_new_key_sends_and_reads_leads_but_shows_no_buyer(client: Client, source: Source) -> None:
    ticked = form_of(client, page(SourceKey, "add"))["scopes"]
    assert ticked == ["leads:write", "leads:read"]

    key = add(client, source, scopes=ticked)

    lead = LeadFactory(source=source)
    assert status(key, f"{lead.public_id}/") == 200
    assert status(key, f"{lead.public_id}/trace/") == 403


def test_operator_grants_the_trace_and_the_audit_keeps_it(client: Client, source: Source) -> None:
    text, key = issue_key(source), SourceKey.objects.get()
    lead = LeadFactory(source=source)
    assert status(text, f"{lead.public_id}/trace/") == 403
    url = page(SourceKey, "change", key.pk)
    scopes = ["leads:write", "leads:read", "trace"]

    client.post(url, {**form_of(client, url), "scopes": scopes, "change_reason": "their own dashboard"})

    assert status(text, f"{lead.public_id}/trace/") == 200
    entry = AuditEntry.objects.get(model="routing.sourcekey")
    assert (entry.action, entry.reason, entry.object_id) == ("changed", "their own dashboard", key.pk)
    assert (entry.before, entry.after) == ({"scopes": ["leads:write", "leads:read"]}, {"scopes": scopes})


def test_last_scope_of_a_key_cannot_be_removed(client: Client, source: Source) -> None:
    issue_key(source)
    key = SourceKey.objects.get()
    url = page(SourceKey, "change", key.pk)
    refused = client.post(url, {**form_of(client, url), "scopes": []})
    assert "scopes" in refused.context["adminform"].form.errors


def test_viewer_grants_nothing(source: Source) -> None:
    issue_key(source)
    key = SourceKey.objects.get()
    viewer = client_of(person("viewer", source.workspace))
    assert viewer.post(page(SourceKey, "change", key.pk), {"scopes": ["trace"]}).status_code == 403


def test_no_page_and_no_entry_shows_the_hash(source: Source) -> None:
    client = client_of(User.objects.create_superuser("root"))
    text = add(client, source, scopes=["leads:read"])
    key = SourceKey.objects.get()
    assert key.hashed_key.split("$")[-1] not in key.pk

    texts = [
        client.get(page(SourceKey, name, *args)).content.decode()
        for name, args in (
            ("changelist", ()),
            ("change", (key.pk,)),
            ("history", (key.pk,)),
            ("delete", (key.pk,)),
        )
    ]
    [entry] = AuditEntry.objects.values()
    assert entry["after"]["hashed_key"] == "changed"
    for shown in (*texts, str(entry)):
        assert key.hashed_key.split("$")[-1] not in shown
        assert text not in shown
