"""The explanation of a lead as the command prints it."""

from distribution.explain.text import WIDTH, render
from distribution.explain.types import Story


def to_text(story: Story, *, width: int = WIDTH) -> str:
    return "\n".join(line.text for line in render(story, width=width))
