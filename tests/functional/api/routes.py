"""Every route of the product, read from the URL configuration."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

PARAMETER = re.compile(r"<(?:[a-z_]+:)?([a-z_]+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """`path` as the configuration has it, from the root: `api/v1/leads/<uuid:public_id>/`."""

    path: str
    name: str

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)

    def url(self, **values: object) -> str:
        return "/" + PARAMETER.sub(lambda found: str(values[found[1]]), self.path)


def all_routes() -> list[Route]:
    return list(_routes(get_resolver(), prefix=""))


def _routes(resolver: URLResolver, *, prefix: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, prefix=path)
        elif isinstance(pattern, URLPattern):
            yield Route(path, pattern.name or "")
