"""OMOP CDM 5.4 ``NOTE_NLP``: one row for each fact, as Parquet, with the columns and lengths of the CDM.

Concept ids need the site's vocabulary tables: they are 0 ("no matching concept"), and the code stands in
``term_modifiers`` (``code=LOINC 777-3``). Where note ids are no integers, they get one, and a crosswalk is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from extractor.writers import parquet

NOTE_NLP = pa.schema(
    [
        ("note_nlp_id", pa.int64()),
        ("note_id", pa.int64()),
        ("section_concept_id", pa.int64()),
        ("snippet", pa.string()),
        ("offset", pa.string()),
        ("lexical_variant", pa.string()),
        ("note_nlp_concept_id", pa.int64()),
        ("note_nlp_source_concept_id", pa.int64()),
        ("nlp_system", pa.string()),
        ("nlp_date", pa.date32()),
        ("nlp_datetime", pa.timestamp("us")),
        ("term_exists", pa.string()),
        ("term_temporal", pa.string()),
        ("term_modifiers", pa.string()),
    ]
)
LENGTHS = {
    "snippet": 250, "offset": 50, "lexical_variant": 250, "nlp_system": 250, "term_exists": 1, "term_temporal": 50,
    "term_modifiers": 2000,
}  # fmt: skip
_TEMPORAL = {"current": "Present", "historical": "Past", "future": "Future"}
_MODIFIERS = (
    "concept", "code", "assertion", "experiencer", "comparator", "value", "value_high", "unit", "value_text",
    "date_start", "date_end", "date_precision", "copied_from", "rule_id", "attributes",
)  # fmt: skip
CROSSWALK = pa.schema([("note_id", pa.int64()), ("note_source_value", pa.string())])


def write(run: Path, out: Path | None) -> Sequence[Path]:
    """Writes ``note_nlp.parquet`` (and ``note_id_crosswalk.parquet`` where needed) to the folder ``out``."""
    folder = out or run / "omop"
    folder.mkdir(parents=True, exist_ok=True)
    data = parquet.read_json(run / "run.json") or {}
    names = pq.read_table(run / "notes.parquet", columns=["note_id"]).column("note_id").to_pylist()
    known = sorted({name for name in names if name})
    whole = all(name.isascii() and name.isdigit() and len(name) < 19 and str(int(name)) == name for name in known)
    numbers = {name: int(name) if whole else place for place, name in enumerate(known, start=1)}
    written = [folder / "note_nlp.parquet"]
    parquet.write_batches(written[0], NOTE_NLP, _tables(run, numbers, data))
    if not whole:
        rows = [{"note_id": number, "note_source_value": name} for name, number in numbers.items()]
        written.append(folder / "note_id_crosswalk.parquet")
        parquet.write_batches(written[1], CROSSWALK, [parquet.table_of(CROSSWALK, rows)])
    return written


def _tables(run: Path, numbers: dict[str, int], data: dict[str, Any]) -> Iterator[pa.Table]:
    import datetime

    system = f"trial-extractor {data.get('versions', {}).get('trial-extractor', '')}"
    finished = datetime.datetime.fromisoformat(data["finished"]).replace(tzinfo=None)
    number = 0
    with pq.ParquetFile(run / "facts.parquet") as file:
        for batch in file.iter_batches(batch_size=4096):
            rows = []
            for fact in batch.to_pylist():
                number += 1
                rows.append(_row(fact, number, numbers[fact["note_id"]], system, finished))
            yield parquet.table_of(NOTE_NLP, rows)


def _row(fact: dict[str, Any], number: int, note: int, system: str, finished: Any) -> dict[str, Any]:
    modifiers = "; ".join(f"{name}={fact[name]}" for name in _MODIFIERS if fact[name] not in (None, "", "{}"))
    row = {
        "note_nlp_id": number,
        "note_id": note,
        "section_concept_id": 0,
        "snippet": fact["text"],
        "offset": str(fact["start"]),
        "lexical_variant": fact["text"],
        "note_nlp_concept_id": 0,
        "note_nlp_source_concept_id": 0,
        "nlp_system": system,
        "nlp_date": finished.date(),
        "nlp_datetime": finished,
        # CDM: Y only where the term is asserted of the patient, now or before
        "term_exists": "Y" if fact["assertion"] == "present" and fact["experiencer"] == "patient" else "N",
        "term_temporal": _TEMPORAL.get(fact["temporality"], ""),
        "term_modifiers": modifiers,
    }
    # a database takes no NUL; one character stands for it, so that the offsets stay
    return {
        name: value.replace("\x00", "\ufffd")[: LENGTHS[name]] if name in LENGTHS else value
        for name, value in row.items()
    }
