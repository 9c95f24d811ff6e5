"""Worker processes: each builds the pipeline once, reads chunks of notes and writes each chunk's facts as a part.

A note that raises, takes too long or kills its process becomes a row with ``status="error"``; the others go on.
Only the class of an exception leaves a worker: its message could hold text of the note.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from extractor.errors import ExtractorError
from extractor.readers.rows import NoteRow
from extractor.records import SUPPORT, Note

#: a fact as it travels to a part: ``seq``, the position of its note, before the values in the order of FACT_COLUMNS
FactCells = tuple[Any, ...]

#: how many times its seconds of the processor a note may take by the clock
PATIENCE = 10
#: how often a worker may die before it has built its pipeline until the run gives up
START_ATTEMPTS = 3


@dataclass(frozen=True)
class Settings:
    """What a worker needs to build its pipeline. ``engine`` is ``module:class``."""

    date_order: str = "auto"
    overlay: str | None = None
    engine: str = "extractor.pipeline.engine:Engine"
    #: seconds of the processor for one note, plus a second for each 100,000 characters
    note_seconds: float = 30.0


@dataclass(frozen=True)
class Chunk:
    """Rows that one worker reads together; ``first`` is the position of the first row in the whole input.

    ``carried`` rows are known from a former run and not read again.
    """

    number: int
    first: int
    rows: tuple[NoteRow, ...]
    carried: frozenset[int] = frozenset()


@dataclass
class _Mending:
    """A chunk whose worker died, read again note by note."""

    chunk: Chunk
    left: int
    facts: list[FactCells] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)


class NoteTimeout(BaseException):
    """A note took too long. Not an Exception, so that no handler on the way swallows it."""


def _expire(_signal: int, _frame: Any) -> None:
    raise NoteTimeout


def _watch_time() -> None:
    """Lets ``_limited`` end a note; where the system has no such timers the watch of the main process remains."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, _expire)
        signal.signal(signal.SIGALRM, _expire)


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raises NoteTimeout after so many seconds of the processor, or ``PATIENCE`` times as many by the clock.

    A machine that is busy with something else fails no note.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def allowance(row: NoteRow, note_seconds: float) -> float:
    """Seconds of the processor that a note may take."""
    return note_seconds + len(row.text) / 100_000


def note_line(row: NoteRow, seq: int, *, status: str, error: str, n_facts: int = 0) -> dict[str, Any]:
    """The row of ``notes.parquet`` for one row of the source."""
    return {
        "seq": seq,
        "note_id": row.note_id,
        "patient_id": row.patient_id,
        "note_date": row.note_date,
        "note_type": row.note_type,
        "status": status,
        "error": error or None,
        "n_facts": n_facts,
        "sha256": hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).hexdigest(),
        "characters": len(row.text),
        "source": row.source,
        "row": row.row,
        "carried": status == "carried",
    }


def read_row(engine: Any, row: NoteRow, seq: int, note_seconds: float) -> tuple[list[FactCells], dict[str, Any]]:
    """The facts of one row, and its line for ``notes.parquet``."""
    if row.status != "ok":
        return [], note_line(row, seq, status=row.status, error=row.error)
    note = Note(row.patient_id, row.note_id, row.note_date, row.note_type, row.text)
    try:
        with _limited(allowance(row, note_seconds)):
            found = engine.facts(note)
            facts = [(seq, *fact.cells()) for fact in found]
    except NoteTimeout:
        return [], note_line(row, seq, status="error", error="NoteTimeout")
    except Exception as problem:  # the run goes on; the class alone is kept, a message could quote the note
        return [], note_line(row, seq, status="error", error=type(problem).__name__)
    own = sum(fact.family != SUPPORT for fact in found)
    return facts, note_line(row, seq, status="ok", error="", n_facts=own)


def build_engine(settings: Settings) -> Any:
    module, _, name = settings.engine.partition(":")
    return getattr(importlib.import_module(module), name)(date_order=settings.date_order, overlay=settings.overlay)


def write_part(folder: Path, number: int, facts: list[FactCells], notes: list[dict[str, Any]]) -> None:
    """Writes the facts, then the notes: a chunk is done when its notes are there."""
    from extractor.writers import parts

    parts.write(folder, number, facts, notes)


def _serve(connection: Connection, clock: Any, settings: Settings, folder: str) -> None:
    """Body of a worker process. ``clock`` holds when the note in work must be done (0: none is in work)."""
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides what Ctrl-C does
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        engine = build_engine(settings)
    except ExtractorError as problem:
        connection.send(("failed", type(problem), str(problem)))
        return
    except Exception as problem:
        connection.send(("failed", ExtractorError, f"the pipeline cannot be built ({describe(problem)})"))
        return
    _watch_time()
    # the engine lives as long as the worker: the collector need not walk through its names for every few notes
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    connection.send(("ready",))
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):  # the main process is gone
            return
        if task is None:
            return
        chunk, inline = task
        facts: list[FactCells] = []
        notes: list[dict[str, Any]] = []
        for offset, row in enumerate(chunk.rows):
            seq = chunk.first + offset
            if offset in chunk.carried:
                notes.append(note_line(row, seq, status="carried", error=""))
                continue
            clock.value = time.monotonic() + (PATIENCE + 1) * allowance(row, settings.note_seconds) + 5
            found, line = read_row(engine, row, seq, settings.note_seconds)
            facts.extend(found)
            notes.append(line)
        clock.value = 0.0
        try:
            if inline:
                connection.send(("read", facts, notes))
            else:
                write_part(Path(folder), chunk.number, facts, notes)
                connection.send(("wrote", len(facts), [(line["status"], line["error"]) for line in notes]))
        except ExtractorError as problem:
            connection.send(("failed", type(problem), str(problem)))
            return
        except Exception as problem:
            connection.send(("failed", ExtractorError, f"a part cannot be written ({describe(problem)})"))
            return


