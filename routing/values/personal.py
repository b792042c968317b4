"""Names of attributes that identify a person. Conditions may not use them: the trace stores what a condition reads.

The list is in docs/definitions.md. Pure.
"""

import re
from typing import Final

from routing.values.plain import make_plain

# The last word of a name shows what it holds: contact_email is an email address, email_opt_in is not.
_NOUNS: Final = """
    email emails mail emailaddress phone phones mobile cell cellphone telephone tel fax whatsapp
    firstname lastname fname lname fullname surname forename nickname
    address addresses addr street streetaddress dob birthdate birthday birth ip
    ssn socialsecurity itin passport driverlicense driverslicense creditcard bankaccount
"""
# With one of these before it, `name` is a person's name; company_name and product_name are not.
_PERSONS: Final = """
    first last full middle given family maiden nick user your my contact person owner homeowner customer client
    consumer applicant lead spouse partner wife husband parent child patient insured tenant signer recipient
"""
# They number or qualify a name without changing its meaning.
_FILLERS: Final = "number numbers no num nr line value text raw primary main work"
# The first words of flags: has_email, wants_mail.
_ASKING: Final = "has is no wants accepts prefers allows valid verified"
NOUNS: Final = frozenset(_NOUNS.split())
PERSONS: Final = frozenset(_PERSONS.split())
FILLERS: Final = frozenset(_FILLERS.split())
ASKING: Final = frozenset(_ASKING.split())
WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# Repetitions are bounded: a long text must not take quadratic time. The second and third are written to evade a check.
EMAIL: Final = re.compile(
    r"[^\s@\"'<>]{1,64}@[^\s@\"'<>]{1,255}\.[^\s@\"'<>]{2,}"
    r"|[\w.+-]{1,64}\s?@\s?[\w-]{1,63}\s?\.\s?[a-z]{2,}"
    r"|[\w.+-]{1,64}\s?[(\[]?\bat\b[)\]]?\s?[\w-]{1,63}\s?[(\[]?\bdot\b[)\]]?\s?[a-z]{2,}"
)
# Ten digits of North America, any number with a plus, or ten digits that are separated one by one.
PHONE: Final = re.compile(
    r"(?<![0-9])(?:\+?1[\s.-]?)?\(?[2-9][0-9]{2}\)?[\s.-]?[2-9][0-9]{2}[\s.-]?[0-9]{4}(?![0-9])"
    r"|\+[0-9][0-9 ().-]{8,}"
    r"|(?<![0-9])(?:[0-9][ .-]){9,}[0-9](?![0-9])"
)
HIDDEN: Final = "(hidden)"


def is_personal_name(field: str) -> bool:
    """`field` may start with attributes. A nested name counts as one name: contact.name is a person's."""
    words = [word.lower() for word in WORD.findall(field.removeprefix("attributes."))]
    if not words or words[0] in ASKING:
        return False
    if words[-1] in NOUNS:
        return True
    while words and (words[-1].isdigit() or words[-1] in FILLERS):
        words.pop()
    if words and words[-1] in ("name", "names"):
        return len(words) == 1 or words[-2] in PERSONS
    return bool(words) and (words[-1] in NOUNS or "".join(words[-2:]) in NOUNS)


def explain_personal(field: str) -> str | None:
    """Why a condition may not name this attribute, or None."""
    if not is_personal_name(field):
        return None
    return (
        f"{field} is personal data, which must not be in the trace: use another field,"
        " or have the sender add a field that says what you need, like has_email"
    )


def hide_personal(field: str, value: object) -> object:
    """Return the value, or HIDDEN if the name or the value identifies a person."""
    if isinstance(value, list):
        return [hide_personal(field, each) for each in value]
    if field.startswith("attributes.") and not isinstance(value, bool) and is_personal_name(field):
        return HIDDEN
    text = as_text(value)
    return HIDDEN if text is not None and is_personal_value(text) else value


def as_text(value: object) -> str | None:
    """What may be contact data of a value: texts and whole numbers. The digits of a fraction are none."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def is_personal_value(text: str) -> bool:
    """Whether it has an email address or a phone number, in any spelling."""
    plain = make_plain(text)
    return EMAIL.search(plain) is not None or PHONE.search(plain) is not None
