"""The batch: a note export goes in, the files of a run come out.

``extract_run`` reads notes with worker processes and writes ``facts.parquet``, ``support.parquet``, ``notes.parquet``;
``screen`` decides the patients after it (``evaluation.evaluate_run``). While it works everything lies in ``.work`` of
the run's folder, as parts that are whole or absent: a run that was killed goes on from there with ``resume``.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor import changes
from extractor.errors import ExtractorError, InputError, UsageError
from extractor.readers import NoteRow, Source, open_source
from extractor.workers import Chunk, Settings, run_chunks

if TYPE_CHECKING:
    from extractor.evaluation import Decided

#: layout of the parts; a run of another layout cannot be resumed
LAYOUT = 1
WORK = ".work"
OUTPUTS = (
    "facts.parquet", "support.parquet", "notes.parquet", "criteria.parquet", "patients.parquet", "run.json", changes.NAME,
)  # fmt: skip
DECISIONS = ("criteria.parquet", "patients.parquet")
#: chunks grow from the first to the last size, so that a short run still keeps all workers busy; what a worker holds
#: of a chunk's facts is bounded by its notes and characters
FIRST_CHUNK, LAST_CHUNK, CHUNK_CHARACTERS = 32, 256, 1_000_000
_PACKAGES = ("trial-extractor", "medspacy", "spacy", "scispacy", "pyarrow", "pandas", "duckdb", "numpy")

Progress = Callable[[int, int, float | None], None]


def _silent(_notes: int, _failed: int, _fraction: float | None) -> None:
    return None


@dataclass(frozen=True)
class Options:
    """How an extraction works. Nothing here but ``settings`` changes what is found."""

    settings: Settings = field(default_factory=Settings)
    workers: int = 0
    resume: bool = False
    since: Path | None = None
    keep_missing: bool = True

    def processes(self) -> int:
        return self.workers or max(1, (os.cpu_count() or 2) - (1 if (os.cpu_count() or 2) > 2 else 0))


@dataclass
class Report:
    """What a run did, as ``run.json`` tells it."""

    out: Path
    data: dict[str, Any]

    @property
    def failed(self) -> int:
        """Notes that could not be read or raised."""
        notes = self.data["counts"]["notes"]
        return int(notes.get("error", 0)) + int(notes.get("rejected", 0))


def chunks_of(rows: Iterator[NoteRow], carried: Callable[[NoteRow], bool] | None = None) -> Iterator[Chunk]:
    """Cuts the stream of rows; where it is cut depends on the rows alone, never on the number of workers."""
    number = first = characters = 0
    held: list[NoteRow] = []
    known: set[int] = set()

    def size() -> int:
        return min(LAST_CHUNK, FIRST_CHUNK << min(number // 4, 10))

    for row in rows:
        if carried is not None and carried(row):
            known.add(len(held))
        held.append(row)
        characters += len(row.text)
        if len(held) >= size() or characters >= CHUNK_CHARACTERS:
            yield Chunk(number, first, tuple(held), frozenset(known))
            number, first, characters = number + 1, first + len(held), 0
            held, known = [], set()
    if held:
        yield Chunk(number, first, tuple(held), frozenset(known))


def extract_run(source: Source, out: Path, options: Options, *, progress: Progress = _silent) -> Report:
    """Notes to facts, in the folder ``out``.

    Raises InputError where no row could be read as a note, UsageError where ``out`` cannot be used or resumed.
    """
    started = time.monotonic()
    patterns = patterns_digest(options.settings.overlay)
    manifest = _manifest(source, options, patterns)
    work, complete = _prepare(out, source, options, manifest)
    if complete is not None:
        return Report(out, complete)
    with private():
        counted = _extract(source, out, work, options, progress)
        if counted["rows"] == 0:
            source.monitor.say(f"{source.name}: holds no notes")
        merging = time.monotonic()
        from extractor.writers import parquet, parts

        merged = parts.merge(
            work / "parts",
            out,
            scratch=work / "merge",
            former=options.since,
            keep_missing=options.keep_missing,
        )
        data: dict[str, Any] = {
            "layout": LAYOUT,
            "versions": versions(),
            "input": {
                "notes": source.name,
                "path": str(Path(source.name).resolve()) if Path(source.name).exists() else source.name,
                "digest": merged.input_digest,
                "rows": counted["rows"],
                "columns": dict(getattr(source, "mapping", {})),
                "date_order": options.settings.date_order,
            },
            "patterns": {"digest": patterns, "overlay": options.settings.overlay},
            "counts": {
                "notes": merged.notes,
                "patients": merged.patients,
                "facts": merged.facts,
                "support": merged.support,
                "copied": merged.copied,
                "families": merged.families,
            },
            "since": None if options.since is None else _since(options.since, out, counted["carried"], merged.kept),
            "warnings": list(source.monitor.lines),
            "workers": options.processes(),
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": {"extract": round(merging - started, 3), "merge": round(time.monotonic() - merging, 3)},
            "manifest": manifest,
        }
        parquet.write_json(out / "run.json", data)
        shutil.rmtree(work, ignore_errors=True)
    notes = merged.notes
    if notes.get("rejected") and not any(notes.get(status) for status in ("ok", "empty", "error")):
        raise InputError(
            f"{source.name}: none of its {notes['rejected']} rows can be read as a note "
            f"(reasons: {out / 'notes.parquet'})"
        )
    return Report(out, data)


def _extract(source: Source, out: Path, work: Path, options: Options, progress: Progress) -> dict[str, int]:
    """All chunks of the source as parts; what is there from an interrupted run is not read again."""
    from extractor.writers import parts

    folder = work / "parts"
    counted = {"rows": 0, "carried": 0, "notes": 0, "failed": 0}
    unchanged = None if options.since is None else _unchanged(options.since)

    def carried(row: NoteRow) -> bool:
        known = unchanged is not None and row.status in ("ok", "empty") and unchanged(row)
        counted["carried"] += known
        return known

    def advance(notes: int, failed: int) -> None:
        counted["notes"] += notes
        counted["failed"] += failed
        fraction = source.monitor.fraction()  # of what is read, of which some is still in work
        done = counted["notes"] / max(1, counted["rows"])
        progress(counted["notes"], counted["failed"], None if fraction is None else fraction * done)

    def missing() -> Iterator[Chunk]:
        for chunk in chunks_of(source.rows(), carried if unchanged else None):
            counted["rows"] += len(chunk.rows)
            keys = [(row.patient_id, row.note_id, len(row.text)) for row in chunk.rows]
            if options.resume and parts.done(folder, chunk.number, keys):
                advance(len(chunk.rows), 0)
            else:
                yield chunk

    run_chunks(missing(), workers=options.processes(), settings=options.settings, folder=folder, progress=advance)
    if counted["rows"] == 0:
        parts.write(folder, 0, [], [])
    return counted


def _since(former: Path, out: Path, carried: int, kept: int) -> dict[str, Any]:
    """What an incremental run did with the notes; those that changed are listed in ``changes.csv``."""
    return {"run": str(former), "carried": carried, "kept": kept, **changes.write(former, out)}


def _unchanged(former: Path) -> Callable[[NoteRow], bool]:
    """Whether a row stands in a former run just as it is. Eight bytes are kept for each note of that run."""
    import numpy as np
    import pyarrow.parquet as pq

    columns = ["patient_id", "note_id", "note_date", "note_type", "sha256", "status"]
    keys: list[Any] = []
    with pq.ParquetFile(former / "notes.parquet") as file:
        for batch in file.iter_batches(batch_size=8192, columns=columns):
            rows = zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
            fresh = [_key(*row[:5]) for row in rows if row[5] in ("ok", "empty")]
            keys.append(np.array(fresh, dtype=np.uint64))
    index = np.sort(np.concatenate(keys)) if keys else np.array([], dtype=np.uint64)

    def unchanged(row: NoteRow) -> bool:
        sha = hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).hexdigest()
        key = np.uint64(_key(row.patient_id, row.note_id, row.note_date, row.note_type, sha))
        place = int(np.searchsorted(index, key))
        return place < len(index) and bool(index[place] == key)

    return unchanged


def _key(*parts: Any) -> int:
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).digest()[:8], "big")


def _manifest(source: Source, options: Options, patterns: str) -> dict[str, Any]:
    """What must be the same for parts of an interrupted run to be used."""
    settings = {key: value for key, value in asdict(options.settings).items() if key != "note_seconds"}
    return {
        "layout": LAYOUT,
        "source": source.fingerprint(),
        "patterns": patterns,
        "settings": settings,
        "since": None if options.since is None else str(options.since),
        "version": versions()["trial-extractor"],
        "code": code_digest(),
    }


def _prepare(
    out: Path, source: Source, options: Options, manifest: dict[str, Any]
) -> tuple[Path, dict[str, Any] | None]:
    """The work folder of a new or resumed run; the report of a run that is already complete, else None."""
    from extractor.writers import parquet

    root = Path(source.name)
    inside = root.is_dir() and (out.resolve() == root.resolve() or root.resolve() in out.resolve().parents)
    if inside:
        raise UsageError(f"--out {out}: lies inside the folder of the notes (expected a folder outside {root})")
    if options.since is not None:
        _check_former(options.since, out, manifest)
    work = out / WORK
    with private():
        try:
            out.mkdir(parents=True, exist_ok=True)
            if not options.resume:
                shutil.rmtree(work, ignore_errors=True)
                for name in OUTPUTS:  # a file of an older run must not look like one of this run
                    (out / name).unlink(missing_ok=True)
            parquet.sweep(out)
            (work / "parts").mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or type(problem).__name__
            raise UsageError(f"--out {out}: cannot be written ({why}; expected a folder that can be)") from None
        if options.resume:
            finished = parquet.read_json(out / "run.json")
            known = parquet.read_json(work / "manifest.json")
            if finished is not None and known is None:
                shutil.rmtree(work, ignore_errors=True)
            known = known or (finished or {}).get("manifest")
            if known is not None and known != manifest:
                changed = ", ".join(sorted(key for key in manifest if known.get(key) != manifest[key]))
                raise UsageError(
                    f"--resume: {out} was begun with another {changed} (run without --resume to begin anew)"
                )
            if finished is not None and all((out / name).is_file() for name in OUTPUTS[:3]):
                return work, finished
        parquet.write_json(work / "manifest.json", manifest)
    return work, None


def _check_former(former: Path, out: Path, manifest: dict[str, Any]) -> None:
    from extractor.writers import parquet

    finished = parquet.read_json(former / "run.json")
    if finished is None or not all((former / name).is_file() for name in OUTPUTS[:3]):
        raise UsageError(f"--since {former}: is no finished run (expected a folder with run.json and its files)")
    if former.resolve() == out.resolve():
        raise UsageError(f"--since {former}: is the folder of --out too (expected another one)")
    known = finished.get("manifest", {})
    for key in ("layout", "patterns", "settings", "code"):
        if known.get(key) != manifest[key]:
            raise UsageError(
                f"--since {former}: was made with another {key}; facts would be mixed (run without --since)"
            )


class private:
    """Files made inside are readable by their owner alone; they hold what notes say of patients."""

    def __enter__(self) -> None:
        self._former = os.umask(0o077)

    def __exit__(self, *_: object) -> None:
        os.umask(self._former)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result rests on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    if found["trial-extractor"] == "not installed":
        from extractor import __version__

        found["trial-extractor"] = __version__
    return found


def code_digest() -> str:
    """Digest of the package's own code: facts of two states of it are never mixed."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def patterns_digest(overlay: str | None) -> str:
    from extractor import patterns

    return patterns.load(overlay).digest


