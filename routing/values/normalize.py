"""Normalizes single fields of a lead.

Each function takes the raw value, returns the normalized value or None for blank, and raises FieldError. Messages give
the problem and the fix. They never repeat the value, because they appear in logs and reports.
"""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

import phonenumbers

from routing.places.states import find_state
from routing.places.zips import find_place, list_states, list_states_of_prefix
from routing.values.domains import encode_domain, show_domain
from routing.values.wide_number import WideNumber

MAX_NAME = 100
MAX_EMAIL = 254
MAX_PHONE = 60
MAX_POSTAL_CODE = 20
MAX_VERTICAL = 50

ZIP_CODE = re.compile(r"([0-9]{5})(?:[- ]?[0-9]{4})?")
VERTICAL = re.compile(r"[a-z0-9_]{1,50}")
VERTICAL_SEPARATORS = re.compile(r"[\s-]+")
EMAIL_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
CANADIAN_CODE = re.compile(
    r"([ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z])[ -]?([0-9][ABCEGHJ-NPRSTV-Z][0-9])", re.IGNORECASE
)
BRITISH_CODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?) ?([0-9][A-Z]{2})", re.IGNORECASE)
NORTH_AMERICA, MEXICO, ARGENTINA = 1, 52, 54
# Area code, exchange and line. Never assigned are area codes N9X, N11, 37X, 96X and 555, and exchanges N11 and 555.
ASSIGNABLE = re.compile(r"(?!.11|.9|37|96|555)[2-9][0-8][0-9](?!.11|555)[2-9][0-9]{6}")
# Dialed before a Mexican number until 2019: 1 from abroad, 044 and 045 for mobiles, 01 for long distance.
MEXICAN_PREFIX = re.compile(r"(?:1|01|044|045)([2-9][0-9]{9})")
MAX_EXTENSION = 15
COUNTRY_ALIASES = {
    **dict.fromkeys(("USA", "U.S.", "U.S.A.", "UNITED STATES", "UNITED STATES OF AMERICA", "AMERICA"), "US"),
    **dict.fromkeys(
        ("UK", "U.K.", "GBR", "UNITED KINGDOM", "GREAT BRITAIN", "ENGLAND", "SCOTLAND", "WALES"), "GB"
    ),
    **dict.fromkeys(("CAN", "CANADA"), "CA"),
    **dict.fromkeys(("MEX", "MEXICO", "MÉXICO"), "MX"),
    **dict.fromkeys(("DEU", "GERMANY", "DEUTSCHLAND"), "DE"),
    **dict.fromkeys(("FRA", "FRANCE"), "FR"),
    **dict.fromkeys(("ESP", "SPAIN", "ESPAÑA"), "ES"),
    **dict.fromkeys(("ITA", "ITALY", "ITALIA"), "IT"),
    **dict.fromkeys(("AUS", "AUSTRALIA"), "AU"),
    **dict.fromkeys(("NZL", "NEW ZEALAND"), "NZ"),
    **dict.fromkeys(("IRL", "IRELAND"), "IE"),
    **dict.fromkeys(("IND", "INDIA"), "IN"),
    **dict.fromkeys(("BRA", "BRAZIL", "BRASIL"), "BR"),
    **dict.fromkeys(("ARG", "ARGENTINA"), "AR"),
    **dict.fromkeys(("PUERTO RICO",), "PR"),
}

