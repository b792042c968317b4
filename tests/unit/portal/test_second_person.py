"""A buyer reads about itself in the second person, in the words of its filter."""

import pytest

from distribution.explain.missed_rows import MISSED_REASONS
from distribution.portal.missed_words import GROUPS, list_groups
from distribution.portal.second_person import address
from tracing.skip_reasons import SKIP_REASONS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "its claim came 85 ms after other buyers had claimed the lead.",
            "your claim came 85 ms after other buyers had claimed the lead.",
        ),
        ("Its balance is too low", "Your balance is too low"),
        (
            "outside its service area: it covers GA; the lead is in 75201, 3 miles beyond the edge",
            "outside your service area: you cover GA; the lead is in 75201, 3 miles beyond the edge",
        ),
        (
            "outside its hours: closed all Monday; it was Monday 08:00 in UTC",
            "outside your hours: closed all Monday; it was Monday 08:00 in UTC",
        ),
        (
            'its answer to "Does it cover its roof?" is no, but the lead has no roof age',
            'your answer to "Does it cover its roof?" is no, but the lead has no roof age',
        ),
        ('it answered "its roof"', 'your system answered "its roof"'),
        ("it is paused: it paused itself until noon", "you are paused: you paused yourself until noon"),
        ("wait until the pause ends, or resume the buyer", "wait until the pause ends, or resume"),
        (
            "it was no longer enrolled when it claimed the lead",
            "you were no longer enrolled when you claimed the lead",
        ),
        ("it was shown the lead and did not claim it", "you were shown the lead and did not claim it"),
        ("it made no bid", "you made no bid"),
        (
            SKIP_REASONS["offer_withdrawn"].clause,
            "the offer ended without a decision: the lead ended in another way, was moved or had to wait, or the"
            " campaign was turned off",
        ),
        (
            "it was not in the auction: it was skipped, or not enrolled yet, when that opened",
            "you were not in the auction: you were skipped, or not enrolled yet, when that opened",
        ),
    ],
)
def test_sentence_speaks_to_the_buyer(text: str, said: str) -> None:
    assert address(text) == said


def test_every_clause_of_a_missed_lead_speaks_to_the_buyer() -> None:
    said = {code: address(SKIP_REASONS[code].clause) for code in MISSED_REASONS}
    assert [code for code, text in said.items() if text.startswith(("it ", "its ")) or " its " in text] == []


def test_every_reason_has_words_of_its_own_and_one_group() -> None:
    codes = [code for group in GROUPS.values() for code in group]
    assert sorted(codes) == MISSED_REASONS
    words = [text for group in GROUPS.values() for text in group.values()]
    assert len(set(words)) == len(words)


def test_filter_lists_only_what_occurs() -> None:
    assert list_groups({"claim_lost", "outside_buyer_hours", ""}) == [
        ("Your settings", [("outside_buyer_hours", "Outside your hours")]),
        ("Offers", [("claim_lost", "Another buyer claimed it first")]),
    ]
