"""Two superusers of the admin, and the mail server of the product."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.support.mail_server import Mailbox, mail_server


def superuser(name: str) -> Client:
    from django.contrib.auth.models import User  # loads tables, and this file is loaded before the apps are

    from tests.support.admin_pages import client_of

    return client_of(User.objects.create_superuser(name))


@pytest.fixture
def ann() -> Client:
    return superuser("ann")


@pytest.fixture
def ben() -> Client:
    return superuser("ben")


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """What the mail server of the product has taken."""
    box = Mailbox()
    with mail_server(box) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.LEADSWITCH_BASE_URL = "https://leads.example.com"
        yield box


@pytest.fixture
def allowed_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forms and test leads may reach servers of this machine."""
    from distribution.deliveries import checking, sample
    from distribution.deliveries.bidding import sample as test_pings
    from tests.support.delivering import local_client

    client = local_client()
    for module in (checking, sample, test_pings):
        monkeypatch.setattr(module, "get_client", lambda: client)
    yield
    client.close()
