"""The names that forms and trackers use for the fields of a lead, and where unknown fields go.

Sources of the names: TrustedForm and Jornaya (their scripts fill these inputs), boberdoo, Gravity Forms, Elementor,
Contact Form 7, Google and Meta lead forms.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from uuid import UUID

from routing.intake.attribute_repair import MAX_UNKNOWN, choose_key, make_key
from routing.intake.corrections import DROPPED, MOVED, Corrections
from routing.values.person_name import split_full_name

NOT_LETTERS: Final = re.compile(r"[^a-z0-9]+")
FIELD_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "first_name": ("firstname", "fname", "givenname", "yourfirstname"),
    "last_name": ("lastname", "lname", "surname", "familyname", "yourlastname"),
    "full_name": ("fullname", "name", "yourname", "contactname"),
    "email": ("email", "emailaddress", "mail", "youremail", "contactemail", "workemail"),
    "phone": (
        *(
            "phone",
            "phonenumber",
            "telephone",
            "tel",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cell",
            "cellphone",
        ),
        *("yourphone", "contactphone", "primaryphone", "homephone", "workphone"),
    ),
    "phone_extension": ("phoneextension", "phoneext", "extension"),
    "address": ("address", "streetaddress", "street", "address1", "addressline1"),
    "city": ("city", "town"),
    "state": ("state", "province", "statecode"),
    "country": ("country", "countrycode"),
    "zip": ("zip", "zipcode", "postalcode", "postcode", "zippostalcode"),
    "vertical": ("vertical",),
    "external_id": ("externalid",),
    "consent.text": (
        "tcpatext",
        "tcpalanguage",
        "tcpaconsenttext",
        "consenttext",
        "consentlanguage",
        "disclosure",
    ),
    "consent.given_at": (
        "tcpatimestamp",
        "consenttimestamp",
        "consentgivenat",
        "consenttime",
        "optintimestamp",
    ),
}
TRUSTED_FORM: Final = frozenset(
    {
        *("xxtrustedformcerturl", "trustedformcerturl", "trustedformcert", "trustedformurl", "trustedform"),
        *("trustedformcertificateurl", "xxtrustedformtoken"),
    }
)
JORNAYA: Final = frozenset(
    {"universalleadid", "leadidtoken", "jornayaleadid", "jornayatoken", "jornayaid", "jornayaleadidtoken"}
)
CERTIFICATE: Final = re.compile(r"https://cert\.trustedform\.com/[A-Za-z0-9/_.-]{1,400}")
# Moved only if there is other proof of consent. Otherwise they stay attributes, which conditions can read.
BESIDE_PROOF: Final[Mapping[str, Sequence[str]]] = {
    "consent.ip": ("ip", "ipaddress", "clientip", "userip", "remoteip", "optinip"),
    "consent.url": ("landingpage", "landingpageurl", "pageurl", "sourceurl", "formurl", "optinurl"),
}
_FIELDS: Final = {name: target for target, names in FIELD_NAMES.items() for name in names}
_BESIDE: Final = {name: target for target, names in BESIDE_PROOF.items() for name in names}


def find_field(key: object) -> str | None:
    """Return the field for one of its other names, in any case and with any separators: phone for "Phone Number"."""
    return _FIELDS.get(fold_key(key))


def fold_key(key: object) -> str:
    return NOT_LETTERS.sub("", str(key).lower())


def place_unknown_keys(
    payload: Mapping[str, Any], *, known: tuple[str, ...], corrections: Corrections
) -> dict[str, Any]:
    """Return a payload of known keys: other names are moved to their fields, and unknown keys to attributes."""
    placed = {key: value for key, value in payload.items() if key in known}
    unknown = _collect_unknown(payload, known=known)
    mover = _FieldMover(placed, corrections, known=known)
    if len(unknown) > MAX_UNKNOWN:
        corrections.add(
            "attributes", DROPPED, f"more than {MAX_UNKNOWN} unknown fields: the extra fields were left out"
        )
        unknown = dict(islice(unknown.items(), MAX_UNKNOWN))
    for move in (mover.move_field, mover.move_certificate, mover.move_beside_proof, mover.move_rest):
        unknown = {key: value for key, value in unknown.items() if not move(key, value)}
    return placed


def _collect_unknown(payload: Mapping[str, Any], *, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the unknown keys; MAX_UNKNOWN + 1 of them show that there are more. Fields with one name are all kept."""
    unknown: dict[str, Any] = {}
    for key, value in payload.items():
        fields = {} if key in known else _lift_values(value) or {key: value}
        for name, each in fields.items():
            unknown[choose_key(name, taken=unknown)] = each
            if len(unknown) > MAX_UNKNOWN:
                return unknown
    return unknown


