"""Notes from a database: DuckDB files natively, everything else that SQLAlchemy speaks to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extractor.errors import InputError, UsageError
from extractor.readers.columns import KNOWN, resolve
from extractor.readers.rows import Monitor, NoteRow, build

#: the OMOP CDM 5.4 table
DEFAULT_QUERY = "SELECT * FROM note"
DUCKDB_SUFFIXES = (".duckdb", ".ddb")
FETCH_ROWS = 512


@dataclass
class SqlSource:
    """The rows of one query. The password in the address is never shown or written."""

    url: str
    query: str = DEFAULT_QUERY
    mapping: Mapping[str, str] = field(default_factory=dict)
    date_order: str = "auto"
    monitor: Monitor = field(default_factory=Monitor)

    @property
    def name(self) -> str:
        shown = re.sub(r"//([^/@:]*):.*@", r"//\1:***@", self.url)
        return re.sub(r"\?.*", "?***", shown) if "://" in shown else shown  # drivers take passwords there too

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.name}\x1f{self.query}".encode()).hexdigest()

    def rows(self) -> Iterator[NoteRow]:
        path = duckdb_path(self.url)
        yield from self._build(*(self._duckdb(path) if path else self._sqlalchemy()))

    def _build(self, header: list[str], records: Iterable[Any]) -> Iterator[NoteRow]:
        columns = resolve(header, self.mapping, self.name)
        used = {name: at for name in KNOWN if (at := columns.position(name)) is not None}
        for number, record in enumerate(records, start=1):
            cells = {name: record[at] for name, at in used.items()}
            yield build(self.name, number, date_order=self.date_order, **cells)

    def _duckdb(self, path: Path) -> tuple[list[str], Iterator[Any]]:
        import duckdb
        import pyarrow as pa

        if not path.exists():
            raise InputError(f"{path}: there is no such DuckDB file")
        try:
            connection = duckdb.connect(str(path), read_only=True)
            relation = connection.sql(self.query)
            batches = None if relation is None else relation.to_arrow_reader(FETCH_ROWS)
        except duckdb.Error as problem:  # its message could hold values
            raise InputError(f"{self.name}: the query failed ({type(problem).__name__})") from None
        if batches is None:
            raise InputError(f"{self.name}: the query has no rows (expected a SELECT)")

        def records() -> Iterator[Any]:
            with connection:
                try:
                    for batch in batches:
                        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
                except (duckdb.Error, pa.ArrowException, OSError) as problem:
                    raise InputError(f"{self.name}: the query broke off ({type(problem).__name__})") from None

        return batches.schema.names, records()

    def _sqlalchemy(self) -> tuple[list[str], Iterator[Any]]:
        try:
            import sqlalchemy
        except ImportError:
            raise UsageError(
                "--sql: this address needs SQLAlchemy (pip install 'trial-extractor[sql]'); DuckDB files need nothing"
            ) from None
        try:
            engine = sqlalchemy.create_engine(self.url, hide_parameters=True)
            connection = engine.connect().execution_options(stream_results=True, max_row_buffer=FETCH_ROWS)
            try:
                result = connection.execute(sqlalchemy.text(self.query))
            except BaseException:
                connection.close()
                raise
        except ImportError as problem:
            raise UsageError(f"--sql: the driver {problem.name} of this address is not installed") from None
        except sqlalchemy.exc.ArgumentError:
            raise UsageError(
                f"--sql: {self.name} is no database address (expected dialect://user@host/database)"
            ) from None
        except sqlalchemy.exc.SQLAlchemyError as problem:
            raise InputError(f"{self.name}: the query failed ({type(problem).__name__})") from None

        def records() -> Iterator[Any]:
            try:
                while batch := result.fetchmany(FETCH_ROWS):
                    yield from batch
            except sqlalchemy.exc.SQLAlchemyError as problem:
                raise InputError(f"{self.name}: the query broke off ({type(problem).__name__})") from None
            finally:
                connection.close()
                engine.dispose()

        return list(result.keys()), records()


def duckdb_path(url: str) -> Path | None:
    """The file of a DuckDB address (``duckdb:///notes.duckdb`` or the path alone), None for any other address.

    >>> duckdb_path("duckdb:///notes.duckdb")
    PosixPath('notes.duckdb')
    """
    if url.startswith("duckdb:///"):
        return Path(url.removeprefix("duckdb:///"))
    return Path(url) if "://" not in url and url.lower().endswith(DUCKDB_SUFFIXES) else None
