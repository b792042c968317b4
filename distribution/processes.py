"""Starts a process that works for a command. Imports nothing that needs Django, which is set up here."""

from importlib import import_module
from typing import Any

import django
from django.db import connections


def begin_process(database: str, begin_name: tuple[str, str], *arguments: Any) -> None:
    """Set Django up on the parent's database (in tests not the one of the settings), then call `begin_name`.

    `begin_name` is a module and a function in it: a function as an argument would be imported before Django is set up.
    """
    django.setup()
    connections["default"].settings_dict["NAME"] = database
    module, name = begin_name
    getattr(import_module(module), name)(*arguments)
