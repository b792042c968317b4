"""Starts a bench with the settings that `manage.py` loads. A failure prints one line and exits with code 2."""

import signal
import sys
from importlib import import_module
from pathlib import Path

from leadswitch.start import EXIT_CODE, load_settings, one_line_failures


def run_program(module: str) -> None:
    """Set Django up, run `main(arguments)` of `module`, and exit with the code that it returns."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    load_settings()
    import django

    django.setup()
    with one_line_failures():
        sys.exit(import_module(module).main(sys.argv[1:]))


def make_directory() -> Path:
    """Return the directory of reports and logs, below the product's own."""
    from django.conf import settings

    directory: Path = settings.VAR_DIR / "bench"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def refuse(error: Exception) -> int:
    """Print why nothing was measured. Returns the exit code."""
    sys.stderr.write(f"{error}\n")
    return EXIT_CODE
