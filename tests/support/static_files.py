"""Lets every `Client` of a test process share the table of static files.

A process of the product builds its middleware once. Each `Client` builds it anew, and WhiteNoise then reads the 190
static files again: 9 ms.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from whitenoise.middleware import WhiteNoiseMiddleware

READ: Final = WhiteNoiseMiddleware.add_files_from_finders


@contextmanager
def read_static_files_once() -> Iterator[None]:
    """Once for each configuration of the middleware, within the block."""
    tables: dict[Hashable, dict[str, Any]] = {}

    def read(middleware: WhiteNoiseMiddleware) -> None:
        configuration = (
            middleware.static_prefix,
            middleware.static_root,
            middleware.max_age,
            middleware.charset,
        )
        if configuration not in tables:
            READ(middleware)
            tables[configuration] = middleware.files
        middleware.files = tables[configuration]

    with patch.object(WhiteNoiseMiddleware, "add_files_from_finders", read):
        yield
