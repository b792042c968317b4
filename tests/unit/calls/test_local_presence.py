"""How near a channel's number looks."""

import pytest

from distribution.calls.hours.presence import Presence, is_local, rank_presence


@pytest.mark.parametrize(
    ("area_code", "state", "local"),
    [
        ("404", "GA", True),
        ("912", "GA", True),
        ("205", "GA", False),
        ("416", "ON", False),
        ("800", "GA", False),
        ("787", "PR", True),
    ],
)
def test_area_code_is_local_in_its_own_state(*, area_code: str, state: str, local: bool) -> None:
    assert is_local(area_code, state=state) is local


@pytest.mark.parametrize(
    ("area_codes", "presence"),
    [
        (["206", "404"], Presence.SAME_AREA_CODE),
        (["206", "912"], Presence.SAME_STATE),
        (["206"], Presence.NONE),
        ([], Presence.NONE),
        (["800"], Presence.NONE),
    ],
)
def test_best_area_code_of_a_channel_counts(area_codes: list[str], presence: Presence) -> None:
    assert rank_presence(area_codes, lead_area_code="404", lead_states={"GA"}) is presence


def test_moved_lead_is_local_in_the_state_of_its_zip_code_too() -> None:
    assert rank_presence(["912"], lead_area_code="206", lead_states=("GA", "WA")) is Presence.SAME_STATE


def test_lead_without_area_code_has_no_presence() -> None:
    assert rank_presence(["404"], lead_area_code=None, lead_states=()) is Presence.NONE


def test_same_area_code_sorts_first() -> None:
    assert sorted([Presence.NONE, Presence.SAME_AREA_CODE, Presence.SAME_STATE]) == [*Presence]
