"""What happens if the var directory cannot be used: an error that names the path and the fix."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class VarDirUnusable(ImproperlyConfigured):
    """A file or directory under the var directory cannot be read or made."""


@contextmanager
def usable_var_dir(path: Path) -> Iterator[None]:
    """`path`: what the block reads or makes. Raises VarDirUnusable for an OSError of the block."""
    try:
        yield
    except OSError as error:
        message = f"Cannot use {path}: {error.strerror}."
        fix = "Make it readable and writable for this user, or set LEADSWITCH_VAR_DIR to another directory."
        raise VarDirUnusable(f"{message} {fix}") from error
