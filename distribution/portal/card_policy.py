"""The Content-Security-Policy of the pages that take a card. They alone load Stripe.js, and talk to Stripe.

A card number is typed in a frame of Stripe's, so it is never in a page of ours. The hosts are those of Stripe's
security guide (docs.stripe.com/security/guide): Stripe.js starts its frames on changing subdomains.
"""

import secrets
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpResponse

from distribution.payments.account import get_account

HEADER: Final = "Content-Security-Policy"
STRIPE_JS: Final = "https://js.stripe.com"
STRIPE_SCRIPTS: Final = f"{STRIPE_JS} https://*.js.stripe.com"
STRIPE_FRAMES: Final = f"{STRIPE_SCRIPTS} https://hooks.stripe.com"
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
    if origin == STRIPE_JS:
        return STRIPE_SCRIPTS, STRIPE_FRAMES, STRIPE_API
    return origin, origin, origin
