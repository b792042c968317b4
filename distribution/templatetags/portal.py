"""Filters of the portal's pages. Times are in the active time zone, which is the buyer's."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import phonenumbers
from django import template
from django.utils import timezone

from distribution.portal.second_person import address
from routing.models import Lead
from tracing.wording import duration, money, value

register = template.Library()
SECONDS_SHOWN: Final = 120
FIELDS: Final = {"zip": "ZIP code", "zip3": "ZIP code begins with"}


@register.filter
def dollars(cents: int) -> str:
    return money(cents)


@register.filter
def signed(cents: int) -> str:
    return f"+{money(cents)}" if cents > 0 else money(cents)


@register.filter
def moment(at: datetime) -> str:
    """ "Nov 30, 2026, 7:05 AM EST"."""
    local = timezone.localtime(at)
    clock = f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
    return f"{local:%b} {local.day}, {local.year}, {clock} {local:%Z}"


@register.filter
def words(code: str) -> str:
    """ "water_heater" is "Water heater"."""
    text = str(code).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


@register.filter
def shown(observed: Any) -> str:
    """As it is stored, because a buyer copies it into its filter: "single_family"."""
    return value(observed)


@register.filter
def phone(number: str) -> str:
    """ "(404) 555-0123" for numbers of the United States, "+49 30 901820" for others."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    is_near = parsed.country_code == 1
    form = (
        phonenumbers.PhoneNumberFormat.NATIONAL if is_near else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(parsed, form)


@register.filter
def place(lead: Lead) -> str:
    """ "Atlanta, GA 30312 (Fulton County)"."""
    town = ", ".join(part for part in (lead.city, f"{lead.state or ''} {lead.zip or ''}".strip()) if part)
    return f"{town} ({lead.county})" if lead.county else town


@register.filter
def without_name(sentence: str, name: str) -> str:
    """Sentences of the trace begin with the buyer's name, and are about it. Here it reads them itself."""
    rest = address(sentence.removeprefix(f"{name}: "))
    return rest[:1].upper() + rest[1:]


@register.filter
def yours(text: str) -> str:
    """ "change its own filter" is "change your own filter"."""
    return address(text)


@register.filter
def query(chosen: str, name: str) -> str:
    return urlencode({name: chosen}) if chosen else ""


@register.filter
def times(number: int, factor: int) -> int:
    return number * factor


@register.filter
def field(name: str) -> str:
    """ "attributes.roof_age" is "Roof age", "zip3" is "ZIP code begins with"."""
    return FIELDS.get(name) or words(name.removeprefix("attributes."))


@register.filter
def late(late_ms: int) -> str:
    return duration(late_ms)


@register.filter
def left(seconds: int) -> str:
    """As the script counts it down."""
    return f"{seconds // 60} min left" if seconds > SECONDS_SHOWN else f"{seconds} s left"


@register.filter
def what(label: str) -> str:
    """ "Value of line 2" is "Value": what is seen, because the lines follow each other."""
    return label.partition(" of ")[0]


@register.filter
def of_what(label: str) -> str:
    """ "Value of line 2" is "of line 2": what is heard as well."""
    return f"of {label.partition(' of ')[2]}"
