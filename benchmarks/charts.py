"""Charts as SVG without a library: bars, and lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_INK, _BAR = "#222", ("#3b6fb6", "#c77b30", "#5a8f5a")


def bars(path: Path, title: str, values: Mapping[str, float], unit: str) -> None:
    """One bar for each value, its number behind it."""
    top = max(values.values()) or 1.0
    parts = [_text(10, 24, title, size=15)]
    for row, (name, value) in enumerate(values.items()):
        y = 44 + 32 * row
        width = 380 * value / top
        parts.append(_text(190, y + 15, name, anchor="end"))
        parts.append(f'<rect x="200" y="{y}" width="{width:.1f}" height="20" fill="{_BAR[row % 3]}"/>')
        parts.append(_text(206 + width, y + 15, f"{value:,.4g} {unit}"))
    _write(path, 720, 60 + 32 * len(values), parts)


def lines(
    path: Path,
    title: str,
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    xname: str,
    yname: str,
    *,
    logarithmic: bool = True,
) -> None:
    """Values over x, whose axis is logarithmic or begins at 0; y begins at 0."""
    top = max(value for values in series.values() for value in values) * 1.1 or 1.0
    scale = math.log if logarithmic else float
    low, high = (scale(min(x)) if logarithmic else 0.0), scale(max(x))

    def at(a: float, b: float) -> tuple[float, float]:
        return 70 + 540 * (scale(a) - low) / ((high - low) or 1), 330 - 270 * b / top

    parts = [_text(10, 24, title, size=15), _text(340, 372, xname, anchor="middle"), _text(10, 48, yname)]
    parts.append(f'<path d="M70 60V330H620" fill="none" stroke="{_INK}"/>')
    parts += [_text(at(a, 0)[0], 348, f"{a:,.0f}", anchor="middle") for a in x]
    parts += [_text(64, 334 - 270 * part / 4, f"{top * part / 4:,.3g}", anchor="end") for part in range(5)]
    for index, (name, values) in enumerate(series.items()):
        points = [at(a, b) for a, b in zip(x, values, strict=True)]
        path_data = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        parts.append(f'<path d="{path_data}" fill="none" stroke="{_BAR[index % 3]}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{_BAR[index % 3]}"/>' for a, b in points]
        parts.append(_text(points[-1][0] + 8, points[-1][1], name))
    _write(path, 760, 385, parts)


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{_INK}">{escape(words)}</text>'


def _write(path: Path, width: int, height: int, parts: Sequence[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
    body = "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *parts, "</svg>"])
    path.write_text(body + "\n", encoding="utf-8")
