"""The Content-Security-Policy of the pages that take a card. They alone load Stripe.js, and talk to Stripe.

A card number is typed in a frame of Stripe's, so it is never in a page of ours.
"""

import secrets
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpResponse

from distribution.payments.account import get_account

HEADER: Final = "Content-Security-Policy"
STRIPE_SCRIPTS: Final = "https://js.stripe.com"
STRIPE_FRAMES: Final = "https://js.stripe.com https://hooks.stripe.com"
STRIPE_API: Final = "https://api.stripe.com"


def make_nonce() -> str:
    """A script of the page runs only with the nonce of this answer."""
    return secrets.token_urlsafe(16)


def allow_stripe(response: HttpResponse, *, nonce: str) -> None:
    """Raises NoCards."""
    scripts, frames, api = _find_hosts(get_account().js_url)
    response.headers[HEADER] = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' {scripts}",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src {api}",
            f"frame-src {frames}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _find_hosts(js_url: str) -> tuple[str, str, str]:
    """Hosts of scripts, frames and requests. A script of another address does everything from there."""
    parts = urlsplit(js_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        (STRIPE_SCRIPTS, STRIPE_FRAMES, STRIPE_API) if origin == STRIPE_SCRIPTS else (origin, origin, origin)
    )