@lru_cache(maxsize=2_048)
def find_near(key: str, known: tuple[str, ...]) -> str | None:
    """Return the most similar known name. Cached, because a form sends the same keys with every lead."""
    return next(iter(difflib.get_close_matches(key, known, n=1)), None)


class _FieldMover:
    """Each move returns whether it moved the key. It never replaces a field that was sent under its own name."""

    def __init__(self, placed: dict[str, Any], corrections: Corrections, *, known: tuple[str, ...]) -> None:
        self.placed = placed
        self.corrections = corrections
        self.known = known

    def move_field(self, key: str, value: Any) -> bool:
        target = find_field(key)
        if target is None or _is_blank(value) or isinstance(value, Mapping | list):
            return False
        if target == "full_name":
            return self._move_full_name(key, value)
        return self._put(target, key, value)

    def move_certificate(self, key: str, value: Any) -> bool:
        name = fold_key(key)
        is_certificate = (name in TRUSTED_FORM and bool(CERTIFICATE.fullmatch(str(value)))) or (
            name in JORNAYA and _is_uuid(value)
        )
        return is_certificate and self._put("consent.token", key, value)

    def move_beside_proof(self, key: str, value: Any) -> bool:
        target = _BESIDE.get(fold_key(key))
        return target is not None and bool(self.placed.get("consent")) and self._put(target, key, value)

    def move_rest(self, key: str, value: Any) -> bool:
        attributes = self.placed.get("attributes")
        if not isinstance(attributes, Mapping | None):
            attributes = {"attributes": attributes}
        kept = dict(attributes or {})
        name = choose_key(make_key(key), taken=kept)
        kept[name] = value
        self.placed["attributes"] = kept
        # No hint for a correction that is ignored: comparing names is the most expensive step here.
        near = None if self.corrections.is_full else find_near(str(key)[:64], self.known)
        hint = f"; did you mean {near}?" if near else ""
        self.corrections.add(str(key), MOVED, f"is not a known field: kept as attributes.{name}{hint}")
        return True

    def _put(self, target: str, key: str, value: Any) -> bool:
        outer, _, inner = target.partition(".")
        if not inner:
            if not _is_blank(self.placed.get(outer)):
                return False
            self.placed[outer] = value
        else:
            consent = self.placed.get(outer)
            if not isinstance(consent, Mapping | None) or not _is_blank((consent or {}).get(inner)):
                return False
            self.placed[outer] = {**(consent or {}), inner: value}
        self.corrections.add(target, MOVED, f"was read from {make_key(key)}")
        return True

    def _move_full_name(self, key: str, value: Any) -> bool:
        if not _is_blank(self.placed.get("first_name")) or not _is_blank(self.placed.get("last_name")):
            return False
        first_name, last_name = split_full_name(str(value))
        self.placed.update(first_name=first_name, last_name=last_name)
        self.corrections.add("first_name", MOVED, f"was read from {make_key(key)}, as was last_name")
        return True


def _lift_values(value: Any) -> dict[str, Any]:
    """Elementor nests each field as fields[ID][value], with its title and type. Returns {} for anything else."""
    if not isinstance(value, Mapping) or not value:
        return {}
    if not all(isinstance(each, Mapping) and "value" in each for each in value.values()):
        return {}
    return {str(name): each["value"] for name, each in value.items()}


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and len(value) == 36 and bool(UUID(value))
    except ValueError:
        return False
