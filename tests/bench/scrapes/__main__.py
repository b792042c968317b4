"""Runs `python -m tests.bench.scrapes`."""

from tests.bench.program import run_program

if __name__ == "__main__":
    run_program("tests.bench.scrapes.run")
