"""Sets up a child process of a command. It imports nothing that needs Django before Django is set up."""

from importlib import import_module
from typing import Any

import django
from django.db import connections


def begin_process(database: str, begin_name: tuple[str, str], *arguments: Any) -> None:
    """Set up Django with the parent's database (tests use another than the settings), then call `begin_name`.

    `begin_name` is a module and a function in it. A function object would be imported before Django is set up.
    """
    django.setup()
    connections["default"].settings_dict["NAME"] = database
    module, name = begin_name
    getattr(import_module(module), name)(*arguments)
