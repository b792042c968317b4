"""The URLs of the two servers in the forms that Django and Celery read."""

from urllib.parse import unquote, urlsplit

import environ


def postgres_settings(url: str) -> dict[str, object]:
    """A Django DATABASES entry; a host that is a percent-encoded path is a unix socket directory."""
    settings: dict[str, object] = environ.Env.db_url_config(url)
    settings["HOST"] = unquote(str(settings["HOST"]))
    return settings


def celery_broker_url(redis_url: str) -> str:
    """The same Redis in the form Celery reads: it spells unix sockets in its own way."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = next((pair[3:] for pair in parts.query.split("&") if pair.startswith("db=")), "0")
    return f"redis+socket://{parts.path}?virtual_host={database}"
