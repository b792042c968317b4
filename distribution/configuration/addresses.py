"""Lists of email addresses that are entered in one field, separated by commas."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email


def list_addresses(text: str) -> list[str]:
    """Each once, in their order."""
    return list(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))


def check_addresses(text: str) -> None:
    """Raises ValidationError and names the first address that is none."""
    for address in list_addresses(text):
        try:
            validate_email(address)
        except ValidationError:
            message = f"{address} is not an email address."
            raise ValidationError(message) from None
