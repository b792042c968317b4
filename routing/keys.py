"""The names of every Redis key of the product, apart from the broker's and the cache's.

All of them begin with the installation's prefix as a hash tag, so that scripts may touch several at once.
"""

from django.conf import settings


def rate_limit_key(kind: str, key_prefix: str) -> str:
    """How much of its rate an API key has used: the time in ms at which its bucket is full again. Expires then."""
    return f"{{{settings.LEADSWITCH_REDIS_PREFIX}}}:rate:{kind}:{key_prefix}"
