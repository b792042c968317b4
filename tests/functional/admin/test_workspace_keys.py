"""The pages of workspace keys: admins issue a key once and revoke it for good. The others may only look."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.test import Client

from distribution.models import WorkspaceKey
from routing.models import Workspace
from tests.support.admin_pages import SCOPED_ROLES, client_of, form_of, page, person
from tests.support.factories import WorkspaceFactory, issue_workspace_key
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
RETURNS = "/api/v1/workspace/returns/"


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = WorkspaceFactory(name="Peachtree Leads")
    return made


@pytest.fixture
def admin() -> Client:
    user = User.objects.create_user("ann", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    return client_of(user)


def new_key(workspace: Workspace, *scopes: str) -> dict[str, Any]:
    return {"name": "returns desk", "workspace": workspace.pk, "scopes": scopes, "change_reason": "pilot"}


def status(text: str) -> int:
    return Client().get(RETURNS, headers={"Authorization": f"Api-Key {text}"}).status_code


def test_key_is_shown_once_and_works(admin: Client, workspace: Workspace) -> None:
    answer = admin.post(page(WorkspaceKey, "add"), new_key(workspace, "returns:read"))

    [message] = [str(each) for each in get_messages(answer.wsgi_request) if "API key" in str(each)]
    found = re.search(r"is: (\S+)\. Please", message)
    assert found is not None
    key = WorkspaceKey.objects.get()
    assert (key.workspace, key.scopes, status(found[1])) == (workspace, ["returns:read"], 200)
    entry = AuditEntry.objects.get(model="distribution.workspacekey")
    assert (entry.actor, entry.action, entry.workspace_id) == ("ann", "added", workspace.pk)
    url = page(WorkspaceKey, "change", key.pk)
    once, later = (admin.get(url).content.decode() for _ in range(2))
    assert (found[1] in once, found[1] in later, key.prefix in later) == (True, False, True)


def test_new_key_reads_unless_more_is_checked(admin: Client) -> None:
    shown = form_of(admin, page(WorkspaceKey, "add"))

    assert shown["scopes"] == ["returns:read", "deliveries:read"]


def test_key_is_revoked_for_good(admin: Client, workspace: Workspace) -> None:
    text = issue_workspace_key(workspace)
    key = WorkspaceKey.objects.get()
    url = page(WorkspaceKey, "change", key.pk)

    admin.post(url, {**form_of(admin, url), "revoked": "on", "change_reason": "leaked"})

    assert status(text) == 401
    assert AuditEntry.objects.get(action="revoked").reason == "leaked"
    admin.post(url, {**form_of(admin, url), "change_reason": "again"})
    assert WorkspaceKey.objects.get().revoked


@pytest.mark.parametrize("role", SCOPED_ROLES)
def test_other_roles_only_look(role: str, workspace: Workspace) -> None:
    """A key may decide about returns and deliveries alike, which none of them may do."""
    issue_workspace_key(workspace)
    key, client = WorkspaceKey.objects.get(), client_of(person(role, workspace))

    assert client.get(page(WorkspaceKey, "changelist")).status_code == 200
    assert client.get(page(WorkspaceKey, "change", key.pk)).status_code == 200
    assert client.post(page(WorkspaceKey, "add"), new_key(workspace, "returns:decide")).status_code == 403
    assert client.post(page(WorkspaceKey, "change", key.pk), {"revoked": "on"}).status_code == 403
    assert WorkspaceKey.objects.count() == 1


def test_list_names_the_workspace_once(admin: Client, workspace: Workspace) -> None:
    issue_workspace_key(workspace)

    columns = admin.get(page(WorkspaceKey, "changelist")).context["cl"].list_display

    assert columns.count("workspace") == 1
