"""A pandas DataFrame of notes, for notebooks and for ``extractor.extract``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from extractor.readers.columns import KNOWN, resolve
from extractor.readers.rows import NoteRow, build

if TYPE_CHECKING:
    import pandas as pd


def rows(
    frame: pd.DataFrame, *, mapping: Mapping[str, str] | None = None, date_order: str = "auto"
) -> Iterator[NoteRow]:
    """The rows of a frame with the columns of a note table (ours or OMOP's); row numbers count from 1."""
    header = [str(column) for column in frame.columns]
    columns = resolve(header, mapping or {}, "notes")
    used = {name: at for name in KNOWN if (at := columns.position(name)) is not None}
    cells = {
        name: frame.iloc[:, at].astype(object).where(frame.iloc[:, at].notna(), None).tolist()
        for name, at in used.items()
    }
    for number, values in enumerate(zip(*cells.values(), strict=True), start=1):
        yield build("notes", number, date_order=date_order, **dict(zip(cells, values, strict=True)))
