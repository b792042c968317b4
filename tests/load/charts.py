"""Line charts as SVG, and the figures behind them as CSV. Pure."""

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

Points = Sequence[tuple[float, float]]

WIDTH: Final = 900
HEIGHT: Final = 320
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 30, 40
COLORS: Final = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
LINES: Final = 5


def draw_chart(title: str, series: Mapping[str, Points], *, x_label: str, y_label: str) -> str:
    """Return an SVG. Both axes begin at 0, so that a small growth does not look like a large one."""
    points = [point for each in series.values() for point in each]
    most_x = max((x for x, _ in points), default=1.0) or 1.0
    most_y = max((y for _, y in points), default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 18, f"{title} ({y_label})"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x_label, anchor="middle"),
    ]
    for place in range(LINES + 1):
        y, x = _y(most_y * place / LINES, most_y), _x(most_x * place / LINES, most_x)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{most_y * place / LINES:.4g}", anchor="end"))
        parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{most_x * place / LINES:.4g}", anchor="middle"))
    for place, (name, each) in enumerate(series.items()):
        color = COLORS[place % len(COLORS)]
        line = " ".join(f"{_x(x, most_x):.1f},{_y(y, most_y):.1f}" for x, y in each)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        parts.append(_text(WIDTH - RIGHT + 10, TOP + 12 + 18 * place, name, color=color))
    return "\n".join([*parts, "</svg>", ""])


def write_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _x(value: float, most: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / most


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most


def _text(x: float, y: float, text: str, *, anchor: str = "start", color: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'
