"""The pages of the part: Health for each window and kind of user, and its card on the home page."""

from collections.abc import Iterator
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadswitch.levels.health_page.card import read_health_card
from leadswitch.levels.health_page.window import WINDOWS
from routing.models import Membership, Workspace
from tests.bench.scale.targets import HEALTH, Target, get_page

# An operator of half of the largest workspaces: their hours are added up, and not read from the totals.
OPERATED: Final = 50


def list_health_pages(host: str) -> Iterator[Target]:
    root, _ = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    workspaces = list(Workspace.objects.order_by("pk")[:OPERATED])
    operator = _make_operator(workspaces)
    clients = {user: _client_of(user, host) for user in (root, operator)}
    kinds: tuple[tuple[str, User, dict[str, Any]], ...] = (
        ("all workspaces", root, {}),
        ("the busiest workspace", root, {"workspace": workspaces[0].pk}),
        (f"an operator of {len(workspaces)} workspaces", operator, {}),
    )
    for who, user, query in kinds:
        for window, (label, *_) in WINDOWS.items():
            yield _page(f"{label}, {who}", clients[user], reverse("admin:health"), window=window, **query)
    yield _page("home page with the card", clients[root], reverse("admin:index"))
    ids = [each.pk for each in workspaces]
    yield Target(HEALTH, "the card alone, all workspaces", lambda: _show_card(None))
    yield Target(HEALTH, f"the card alone, {len(ids)} workspaces", lambda: _show_card(ids))


def _make_operator(workspaces: list[Workspace]) -> User:
    user, _ = User.objects.get_or_create(username="bench-operator", is_staff=True)
    user.groups.set([Group.objects.get(name="operator")])
    Membership.objects.bulk_create(
        [Membership(user=user, workspace=each) for each in workspaces], ignore_conflicts=True
    )
    return user


def _client_of(user: User, host: str) -> Client:
    client = Client(SERVER_NAME=host)
    client.force_login(user)
    return client


def _page(name: str, client: Client, path: str, **query: Any) -> Target:
    return Target(HEALTH, name, lambda: _open(client, path, query))


def _open(client: Client, path: str, query: dict[str, Any]) -> None:
    get_page(client, path, query)


def _show_card(ids: list[int] | None) -> None:
    card = read_health_card(ids, at=timezone.now())
    render_to_string("admin/leadswitch/health_card.html", {"card": card})
