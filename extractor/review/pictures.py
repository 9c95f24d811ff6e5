"""Pictures as inline SVG: treatment timeline, laboratory trends, funnel. No script, no font, nothing from a network.

Colours come from CSS variables of the page (``--ink`` ``--muted`` ``--line`` ``--pass`` ``--fail`` ``--open`` ``--drug``
``--radio`` ``--wash``), so that a dark page is as readable as a light one. Each picture has a title for screen readers.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from html import escape

from extractor.review.course import Bar, Event, Trend, washes_out

WIDTH = 960
#: what people call the analytes
LABELS = {
    "platelets": "Platelets", "anc": "Neutrophils", "hemoglobin": "Haemoglobin", "creatinine": "Creatinine", "ast": "AST",
    "alt": "ALT", "alp": "ALP", "bilirubin_total": "Bilirubin", "albumin": "Albumin", "inr": "INR", "aptt": "aPTT",
}  # fmt: skip
_LEFT, _RIGHT = 190, 24


def timeline_svg(
    bars: Sequence[Bar],
    events: Sequence[Event],
    index: datetime.date,
    *,
    assumed: bool = False,
    specimens: Sequence[Event] = (),
) -> str:
    """Treatments as bars, washouts as hatched bars up to their clear date, events and the index date as lines."""
    if not bars and not events:
        return '<p class="gone">No treatment with a date is in the notes.</p>'
    days = [index, *(bar.start for bar in bars), *(bar.end for bar in bars), *(event.day for event in events)]
    days += [bar.clear for bar in bars if washes_out(bar) and bar.clear is not None]
    first, last = min(days), max(days)
    # the far past is cut: what matters for a window is near the index date
    first = max(first, index - datetime.timedelta(days=4 * 365)) - datetime.timedelta(days=14)
    last = min(last, index + datetime.timedelta(days=400)) + datetime.timedelta(days=21)
    total = max((last - first).days, 1)

    def x(day: datetime.date) -> float:
        part = min(max((day - first).days / total, 0), 1)
        return round(_LEFT + part * (WIDTH - _LEFT - _RIGHT), 1)

    row, top = 26, 34
    rows = list(bars)
    # progression and response share one lane, tissue another
    lanes = [("Events", list(events))] + ([("Tissue", list(specimens))] if specimens else [])
    height = top + row * (len(rows) + len(lanes)) + 34
    out = [
        f'<svg class="picture" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Treatment timeline">',
        "<title>Treatment timeline with washouts and the index date</title>",
        '<defs><pattern id="wash" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="var(--wash-soft)"/><rect width="2" height="6" fill="var(--wash)"/>'
        "</pattern></defs>",
    ]
    bottom = height - 28
    for tick, label in _ticks(first, last):
        out.append(f'<line x1="{x(tick)}" x2="{x(tick)}" y1="{top - 8}" y2="{bottom}" stroke="var(--line)"/>')
        out.append(f'<text x="{x(tick)}" y="{bottom + 16}" class="tick" text-anchor="middle">{label}</text>')
    for number, bar in enumerate(rows):
        y = top + number * row
        out.append(_bar(bar, y, x))
    for number, (label, marks) in enumerate(lanes):
        y = top + (len(rows) + number) * row + 9
        out.append(f'<text x="{_LEFT - 12}" y="{y + 4}" class="lane" text-anchor="end">{label}</text>')
        for event in marks:
            if event.day < first:
                continue
            kind = "fail" if event.name == "progression" else "ink" if event.name == "tissue" else "pass"
            out.append(
                f'<path d="M{x(event.day)} {y - 6}l6 6l-6 6l-6 -6z" fill="var(--{kind})">'
                f"<title>{escape(event.says)}, {event.day}</title></path>"
            )
    word = "index date (assumed)" if assumed else "index date"
    anchor = "end" if x(index) > WIDTH - 150 else "start"
    shift = -5 if anchor == "end" else 5
    out.append(
        f'<line x1="{x(index)}" x2="{x(index)}" y1="14" y2="{bottom}" stroke="var(--accent)" stroke-width="2"/>'
        f'<text x="{x(index) + shift}" y="20" class="index" text-anchor="{anchor}">{word} {index}</text></svg>'
    )
    return "".join(out)


def _bar(bar: Bar, y: float, x: object) -> str:
    at = x  # a function of the day
    left, right = at(bar.start), at(bar.end)  # type: ignore[operator]
    width = max(right - left, 5)
    if right - left < 5:
        left = right - 2.5
    fill = {"drug": "drug", "radiotherapy": "radio", "surgery": "muted"}[bar.kind]
    line = f" · line {bar.line}" if bar.line else ""
    name = bar.name if len(bar.name) <= 24 else bar.name[:23] + "…"
    dash = "" if bar.sure or bar.ongoing else ' stroke="var(--ink)" stroke-dasharray="3 2"'
    parts = [
        f'<text x="{_LEFT - 12}" y="{y + 13}" class="lane" text-anchor="end">{escape(name)}'
        f'<tspan class="tick">{line}</tspan></text>'
    ]
    if washes_out(bar) and bar.clear is not None and bar.clear > bar.end:
        clear = at(bar.clear)  # type: ignore[operator]
        parts.append(
            f'<rect x="{right}" y="{y + 4}" width="{max(clear - right, 2):.1f}" height="10" fill="url(#wash)">'
            f"<title>washout until {bar.clear}</title></rect>"
        )
        anchor, shift = ("start", 5) if clear < WIDTH - 110 else ("end", -4)
        parts.append(
            f'<line x1="{clear}" x2="{clear}" y1="{y}" y2="{y + 18}" stroke="var(--wash)" stroke-width="2"/>'
            f'<text x="{clear + shift}" y="{y + 13}" class="tick halo" text-anchor="{anchor}">clear {bar.clear}</text>'
        )
    arrow = f'<path d="M{right} {y + 2}l8 7l-8 7z" fill="var(--{fill})"/>' if bar.ongoing else ""
    parts.append(
        f'<rect x="{left:.1f}" y="{y + 2}" width="{width:.1f}" height="14" rx="3" fill="var(--{fill})"{dash}>'
        f"<title>{escape(bar.says)}</title></rect>{arrow}"
    )
    return "".join(parts)


def _ticks(first: datetime.date, last: datetime.date) -> list[tuple[datetime.date, str]]:
    """Starts of months, as far apart as fits."""
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next((s for s in (1, 2, 3, 6, 12) if months / s <= 12), 24)
    found = []
    year, month = first.year, first.month
    while (day := datetime.date(year, month, 1)) <= last:
        if day >= first and (month - 1) % step == 0:
            found.append((day, f"{day:%b %Y}" if step < 12 else str(year)))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


def trend_svg(trend: Trend, index: datetime.date, *, window_days: int | None = None) -> str:
    """One small chart: values, the trial's limit as a line, its window shaded; failing values are drawn hollow."""
    width, height, left, right, top, bottom = 300, 150, 40, 10, 26, 24
    days = [point.day for point in trend.points] + [index]
    if window_days:
        days.append(index - datetime.timedelta(days=window_days))
    values = [point.value for point in trend.points] + ([trend.limit] if trend.limit is not None else [])
    low, high = min(values), max(values)
    pad = (high - low or abs(high) or 1) * 0.15
    low, high = max(0.0, low - pad) if low >= 0 else low - pad, high + pad
    first, last = min(days), max(days)
    total = max((last - first).days, 1)

    def x(day: datetime.date) -> float:
        return round(left + (day - first).days / total * (width - left - right), 1)

    def y(value: float) -> float:
        return round(top + (high - value) / ((high - low) or 1) * (height - top - bottom), 1)

    label = LABELS.get(trend.name, trend.name.replace("_", " "))
    unit = "" if trend.unit == "1" else trend.unit
    newest = trend.points[-1]
    out = [
        f'<svg class="trend" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}: '
        f'{len(trend.points)} values, latest {newest.value:g} {escape(unit)} on {newest.day}">',
        f'<text x="2" y="13" class="lane">{escape(label)}<tspan class="tick"> {escape(unit)}</tspan></text>',
    ]
    if window_days:
        start = x(index - datetime.timedelta(days=window_days))
        out.append(
            f'<rect x="{start}" y="{top}" width="{max(x(index) - start, 1):.1f}" height="{height - top - bottom}" '
            f'fill="var(--window)"><title>window of {window_days} days before the index date</title></rect>'
        )
    for value in (low + pad * 0.5, high - pad * 0.5):
        out.append(f'<text x="{left - 5}" y="{y(value) + 4}" class="tick" text-anchor="end">{value:.3g}</text>')
    if trend.limit is not None:
        at = y(trend.limit)
        out.append(
            f'<line x1="{left}" x2="{width - right}" y1="{at}" y2="{at}" stroke="var(--fail)" stroke-dasharray="5 3"/>'
        )
    out.append(
        f'<text x="{width - right}" y="13" class="tick" text-anchor="end">{escape(_short(trend.limit_says))}</text>'
    )
    path = " ".join(f"{'M' if n == 0 else 'L'}{x(p.day)} {y(p.value)}" for n, p in enumerate(trend.points))
    out.append(f'<path d="{path}" fill="none" stroke="var(--drug)" stroke-width="1.5"/>')
    for point in trend.points:
        bad = trend.limit is not None and not _meets(point.value, trend.side, trend.limit)
        colour = "var(--fail)" if bad else "var(--drug)"
        fill = "var(--paper)" if point.copied else colour
        says = f"{point.day}: {point.comparator if point.comparator != '=' else ''}{point.value:g}"
        says += " (copied forward)" if point.copied else ""
        out.append(
            f'<circle cx="{x(point.day)}" cy="{y(point.value)}" r="4" fill="{fill}" stroke="{colour}" '
            f'stroke-width="1.5"><title>{escape(says)}</title></circle>'
        )
    out.append(f'<text x="{left}" y="{height - 6}" class="tick">{first}</text>')
    out.append(f'<text x="{width - right}" y="{height - 6}" class="tick" text-anchor="end">{last}</text></svg>')
    return "".join(out)


