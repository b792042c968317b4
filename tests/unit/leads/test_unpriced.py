"""A source reads why its ping got no price, and what it can change. Nothing about buyers, and of partners nothing."""

from typing import Any

from routing.leads.unpriced import NoPrice, explain_no_price
from tracing.skip_reasons import SKIP_REASONS, Level

OUT_OF_AREA = {"gate": "outside_service_area"}
TOO_YOUNG = {
    "gate": "lead_filter_rejected",
    "failures": [{"field": "attributes.roof_age", "observed": 3}],
}


def explain(reason: str, *gates: Any, is_elsewhere: bool = False) -> NoPrice:
    return explain_no_price(reason, gates=gates, zip_code="30312", is_elsewhere=is_elsewhere)


def test_area_without_buyers_is_named() -> None:
    found = explain("no_eligible_buyers", [OUT_OF_AREA], [OUT_OF_AREA, TOO_YOUNG])

    assert (found.sentence, found.fixer) == ("No buyer takes leads from 30312.", "sender")


def test_value_that_fails_is_not_named() -> None:
    """The filter of a buyer is confidential."""
    found = explain("no_eligible_buyers_after_tier_filters", [TOO_YOUNG])

    assert found == NoPrice(
        "no_eligible_buyers_after_tier_filters",
        "No buyer could take this lead.",
        "Ask the operator. The lead itself does not have to change.",
        "operator",
    )


def test_reason_of_a_partner_is_hidden() -> None:
    found = explain("all_buyers_capped", [OUT_OF_AREA], is_elsewhere=True)

    assert found == NoPrice(
        None, "The lead was sent to a partner.", "Nothing. The partner decides.", "nobody"
    )


def test_missing_contract_of_the_source_is_no_secret_of_a_partner() -> None:
    assert explain("no_contract", is_elsewhere=True).reason == "no_contract"


def test_every_reason_of_a_lead_has_words() -> None:
    for code, reason in SKIP_REASONS.items():
        if Level.LEAD in reason.levels:
            found = explain(code)
            assert found.reason == code
            assert found.sentence
            assert found.change
