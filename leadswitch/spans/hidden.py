"""Hides OpenTelemetry from libraries. redis-py would load its SDK in every process, for metrics that nothing reads.

An entry None in sys.modules makes an import raise ModuleNotFoundError, which redis-py expects.
"""

import sys
from typing import Any, Final

PACKAGE: Final = "opentelemetry"


def hide_opentelemetry() -> None:
    """Call it before redis is imported. Does nothing if the package is loaded."""
    modules: dict[str, Any] = sys.modules
    modules.setdefault(PACKAGE, None)


def show_opentelemetry() -> None:
    """Call it before this process imports the package."""
    if sys.modules.get(PACKAGE) is None:
        sys.modules.pop(PACKAGE, None)
