"""A progress bar on a terminal, one line per step elsewhere. It goes to stderr to keep the report clean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def show_progress(part: str, steps: int, *, console: Console) -> Iterator[Callable[[str], None]]:
    """Yield a function to call at the start of each of `steps` steps."""
    if not console.is_terminal:
        yield lambda text: console.print(f"{part}: {text}", highlight=False)
        return
    columns = [TextColumn(part), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, TextColumn("{task.description}"), console=console, transient=True) as bar:
        task = bar.add_task("", total=steps)

        def begin(text: str) -> None:
            bar.update(task, description=text, advance=1)

        yield begin
