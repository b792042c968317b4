"""Two superusers of the admin."""

import pytest
from django.test import Client


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