def _short(says: str) -> str:
    return says.split(" (")[0]


def _meets(value: float, side: str, limit: float) -> bool:
    return {">=": value >= limit, ">": value > limit, "<=": value <= limit, "<": value < limit}.get(side, True)


def funnel_svg(
    total: int,
    steps: Sequence[tuple[str, str, int]],
    ends: Sequence[tuple[str, int]],
    *,
    shown: int = 12,
) -> str:
    """A CONSORT-like figure: patients screened, who left at which criterion in the order applied, and the decisions.

    ``steps`` are (criterion, words, removed); the largest ``shown`` are drawn, the others share one box.
    """
    losses = [step for step in steps if step[2]]
    kept = {id(step) for step in sorted(losses, key=lambda step: -step[2])[:shown]}
    rest = [step for step in losses if id(step) not in kept]
    rows = [step for step in losses if id(step) in kept]
    if rest:
        words = ", ".join(step[0] for step in rest)
        rows.append((f"{len(rest)} others", words, sum(step[2] for step in rest)))
    row, top, box = 46, 70, 330
    height = top + row * len(rows) + 104
    middle, right = 190, 460
    out = [
        f'<svg class="picture" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Patients by criterion">',
        "<title>From patients screened to decisions</title>",
        _box(middle - 140, 8, 280, 40, f"{total:,} patients screened", "", "strong"),
        f'<line x1="{middle}" x2="{middle}" y1="48" y2="{height - 92}" stroke="var(--muted)" stroke-width="2"/>',
    ]
    left = total
    largest = max((step[2] for step in rows), default=1)
    for number, (name, words, removed) in enumerate(rows):
        y = top + number * row
        left -= removed
        out.append(
            f'<line x1="{middle}" x2="{right - 8}" y1="{y + 17}" y2="{y + 17}" stroke="var(--muted)"/>'
            f'<path d="M{right - 8} {y + 12}l8 5l-8 5z" fill="var(--muted)"/>'
        )
        out.append(_box(right, y, box + 150, 36, f"{name}: {removed:,} do not pass", words, "loss"))
        part = removed / largest * (box + 150)
        out.append(f'<rect x="{right}" y="{y + 33}" width="{part:.1f}" height="3" fill="var(--fail)"/>')
        out.append(f'<text x="{middle - 12}" y="{y + 22}" class="tick" text-anchor="end">{left:,} left</text>')
    y = height - 88
    width = (WIDTH - 20) / max(len(ends), 1)
    for number, (name, count) in enumerate(ends):
        out.append(_box(10 + number * width, y, width - 14, 62, f"{count:,}", name, f"end {name}"))
    return "".join(out) + "</svg>"


def _box(x: float, y: float, width: float, height: float, head: str, words: str, kind: str) -> str:
    most = int((width - 20) / 6.3)
    short = words if len(words) <= most else words[: most - 1] + "…"
    body = (
        f'<text x="{x + 10:.0f}" y="{y + height / 2 + (-3 if short else 5):.0f}" class="box-head">{escape(head)}</text>'
    )
    if short:
        body += f'<text x="{x + 10:.0f}" y="{y + height / 2 + 12:.0f}" class="tick">{escape(short)}</text>'
    return (
        f'<g class="box {escape(kind)}"><title>{escape(f"{head}. {words}")}</title>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height}" rx="5"/>{body}</g>'
    )
