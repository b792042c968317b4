#!/usr/bin/env python3
"""Django's command line."""

import sys


def main() -> None:
    from leadswitch.start import load_settings, one_line_failures

    load_settings()
    from django.core.management import execute_from_command_line

    with one_line_failures():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
