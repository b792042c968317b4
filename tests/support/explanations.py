"""The explanation of a lead as the command prints it."""

from distribution.explain.text import WIDTH, describe_lines
from distribution.explain.types import Explanation


def to_text(explanation: Explanation, *, width: int = WIDTH) -> str:
    return "\n".join(line.text for line in describe_lines(explanation, width=width))
