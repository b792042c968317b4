"""What the portal says about stops and states: nothing is left out, and every link leads to a page."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from distribution.explain.enrollment import SENTENCES, StopCode
from distribution.models import AssignmentState, DeliveryState, ReturnState
from distribution.portal import wording
from distribution.selfservice.remedies import REMEDIES
from tracing.skip_reasons import SKIP_REASONS, Fixer

NAMES = re.compile(r"{(\w+)}")


@pytest.mark.parametrize("code", StopCode)
def test_each_stop_has_words_for_operators_and_buyers(code: StopCode) -> None:
    """The buyer's sentence needs no value that the operator's does not have."""
    words = wording.STOPS[code]
    assert set(NAMES.findall(words.sentence)) <= set(NAMES.findall(SENTENCES[code]))
    assert words.sentence.endswith(".")
    assert bool(words.page) == bool(words.link)


def test_links_lead_to_pages() -> None:
    pages = {words.page for words in wording.STOPS.values() if words.page}
    pages |= {page for page, _ in wording.LINKS.values()}
    for page in pages:
        arguments = [uuid4()] if page in wording.OF_CAMPAIGN else []
        assert reverse(page, args=arguments).startswith("/portal/")
    assert set(wording.LINKS) <= set(SKIP_REASONS)
    assert set(wording.LINKS) == {*REMEDIES, *wording.BY_PAYING}


def test_each_state_has_words() -> None:
    assert set(wording.ASSIGNMENT_STATES) == set(AssignmentState)
    assert set(wording.DELIVERY_STATES) == set(DeliveryState)
    assert set(wording.RETURN_STATES) == set(ReturnState)
    assert set(wording.FIXERS) == set(Fixer)
