"""The pictures of a patient and of a trial as Altair charts, for notebooks; their data are those of ``course``.

The only module that imports altair.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from extractor.errors import UsageError
from extractor.review.course import Bar, Event, Trend, washes_out
from extractor.review.pictures import LABELS

if TYPE_CHECKING:
    import pandas as pd

_DRUG, _RADIO, _WASH, _FAIL, _PASS, _INDEX, _MUTED = (
    "#2f6ea5", "#7a52a3", "#c98512", "#b3322c", "#1e7d4f", "#1f5f8b", "#66727d",
)  # fmt: skip


def _altair() -> Any:
    try:
        import altair
    except ImportError:
        raise UsageError("charts: need altair (pip install 'trial-extractor[review]')") from None
    # the page that altair makes by default fetches scripts from a network; JupyterLab draws this form by itself
    altair.renderers.register("jupyterlab_offline", _offline)
    altair.renderers.enable("jupyterlab_offline")
    return altair


def _offline(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The chart in the form that JupyterLab knows (Vega-Lite 5; these charts use nothing newer)."""
    schema = "https://vega.github.io/schema/vega-lite/v5.json"  # a name, never fetched
    return {
        "application/vnd.vegalite.v5+json": {**spec, "$schema": schema},
        "text/plain": "a chart (open in JupyterLab)",
    }


def timeline(bars: Sequence[Bar], events: Sequence[Event], index: datetime.date, *, width: int = 720) -> Any:
    """Treatments, washouts with their clear dates, progression and response, and the index date."""
    import pandas as pd

    alt = _altair()
    names = [_lane(bar) for bar in bars]
    given = pd.DataFrame(
        [
            {"lane": _lane(bar), "start": _time(bar.start), "end": _time(_visible(bar)), "kind": bar.kind,
             "says": bar.says, "sure": "exact" if bar.sure else "bounds only", "ongoing": bar.ongoing}
            for bar in bars
        ],
        columns=["lane", "start", "end", "kind", "says", "sure", "ongoing"],
    )  # fmt: skip
    washed = pd.DataFrame(
        [
            {"lane": _lane(bar), "start": _time(bar.end), "end": _time(bar.clear), "clear": f"clear {bar.clear}"}
            for bar in bars
            if washes_out(bar) and bar.clear is not None and bar.clear > bar.end
        ],
        columns=["lane", "start", "end", "clear"],
    )
    happened = pd.DataFrame(
        [{"lane": "Events", "day": _time(one.day), "event": one.name, "says": one.says} for one in events],
        columns=["lane", "day", "event", "says"],
    )
    lanes = alt.Y("lane:N", sort=[*names, "Events"], title=None, axis=alt.Axis(labelLimit=220))
    drug = (
        alt.Chart(given)
        .mark_bar(height=14, cornerRadius=3)
        .encode(
            x=alt.X("start:T", title=None),
            x2="end:T",
            y=lanes,
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=["drug", "radiotherapy", "surgery"], range=[_DRUG, _RADIO, _MUTED]),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            tooltip=["lane", "says", "sure", "ongoing"],
        )
    )
    base = alt.Chart(washed)
    wash = base.mark_bar(height=8, color=_WASH, opacity=0.45).encode(
        x="start:T", x2="end:T", y=lanes, tooltip=["lane", "clear"]
    )
    until = base.mark_tick(color=_WASH, thickness=3, height=16).encode(x="end:T", y=lanes)
    words = base.mark_text(align="left", dx=6, fontSize=11, color="#5b6975").encode(x="end:T", y=lanes, text="clear")
    colours = alt.condition(alt.datum.event == "progression", alt.value(_FAIL), alt.value(_PASS))
    marks = (
        alt.Chart(happened)
        .mark_point(shape="diamond", size=90, filled=True, opacity=1)
        .encode(x="day:T", y=lanes, color=colours, tooltip=["says", "day:T"])
    )
    day = alt.Chart(pd.DataFrame([{"day": _time(index), "says": f"index date {index}"}]))
    line = day.mark_rule(color=_INDEX, strokeWidth=2).encode(x="day:T", tooltip=["says"])
    label = day.mark_text(align="right", dx=-6, dy=8, baseline="top", color=_INDEX, fontWeight="bold").encode(
        x="day:T", y=alt.value(-12), text="says"
    )
    layers = [wash, until, words, drug, line, label] if len(given) else [line, label]
    if len(happened):
        layers.insert(0, marks)
    return alt.layer(*layers).properties(width=width, height=30 * (len(set(names)) + 1), title="Treatment")


def _lane(bar: Bar) -> str:
    return f"{bar.name} · line {bar.line}" if bar.line else bar.name


def _visible(bar: Bar) -> datetime.date:
    return max(bar.end, bar.start + datetime.timedelta(days=2))


def _time(day: datetime.date | None) -> Any:
    import pandas as pd

    return pd.Timestamp(day) if day is not None else pd.NaT


def trends(found: Sequence[Trend], index: datetime.date, *, window_days: int | None = None, columns: int = 3) -> Any:
    """One small chart for each analyte: values, the trial's limit, its window; None where there is no value."""
    import pandas as pd

    alt = _altair()
    charts = []
    for trend in found:
        data = pd.DataFrame(
            [
                {"day": _time(p.day), "value": p.value, "copied": "copied forward" if p.copied else "of its day"}
                for p in trend.points
            ]
        )
        name = LABELS.get(trend.name, trend.name)
        unit = "" if trend.unit == "1" else f" {trend.unit}"
        layers = []
        if window_days:
            window = pd.DataFrame([{"start": _time(index - datetime.timedelta(days=window_days)), "end": _time(index)}])
            layers.append(alt.Chart(window).mark_rect(color=_DRUG, opacity=0.12).encode(x="start:T", x2="end:T"))
        base = alt.Chart(data).encode(
            x=alt.X("day:T", title=None), y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
        )
        layers.append(base.mark_line(color=_DRUG))
        layers.append(
            base.mark_point(size=55, fill=_DRUG, color=_DRUG).encode(
                fillOpacity=alt.condition(alt.datum.copied == "copied forward", alt.value(0), alt.value(1)),
                tooltip=["day:T", "value", "copied"],
            )
        )
        if trend.limit is not None:
            limit = pd.DataFrame([{"limit": trend.limit, "says": trend.limit_says}])
            layers.append(
                alt.Chart(limit).mark_rule(color=_FAIL, strokeDash=[5, 3]).encode(y="limit:Q", tooltip=["says"])
            )
        title = alt.Title(f"{name}{unit}", subtitle=trend.limit_says, fontSize=12, subtitleFontSize=10)
        charts.append(alt.layer(*layers).properties(width=210, height=110, title=title))
    return alt.concat(*charts, columns=columns) if charts else None


def moves(decisions: pd.DataFrame) -> Any:
    """Decisions before and after a what-if as a table of squares."""
    alt = _altair()
    order = ["candidate", "potential-candidate", "ineligible-for-now", "ineligible"]
    base = alt.Chart(decisions).encode(
        x=alt.X("after:N", sort=order, title="after"), y=alt.Y("before:N", sort=order, title="before")
    )
    square = base.mark_rect().encode(
        color=alt.Color("patients:Q", scale=alt.Scale(scheme="blues"), legend=None),
        tooltip=["before", "after", "patients"],
    )
    return (square + base.mark_text(fontSize=14).encode(text="patients:Q")).properties(width=360, height=180)
