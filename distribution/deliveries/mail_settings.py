"""What the installation's settings lack for emails."""

from typing import Final

from django.conf import settings

from distribution.models import Endpoint, Method

NO_MAIL_SERVER: Final = "no_mail_server"
NO_BASE_URL: Final = "no_base_url"
# The variable that each of them names.
VARIABLES: Final = {NO_MAIL_SERVER: "EMAIL_URL", NO_BASE_URL: "LEADSWITCH_BASE_URL"}


def find_missing_setting(endpoint: Endpoint) -> str:
    """Blank: nothing is missing. The link to unsubscribe in each notice needs the address of the product."""
    if endpoint.method not in (Method.EMAIL, Method.CSV):
        return ""
    if not settings.EMAIL_HOST:
        return NO_MAIL_SERVER
    return NO_BASE_URL if endpoint.events and not settings.LEADSWITCH_BASE_URL else ""


def find_missing_mail_setting() -> str:
    """The same for mails with a link to the product. Blank: nothing is missing."""
    if not settings.EMAIL_HOST:
        return NO_MAIL_SERVER
    return "" if settings.LEADSWITCH_BASE_URL else NO_BASE_URL