def screen(
    notes: str | os.PathLike[str] | None = None,
    *,
    trial: str | Sequence[str],
    out: str | os.PathLike[str],
    index_date: datetime.date | Mapping[str, datetime.date] | str | None = None,
    strict: bool = False,
    policies: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    sql: str | None = None,
    query: str | None = None,
    date_order: str = "auto",
    overlay: str | None = None,
    workers: int = 0,
    resume: bool = False,
    since: str | os.PathLike[str] | None = None,
    keep_missing: bool = True,
    note_seconds: float = 30.0,
    engine: str = "extractor.pipeline.engine:Engine",
    progress: Progress = _silent,
) -> Decided:
    """Notes to decisions: extraction and evaluation of one or several trials in the folder ``out``.

    ``index_date``: planned cycle 1 day 1, one date for all or one for each patient; without it the day after the
    patient's last note, which is told as assumed.
    """
    from extractor import evaluation

    trials = [trial] if isinstance(trial, str) else list(trial)
    evaluation.check_trials(trials)
    source = open_source(notes, columns=columns, date_order=date_order, sql=sql, query=query)
    options = Options(
        settings=Settings(date_order=date_order, overlay=overlay, engine=engine, note_seconds=note_seconds),
        workers=workers,
        resume=resume,
        since=None if since is None else Path(since),
        keep_missing=keep_missing,
    )
    report = extract_run(source, Path(out), options, progress=progress)
    return evaluation.evaluate_run(
        report.out,
        trials,
        index_date=index_date,
        strict=strict,
        policies=policies,
        since=options.since,
        workers=workers,
    )


__all__ = ["ExtractorError", "Options", "Report", "extract_run", "screen"]