# Control characters are removed; separators become a space. Zero-width and bidirectional characters are also removed,
# because they make one text look like another. Joiners (U+200C, U+200D) stay: Persian and Indic names need them.
_REMOVED = [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF]
_REMOVED += [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SEPARATORS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
CHARACTER_FIXES: dict[int, str | None] = dict.fromkeys(_REMOVED) | dict.fromkeys(map(ord, _SEPARATORS), " ")
BLOCK_FIXES = CHARACTER_FIXES | {ord("\n"): "\n"}


class FieldError(ValueError):
    """One field is invalid. `code` is for programs; `message` gives the problem and the fix."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def normalize_text(value: object, *, max_length: int) -> str | None:
    """Return one line: NFC, runs of whitespace as one space, no control characters. Raises FieldError."""
    text = _require_text(value)
    # Fast path for nearly every value: printable ASCII is in NFC and has no control characters.
    if not (text.isascii() and text.isprintable()):
        text = _fix_characters(text, fixes=CHARACTER_FIXES)
    return _limit(" ".join(text.split()), max_length=max_length)


def normalize_block(value: object, *, max_length: int) -> str | None:
    """Multiline text: like normalize_text, but keeps line breaks and the spaces within lines."""
    text = _require_text(value).replace("\r\n", "\n").replace("\r", "\n")
    return _limit(_fix_characters(text, fixes=BLOCK_FIXES).strip(), max_length=max_length)


def normalize_name(value: object) -> str | None:
    return normalize_text(value, max_length=MAX_NAME)


class Phone(NamedTuple):
    """`number` is in E.164; `extension` is digits or blank. `is_known` is False for an unknown area code."""

    number: str
    extension: str
    is_known: bool = True


def read_phone(value: object, *, region: str = "US") -> Phone | None:
    """`region` is the country of a number without a country code."""
    text = normalize_text(value, max_length=MAX_PHONE)
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise FieldError("invalid", "is not a phone number: write it like +1 404 881 2345") from None
    extension = str(number.extension or "")[:MAX_EXTENSION]
    _take_off_old_prefix(number)
    is_known = phonenumbers.is_valid_number(number)
    if not is_known and not _has_new_area_code(number):
        raise FieldError(
            "invalid", "is not a valid number: check the digits and the country code (+1 for the US)"
        )
    return Phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), extension, is_known)


def _has_new_area_code(number: phonenumbers.PhoneNumber) -> bool:
    """True if the numbering plan allows the area code but the tables lack it: it may be newer than they are."""
    national = phonenumbers.national_significant_number(number)
    if number.country_code != NORTH_AMERICA or not ASSIGNABLE.fullmatch(national):
        return False
    return len(set(national)) > 2 and not _is_in_use(national[:3])


@cache
def _is_in_use(area_code: str) -> bool:
    """True if the tables have this area code. Then the rest of the number is wrong."""
    samples = (f"{area_code}{exchange}2368" for exchange in ("234", "345", "456", "678", "789", "881"))
    return any(
        phonenumbers.is_valid_number(phonenumbers.PhoneNumber(NORTH_AMERICA, int(each))) for each in samples
    )


def normalize_phone(value: object, *, region: str = "US") -> str | None:
    """E.164 without the extension, for identity."""
    phone = read_phone(value, region=region)
    return phone.number if phone else None


def _take_off_old_prefix(number: phonenumbers.PhoneNumber) -> None:
    if number.country_code != MEXICO or phonenumbers.is_valid_number(number):
        return
    national = phonenumbers.national_significant_number(number)
    if matched := MEXICAN_PREFIX.fullmatch(national):
        number.national_number = int(matched[1])
        number.italian_leading_zero, number.number_of_leading_zeros = None, None


def unify_phone(number: str) -> str:
    """Unify both ways to dial a line: Mexican and Argentine mobile numbers may have an extra digit."""
    if number.startswith(f"+{MEXICO}1") and len(number) == 14:
        return f"+{MEXICO}{number[4:]}"
    if number.startswith(f"+{ARGENTINA}9") and len(number) == 14:
        return f"+{ARGENTINA}{number[4:]}"
    return number


def normalize_extension(value: object) -> str | None:
    text = normalize_text(value, max_length=MAX_PHONE)
    digits = re.sub(r"[^0-9]", "", text or "")
    if text and not 0 < len(digits) <= MAX_EXTENSION:
        raise FieldError("invalid", f"must be at most {MAX_EXTENSION} digits, like 104")
    return digits or None


def normalize_email(value: object) -> str | None:
    """Lowercases the whole address: in theory local parts are case-sensitive, but no host in use treats them so.

    The domain is in its readable form; unify_email returns the form to compare.
    """
    text = normalize_text(value, max_length=MAX_EMAIL)
    if text is None:
        return None
    local, at_sign, domain = text.lower().rpartition("@")
    if not at_sign or not local or not domain:
        raise FieldError("invalid", "is not an email address: write it like name@example.com")
    if len(local) > 64 or not EMAIL_LOCAL.fullmatch(local):
        raise FieldError(
            "invalid", "has characters before the @ that are not allowed: use letters, digits and . _ + -"
        )
    ascii_form = encode_domain(domain)
    if ascii_form is None:
        raise FieldError("invalid", "has no valid domain after the @: write it like name@example.com")
    shown = f"{local}@{show_domain(ascii_form)}"
    return shown if len(shown) <= MAX_EMAIL else f"{local}@{ascii_form}"


def unify_email(email: str) -> str:
    """Unify both ways to write an internationalized domain. `email` must come from normalize_email."""
    if email.isascii():
        return email
    local, _, domain = email.rpartition("@")
    return f"{local}@{encode_domain(domain) or domain}"


def normalize_zip(value: object, *, country: str = "US") -> str | None:
    """Five digits of a US ZIP code (ZIP+4 is shortened); elsewhere a postal code in its country's format.

    A ZIP code that is not in the tables may be new. It is accepted if known ones start with the same three digits.
    """
    text = normalize_text(value, max_length=MAX_POSTAL_CODE)
    if text is None:
        return None
    if country == "CA":
        return _normalize_canadian(text)
    if country != "US":
        matched = BRITISH_CODE.fullmatch(text) if country == "GB" else None
        return f"{matched[1]} {matched[2]}".upper() if matched else text.upper()
    matched = ZIP_CODE.fullmatch(text)
    if not matched:
        raise FieldError("invalid", "is not a ZIP code: write five digits, like 30312 or 30312-1234")
    if find_place(matched[1]) is None and not list_states_of_prefix(matched[1][:3]):
        raise FieldError("unknown", "is not a ZIP code in use: check the digits")
    return matched[1]


def _normalize_canadian(text: str) -> str:
    matched = CANADIAN_CODE.fullmatch(text)
    if not matched:
        raise FieldError("invalid", "is not a Canadian postal code: write it like K1A 0B1")
    return f"{matched[1]} {matched[2]}".upper()


def normalize_state(value: object, *, country: str = "US") -> str | None:
    text = normalize_text(value, max_length=50)
    if text is None:
        return None
    code = text.upper()
    if country == "CA":
        return find_state(text, country=country) or code
    if country == "US" and code not in list_states():
        raise FieldError("unknown", "is not a US state: use the two-letter code, like GA")
    return code


def normalize_country(value: object) -> str | None:
    text = normalize_text(value, max_length=50)
    if text is None:
        return None
    code = COUNTRY_ALIASES.get(text.upper(), text.upper())
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise FieldError("unknown", "is not a country code: use the two-letter ISO 3166 code, like US")
    return code


def normalize_vertical(value: object) -> str | None:
    text = normalize_text(value, max_length=200)
    if text is None:
        return None
    slug = VERTICAL_SEPARATORS.sub("_", text.lower())
    if not VERTICAL.fullmatch(slug):
        raise FieldError("invalid", f"must be at most {MAX_VERTICAL} letters, digits and _, like home_solar")
    return slug


def _require_text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, WideNumber):
        raise FieldError("invalid_type", "must be text: put it in quotes")
    return value


def _fix_characters(text: str, *, fixes: dict[int, str | None]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FieldError("invalid_characters", "has half a surrogate pair: send it as valid UTF-8") from None
    # Remove first: a removed character between a letter and its accent must not keep NFC from joining them.
    return unicodedata.normalize("NFC", text.translate(fixes))


def _limit(text: str, *, max_length: int) -> str | None:
    if len(text) > max_length:
        raise FieldError("too_long", f"is longer than {max_length} characters: shorten it")
    return text or None