def describe(problem: BaseException) -> str:
    """Class of an exception and the line of code it comes from, without its message (it could quote a note)."""
    trace, where = problem.__traceback__, ""
    while trace is not None:
        where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return type(problem).__name__ + where


class _Worker:
    """One process with its pipe and the task it has in hand."""

    def __init__(self, context: Any, settings: Settings, folder: Path) -> None:
        self.clock = context.Value("d", 0.0, lock=False)
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, self.clock, settings, str(folder)), daemon=True, name="extractor-worker"
        )
        self.process.start()
        theirs.close()
        self.ready = False
        self.task: tuple[Chunk, bool] | None = None

    def give(self, task: tuple[Chunk, bool]) -> None:
        self.task = task
        # if it has died its end is seen by the sentinel, and the task is taken up again
        with suppress(OSError):
            self.connection.send(task)

    def late(self) -> bool:
        due = self.clock.value
        return bool(due) and time.monotonic() > due

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(2)
        self.connection.close()


def run_chunks(
    chunks: Iterator[Chunk],
    *,
    workers: int,
    settings: Settings,
    folder: Path,
    progress: Callable[[int, int], None] = lambda notes, failed: None,
) -> None:
    """Reads all chunks with ``workers`` processes; every chunk is a part in ``folder`` afterwards.

    Raises the ExtractorError of a worker whose pipeline cannot be built or whose part cannot be written.
    """
    context = multiprocessing.get_context("spawn")
    pool: list[_Worker] = []
    tasks: deque[tuple[Chunk, bool]] = deque()
    mending: dict[int, _Mending] = {}
    deaths_at_start = 0
    exhausted = False

    def refill() -> None:
        """Keeps a chunk read ahead for each worker without one, so that none waits for the reader or for another."""
        nonlocal exhausted
        wanted = max(1, workers - sum(worker.task is not None for worker in pool))
        while len(tasks) < wanted and not exhausted:
            chunk = next(chunks, None)
            if chunk is None:
                exhausted = True
            else:
                tasks.append((chunk, False))

    def mend(worker: _Worker) -> None:
        """The worker died: its chunk is read note by note; a note that kills again is set aside."""
        assert worker.task is not None
        chunk, inline = worker.task
        if not inline:
            mending[chunk.number] = _Mending(chunk, len(chunk.rows))
            for offset, row in enumerate(chunk.rows):
                carried = frozenset({0}) if offset in chunk.carried else frozenset()
                tasks.append((Chunk(chunk.number, chunk.first + offset, (row,), carried), True))
            return
        reason = "NoteTimeout" if worker.late() else "WorkerDied"
        collect(chunk, [], [note_line(chunk.rows[0], chunk.first, status="error", error=reason)])

    def collect(chunk: Chunk, facts: list[FactCells], notes: list[dict[str, Any]]) -> None:
        state = mending[chunk.number]
        state.facts.extend(facts)
        state.notes.extend(notes)
        state.left -= 1
        if state.left == 0:
            write_part(folder, chunk.number, state.facts, state.notes)
            progress(len(state.notes), sum(line["status"] == "error" for line in state.notes))
            del mending[chunk.number]

    def receive(worker: _Worker) -> bool:
        """One message of a worker; False where its pipe is at its end."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return False
        if message[0] == "failed":
            raise message[1](message[2])
        if message[0] == "ready":
            worker.ready = True
            return True
        assert worker.task is not None
        chunk, _ = worker.task
        worker.task = None
        if message[0] == "wrote":
            progress(len(chunk.rows), sum(status == "error" for status, _ in message[2]))
        else:
            collect(chunk, message[1], message[2])
        return True

    try:
        refill()
        while tasks or any(worker.task for worker in pool):
            while len(pool) < workers and len(pool) < len(tasks) + sum(w.task is not None for w in pool):
                pool.append(_Worker(context, settings, folder))
            for worker in pool:
                if worker.task is None and worker.ready:
                    refill()
                    if tasks:
                        worker.give(tasks.popleft())
            refill()
            handles: list[Any] = [w.connection for w in pool] + [w.process.sentinel for w in pool]
            ready = set(wait(handles, timeout=1.0))
            for worker in list(pool):
                alive = True
                if worker.connection in ready:
                    alive = receive(worker)
                if alive and worker.process.sentinel in ready and not worker.connection.poll():
                    alive = False
                if alive and worker.late():
                    worker.process.kill()
                    worker.process.join()
                    alive = False
                if alive:
                    continue
                pool.remove(worker)
                worker.process.join(2)
                if worker.task is not None:
                    mend(worker)
                elif not worker.ready:
                    deaths_at_start += 1
                    if deaths_at_start >= START_ATTEMPTS:
                        raise ExtractorError(
                            f"{deaths_at_start} worker processes ended before they were ready "
                            f"(exit code {worker.process.exitcode}); is there enough memory for --workers {workers}?"
                        )
        for worker in pool:
            worker.connection.send(None)
        for worker in pool:
            worker.process.join(10)
    finally:
        for worker in pool:
            worker.stop()
