"""What a person sees on the terminal: progress while it works, a summary at the end. Never a word of a note."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from extractor import changes

DECISIONS = ("candidate", "potential-candidate", "ineligible-for-now", "ineligible")


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, float | None], None]]:
    """A bar on stderr with notes a second and the time left; nothing where stderr is no terminal."""
    with _bar("reading notes") as update:

        def advance(notes: int, failed: int, fraction: float | None) -> None:
            doing = "reading notes" if fraction is None or fraction < 1 else "sorting facts"
            update(doing, notes, f"notes  {failed:,} failed", fraction)

        yield advance


@contextmanager
def deciding_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr for the decisions: patients done and of how many."""
    with _bar("deciding patients") as update:
        yield lambda done, total: update("deciding patients", done, f"of {total:,} patients", done / max(1, total))


@contextmanager
def _bar(title: str) -> Iterator[Callable[[str, int, str, float | None], None]]:
    if not sys.stderr.isatty():
        yield lambda doing, done, what, fraction: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]:,} {task.fields[what]}  {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0, done=0, what="", rate=0.0)

        def update(doing: str, done: int, what: str, fraction: float | None) -> None:
            rate = done / max(1e-9, time.monotonic() - began)
            bar.update(task, description=doing, completed=fraction or 0.0, done=done, what=what, rate=rate)

        yield update


def summary(data: dict[str, Any], out: Path | str) -> None:
    """The end of a run: notes, patients by decision, what most often decides, policies used, where the results lie."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    counts = data["counts"]
    notes = counts["notes"]
    parts = [f"{notes.get('ok', 0):,} read"]
    parts += [f"{notes[status]:,} {status}" for status in ("empty", "rejected", "error") if notes.get(status)]
    console.print(
        f"[bold]Notes[/bold]     {', '.join(parts)}; {counts['patients']:,} patients; {counts['facts']:,} facts "
        f"({counts['copied']:,} copied from earlier notes)"
    )
    for line in data.get("warnings", []):
        console.print(f"[yellow]Warning[/yellow]   {_plain(line)}")
    if since := data.get("since"):
        console.print(
            f"[bold]Since[/bold]     {_plain(since['run'])}: {since['carried']:,} notes unchanged and not read again, "
            f"{since['kept']:,} not in this input and kept"
        )
        console.print(
            f"          {since['new']:,} new, {since['changed']:,} changed, {since['removed']:,} removed, of "
            f"{since['patients']:,} patients: {changes.NAME}"
        )
    decided = data.get("evaluation")
    if decided:
        if (over := decided.get("taken_over")) is not None:
            console.print(f"          the decisions on {over:,} other patients still stand and were taken over")
        index = decided["index_date"]
        if index == "assumed":
            console.print("[bold]Index[/bold]     index_date: assumed (the day after each patient's last note)")
        elif isinstance(index, dict):
            rest = decided["index_date_assumed"]
            console.print(
                f"[bold]Index[/bold]     index_date: by patient{f'; index_date: assumed for {rest:,}' if rest else ''}"
            )
        else:
            console.print(f"[bold]Index[/bold]     index_date: {index}")
        for trial, decisions in decided["decisions"].items():
            table = Table(box=None, pad_edge=False)
            table.add_column("decision")
            table.add_column("patients", justify="right")
            for decision in (*DECISIONS, *sorted(set(decisions) - set(DECISIONS))):
                table.add_row(decision, f"{decisions.get(decision, 0):,}")
            console.print(f"\n[bold]{_plain(trial)}[/bold]: patients by decision")
            console.print(table)
            _deciders(console, decided["attrition"].get(trial, []))
        if policies := decided.get("policies_used"):
            console.print()
            console.print(
                "[bold]Policies[/bold]  " + "; ".join(_plain(f"{k}={v}") for k, v in sorted(policies.items()))
            )
    console.print()
    seconds = sum(data["seconds"].values())
    console.print(f"[bold]Results[/bold]   {_plain(str(out.resolve() if isinstance(out, Path) else out))} ({seconds:.1f} s)")


def failed_notes(out: Path, limit: int = 10) -> Iterator[str]:
    """File, row and reason of the first notes that failed; the reasons hold no word of a note."""
    import pyarrow.parquet as pq

    left = limit
    with pq.ParquetFile(out / "notes.parquet") as file:
        for batch in file.iter_batches(columns=["source", "row", "status", "error"]):
            for note in batch.to_pylist():
                if note["status"] not in ("rejected", "error"):
                    continue
                if left == 0:
                    yield "..."
                    return
                left -= 1
                place = "".join(c if c.isprintable() else "?" for c in note["source"] or "")
                yield f"{place}: row {note['row']}: {note['status']}: {note['error']}"


def _deciders(console: Any, attrition: list[dict[str, Any]]) -> None:
    """Which criteria remove most patients, and which leave most open."""
    for key, title in (("fail", "fails most often"), ("open", "open most often")):
        rows = sorted((row for row in attrition if row[key]), key=lambda row: -row[key])[:6]
        if rows:
            console.print(f"{title + ':':18} " + ", ".join(f"{row['criterion_id']} ({row[key]:,})" for row in rows))


def _plain(text: str) -> str:
    """Text without rich's markup."""
    from rich.markup import escape

    return escape(text)
