"""A world with real sales."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.functional.verify.world import World


@pytest.fixture
def world(committed_db: None) -> "World":  # noqa: ARG001
    from tests.functional.verify.world import build_world  # models load after Django is set up

    return build_world()
