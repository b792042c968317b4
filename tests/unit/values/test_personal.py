"""Attributes with personal data are recognized by their names and by their values."""

import pytest

from routing.values.personal import HIDDEN, explain_personal, hide_personal, is_personal_name

PERSONAL = (
    "email contact_email email_address emailAddress email2 phone phone2 phone_number mobile cell_phone"
    " homePhone fax first_name firstName last_name full_name name owner_name contact.name street"
    " street_address address address_line_1 mailing_address ssn dob date_of_birth birthday ip ip_address"
    " emails email_addresses addresses phones fname lname social_security_number social_security"
    " drivers_license_number driver_license credit_card_number bank_account"
)
PLAIN = (
    "roof_age property_type mobile_home company_name product_name campaign_name utm_campaign has_email"
    " email_opt_in email_verified phone_type wants_phone_call address.city state zip_age company.name"
    " birth_year industry revenue is_mobile cellular_coverage shipping"
    " home_security contractor_license discount_card account"
)


@pytest.mark.parametrize("name", PERSONAL.split())
def test_personal_name_is_recognized(name: str) -> None:
    assert is_personal_name(f"attributes.{name}")
    assert f"attributes.{name} is personal data" in (explain_personal(f"attributes.{name}") or "")


@pytest.mark.parametrize("name", PLAIN.split())
def test_other_name_is_allowed(name: str) -> None:
    assert explain_personal(f"attributes.{name}") is None


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("attributes.contact_email", "ada@example.com", HIDDEN),
        ("attributes.full_name", "Ada Lovelace", HIDDEN),
        ("attributes.phone2", 4048812345, HIDDEN),
        ("attributes.note", "call (404) 881-2345", HIDDEN),
        ("attributes.note", "write to ada@example.com", HIDDEN),
        ("attributes.note", "+44 20 7946 0958", HIDDEN),
        ("attributes.tags", ["a", "ada@example.com"], ["a", HIDDEN]),
        ("attributes.roof_age", 12, 12),
        ("attributes.note", "2026-11-28 12:00", "2026-11-28 12:00"),
        ("attributes.order", "12345678901234", "12345678901234"),
        ("attributes.email", True, True),
        ("zip", "30312", "30312"),
    ],
)
def test_personal_values_are_hidden(field: str, value: object, shown: object) -> None:
    assert hide_personal(field, value) == shown
