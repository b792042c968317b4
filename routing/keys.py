"""The names of every Redis key of the product, apart from the broker's and the cache's.

All of them begin with the installation's prefix as a hash tag, so that scripts may touch several at once.
"""

from django.conf import settings


def rate_limit_key(kind: str, name: str) -> str:
    """When the bucket of an API key (by its prefix) or of a person (by their id) is full again. Expires then."""
    return f"{{{settings.LEADSWITCH_REDIS_PREFIX}}}:rate:{kind}:{name}"
