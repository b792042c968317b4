"""Splits a full name such as "Dr. Juan Q. Xavier de la Vega III"."""

from nameparser import HumanName


def split_full_name(text: str) -> tuple[str, str]:
    """Return first and last name. Middle names go with the first, a suffix with the last; titles are dropped."""
    name = HumanName(" ".join(text.split())[:300])
    first_name = " ".join(part for part in (name.first, name.middle) if part)
    last_name = " ".join(part for part in (name.last, name.suffix) if part)
    return (first_name, last_name) if first_name or last_name else (text.strip(), "")
