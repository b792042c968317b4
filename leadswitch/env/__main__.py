"""`python -m leadswitch.env` prints .env.example."""

import sys

from leadswitch.env.example import render_example

if __name__ == "__main__":
    sys.stdout.write(render_example())
