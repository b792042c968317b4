"""Answers of a buyer in several campaigns: corrected if all of them read the answer alike."""

from distribution.configuration.rewriting import rewrite_answers

STATES = {"key": "where", "field": "state", "op": "in"}
VERTICALS = {"key": "where", "field": "vertical", "op": "in"}


def test_answer_is_corrected_for_campaigns_that_agree() -> None:
    answers, rewrites = rewrite_answers({"where": ["Georgia", "AL"]}, questions=[STATES, {**STATES}])
    assert answers == {"where": ["GA", "AL"]}
    assert [str(each) for each in rewrites] == ["where[0]: 'Georgia' is saved as 'GA'"]


def test_answer_is_unchanged_if_another_campaign_reads_it_differently() -> None:
    assert rewrite_answers({"where": ["GA"]}, questions=[STATES, VERTICALS]) == ({"where": ["GA"]}, [])
