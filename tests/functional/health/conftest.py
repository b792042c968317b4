"""Two workspaces with attempts and leads, and a user who sees both."""

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from routing.models import Workspace


@pytest.fixture
def root(ann: Client) -> Client:
    return ann


@pytest.fixture
def workspaces(committed_db: None, redis_client: None) -> "list[Workspace]":  # noqa: ARG001
    from tests.support.health_page import fill_workspaces  # models load after Django is set up

    return fill_workspaces()
