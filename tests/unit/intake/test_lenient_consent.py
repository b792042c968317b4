"""Consent and its certificates in a lead that is read leniently."""

from typing import Any

import pytest

from routing.intake.condition_fields import condition_fields
from tests.support.lenient import MINIMAL, corrections_of, parse


@pytest.mark.parametrize("text", ['{"given_at": "2026-01-31T12:00:00Z"}', '{"token": "x"}'])
def test_consent_as_text_is_read(text: str) -> None:
    assert condition_fields(parse({**MINIMAL, "consent": text}), source="x")["consent"] is True


@pytest.mark.parametrize("text", ["{", "[1]", "{" * 5_000, "yes"])
def test_text_that_is_no_object_is_no_consent(text: str) -> None:
    lead = parse({**MINIMAL, "consent": text})
    assert (lead.consent, lead.attributes) == (None, {"consent": text[:1_000]})


def test_certificates_of_consent_are_recognized() -> None:
    certificate = "https://cert.trustedform.com/0123456789abcdef0123456789abcdef01234567"
    lead = parse(
        {
            **MINIMAL,
            "xxTrustedFormCertUrl": certificate,
            "universal_leadid": "01234567-89AB-CDEF-0123-456789ABCDEF",
            "ip_address": "203.0.113.7",
            "landing_page": "https://example.com/roof",
            "tcpa_text": "I agree",
        }
    )
    assert lead.consent is not None
    assert (lead.consent.token, lead.consent.ip) == (certificate, "203.0.113.7")
    assert (lead.consent.url, lead.consent.text) == ("https://example.com/roof", "I agree")
    assert lead.consent.given_at is None
    assert lead.attributes == {"universal_leadid": "01234567-89AB-CDEF-0123-456789ABCDEF"}
    assert condition_fields(lead, source="x")["consent"] is True


@pytest.mark.parametrize(
    "fields",
    [
        {"xxTrustedFormCertUrl": "https://cert.trustedform.com.evil.example/x"},
        {"xxTrustedFormCertUrl": "x"},
        {"universal_leadid": "no"},
        {"consent": "yes"},
        {"consent": True},
        {"consent": {"text": "I agree"}},
        {"consent": {"given_at": "yesterday"}},
        {"consent": {"given_at": "2027-01-01T00:00:00Z"}},
        {"ip": "203.0.113.7"},
    ],
)
def test_consent_without_proof_is_refused(fields: dict[str, Any]) -> None:
    lead = parse({**MINIMAL, **fields})
    assert condition_fields(lead, source="x")["consent"] is False
    assert lead.corrections


def test_unknown_keys_of_consent_are_bounded() -> None:
    """Keys without an ASCII letter get one name and a number each, chosen after those before."""
    consent = {chr(0x4E00 + number): "yes" for number in range(20_000)}
    lead = parse({**MINIMAL, "consent": consent})
    assert len(lead.attributes) == 100
    assert ("consent", "dropped", None) in corrections_of(lead)
    assert [each.message for each in lead.corrections if each.code == "dropped"] == [
        "has more than 200 unknown fields: the extra fields were left out",
        "has more than 100 keys: the extra keys were left out",
    ]


def test_key_of_consent_does_not_take_the_name_of_another() -> None:
    lead = parse({**MINIMAL, "attributes": {"consent_x": 1}, "consent": {"x": 2, "x_2": 3}})
    assert sorted(lead.attributes.values()) == [1, 2, 3]
