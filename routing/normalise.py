"""Brings single fields of a lead into their one form, or says what is wrong and how to fix it.

Each function takes what came in, returns the value or None for blank, and raises FieldError. Messages never
repeat the value: they end up in logs and reports.
"""

import re
import unicodedata

import phonenumbers

from routing.places import find_place, list_states

MAX_NAME = 100
MAX_EMAIL = 254
MAX_PHONE = 60
MAX_POSTAL_CODE = 20
MAX_VERTICAL = 50

ZIP_CODE = re.compile(r"([0-9]{5})(?:[- ]?[0-9]{4})?")
VERTICAL = re.compile(r"[a-z0-9_]{1,50}")
VERTICAL_SEPARATORS = re.compile(r"[\s-]+")
EMAIL_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,58}[a-z0-9])")
COUNTRY_ALIASES = {"USA": "US", "U.S.": "US", "U.S.A.": "US", "UNITED STATES": "US", "UK": "GB"}

# Control characters go, those that separate become a space. Zero-width and direction-changing ones go also:
# they make one text look like another. Joiners (U+200C, U+200D) stay, Persian and Indic names need them.
_REMOVED = [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF]
_REMOVED += [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_SEPARATORS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
CHARACTER_FIXES: dict[int, str | None] = dict.fromkeys(_REMOVED) | dict.fromkeys(map(ord, _SEPARATORS), " ")
BLOCK_FIXES = CHARACTER_FIXES | {ord("\n"): "\n"}


class FieldError(ValueError):
    """One field is wrong. `code` is for programs, `message` says what is wrong and how to fix it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def normalise_text(value: object, *, max_length: int) -> str | None:
    """One line: NFC, runs of white space as one space, no control characters."""
    text = _require_text(value)
    # Nearly every value takes this way: printable ASCII is in NFC and has no control characters.
    if not (text.isascii() and text.isprintable()):
        text = _fix_characters(text, fixes=CHARACTER_FIXES)
    return _limit(" ".join(text.split()), max_length=max_length)


def normalise_block(value: object, *, max_length: int) -> str | None:
    """Text of several lines: as normalise_text, but line breaks and the spaces within lines stay."""
    text = _require_text(value).replace("\r\n", "\n").replace("\r", "\n")
    return _limit(_fix_characters(text, fixes=BLOCK_FIXES).strip(), max_length=max_length)


def normalise_name(value: object) -> str | None:
    return normalise_text(value, max_length=MAX_NAME)


def normalise_phone(value: object, *, region: str = "US") -> str | None:
    """E.164; `region` is the country of a number without a country code. An extension is dropped."""
    text = normalise_text(value, max_length=MAX_PHONE)
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise FieldError("invalid", "is not a phone number: write it like +1 404 881 2345") from None
    if not phonenumbers.is_valid_number(number):
        raise FieldError(
            "invalid", "is not a number in use: check the digits and the country code (+1 for the US)"
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_email(value: object) -> str | None:
    """Lower-cased as a whole, although a host may tell local parts apart by case: none in use does."""
    text = normalise_text(value, max_length=MAX_EMAIL)
    if text is None:
        return None
    local, at_sign, domain = text.lower().rpartition("@")
    if not at_sign or not local or not domain:
        raise FieldError("invalid", "is not an e-mail address: write it like name@example.com")
    if len(local) > 64 or not EMAIL_LOCAL.fullmatch(local):
        raise FieldError(
            "invalid", "has a part before the @ that is not allowed: use letters, digits and . _ + -"
        )
    if not domain.isascii():  # twice, because each of the two steps can undo the other
        domain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", domain).lower())
    if not _is_domain(domain):
        raise FieldError("invalid", "has no valid domain after the @: write it like name@example.com")
    return f"{local}@{domain}"


def _is_domain(domain: str) -> bool:
    if domain.isascii():
        return len(domain) <= 253 and DOMAIN.fullmatch(domain) is not None
    try:
        ascii_form = domain.encode("idna").decode()
    except UnicodeError:
        return False
    # The codec takes other scripts' full stops for dots; only real dots may separate.
    return ascii_form.count(".") == domain.count(".") and _is_domain(ascii_form)


def normalise_zip(value: object, *, country: str = "US") -> str | None:
    """Five digits of a known US ZIP code (ZIP+4 loses its end); in other countries any short text."""
    text = normalise_text(value, max_length=MAX_POSTAL_CODE)
    if text is None:
        return None
    if country != "US":
        return text.upper()
    matched = ZIP_CODE.fullmatch(text)
    if not matched:
        raise FieldError("invalid", "is not a ZIP code: write five digits, like 30312 or 30312-1234")
    if find_place(matched[1]) is None:
        raise FieldError("unknown", "is not a ZIP code in use: check the digits")
    return matched[1]


def normalise_state(value: object, *, country: str = "US") -> str | None:
    text = normalise_text(value, max_length=50)
    if text is None:
        return None
    code = text.upper()
    if country == "US" and code not in list_states():
        raise FieldError("unknown", "is not a US state: use the two-letter code, like GA")
    return code


def normalise_country(value: object) -> str | None:
    text = normalise_text(value, max_length=50)
    if text is None:
        return None
    code = COUNTRY_ALIASES.get(text.upper(), text.upper())
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise FieldError("unknown", "is not a country code: use the two letters of ISO 3166, like US")
    return code


def normalise_vertical(value: object) -> str | None:
    text = normalise_text(value, max_length=200)
    if text is None:
        return None
    slug = VERTICAL_SEPARATORS.sub("_", text.lower())
    if not VERTICAL.fullmatch(slug):
        raise FieldError("invalid", f"must be at most {MAX_VERTICAL} letters, digits and _, like home_solar")
    return slug


def _require_text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldError("invalid_type", "must be text: put it in quotes")
    return value


def _fix_characters(text: str, *, fixes: dict[int, str | None]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FieldError("invalid_characters", "has half a surrogate pair: send it as valid UTF-8") from None
    # Removing first: what stood between a letter and its accent must not keep them apart.
    return unicodedata.normalize("NFC", text.translate(fixes))


def _limit(text: str, *, max_length: int) -> str | None:
    if len(text) > max_length:
        raise FieldError("too_long", f"is longer than {max_length} characters: shorten it")
    return text or None
