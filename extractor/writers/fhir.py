"""FHIR R4 NDJSON: facts as ``Observation``, decisions as ``ResearchSubject``.

An Observation says what the notes state of the patient as present or absent; what is possible, planned or said of the
family is not exported. ``ineligible-for-now`` has no code in R4: its status is ``ineligible`` with a tag and the date.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from extractor.writers import parquet

SYSTEMS = {
    "LOINC": "http://loinc.org",
    "SNOMED": "http://snomed.info/sct",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ATC": "http://www.whocc.no/atc",
    "ICD-10": "http://hl7.org/fhir/sid/icd-10",
    "NCIT": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
}
UCUM = "http://unitsofmeasure.org"
#: units whose spelling in the facts is no UCUM expression
UCUM_CODES = {"/10[HPF]": "/(10.[HPF])"}
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
COMPARATORS = ("<", "<=", ">", ">=")


def write(run: Path, out: Path | None) -> Sequence[Path]:
    """Writes ``Observation.ndjson`` and, for a decided run, ``ResearchSubject.ndjson`` to the folder ``out``."""
    folder = out or run / "fhir"
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "Observation.ndjson"]
    _lines(written[0], (observation(fact) for fact in _rows(run / "facts.parquet") if _stated(fact)))
    if (run / "patients.parquet").is_file():
        written.append(folder / "ResearchSubject.ndjson")
        _lines(written[1], (subject(person) for person in _rows(run / "patients.parquet")))
    return written


def observation(fact: dict[str, Any]) -> dict[str, Any]:
    """One fact of the patient, with its value in UCUM and the note it was read from."""
    system, _, code = (fact["code"] or "").partition(" ")
    coding = [{"system": SYSTEMS[system.upper()], "code": code}] if system.upper() in SYSTEMS and code else []
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "id": fact["fact_id"],
        "status": "preliminary",
        "code": {"coding": coding, "text": fact["concept"]} if coding else {"text": fact["concept"]},
        "subject": _reference("Patient", fact["patient_id"]),
        "derivedFrom": [_reference("DocumentReference", fact["note_id"])],
        **_effective(fact),
        **_value(fact),
    }
    if fact["ref_low"] is not None or fact["ref_high"] is not None:
        resource["referenceRange"] = [
            {name: _quantity(fact[key], fact["unit"]) for name, key in (("low", "ref_low"), ("high", "ref_high"))
             if fact[key] is not None}
        ]  # fmt: skip
    return resource


def _value(fact: dict[str, Any]) -> dict[str, Any]:
    if fact["assertion"] == "absent":
        return {"valueBoolean": False}
    if fact["value"] is not None and fact["value_high"] is not None:
        low, high = (_quantity(fact[key], fact["unit"]) for key in ("value", "value_high"))
        return {"valueRange": {"low": low, "high": high}}
    if fact["value"] is not None:
        quantity = _quantity(fact["value"], fact["unit"])
        if fact["comparator"] in COMPARATORS:
            quantity["comparator"] = fact["comparator"]
        return {"valueQuantity": quantity}
    return {"valueString": fact["value_text"]} if fact["value_text"] else {"valueBoolean": True}


def _quantity(value: float, unit: str | None) -> dict[str, Any]:
    # {ULN} and other annotations are UCUM too
    return {"value": value, **({"unit": unit, "system": UCUM, "code": UCUM_CODES.get(unit, unit)} if unit else {})}


def _effective(fact: dict[str, Any]) -> dict[str, Any]:
    """``effective[x]``: as exact as the note is, a month as ``2026-03`` and a year as ``2026``."""
    if fact["date_start"] is None:
        return {}
    length = {"year": 4, "month": 7}.get(fact["date_precision"], 10)
    start, end = (str(day)[:length] if day else None for day in (fact["date_start"], fact["date_end"]))
    if end in (None, start):
        return {"effectiveDateTime": start}
    return {"effectivePeriod": {"start": start, "end": end}}


def _reference(kind: str, name: str) -> dict[str, Any]:
    """A resource by its id; by identifier where the site's name is none that FHIR allows as an id."""
    if _ID.fullmatch(name):
        return {"reference": f"{kind}/{name}"}
    return {"type": kind, "identifier": {"value": name}}


def _id(*parts: str) -> str:
    """An id of parts; where FHIR does not allow it, their digest."""
    name = "-".join(parts)
    return name if _ID.fullmatch(name) else hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()


def subject(person: dict[str, Any]) -> dict[str, Any]:
    """One decision, in FHIR ResearchSubject's words."""
    later = person["decision"] == "ineligible-for-now"
    resource: dict[str, Any] = {
        "resourceType": "ResearchSubject",
        "id": _id(person["trial_id"], person["patient_id"]),
        "status": "ineligible" if later else person["decision"],
        "study": _reference("ResearchStudy", person["trial_id"]),
        "individual": _reference("Patient", person["patient_id"]),
    }
    if later:
        resource["meta"] = {"tag": [{"display": "ineligible-for-now"}]}
        if person["earliest_date"] is not None:
            resource["period"] = {"start": str(person["earliest_date"])}
    if person["cohort"]:
        resource["assignedArm"] = person["cohort"]
    return resource


def _stated(fact: dict[str, Any]) -> bool:
    past_or_now = fact["temporality"] != "future"
    return past_or_now and fact["experiencer"] == "patient" and fact["assertion"] in ("present", "absent")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=4096):
            yield from batch.to_pylist()


def _lines(path: Path, resources: Iterable[dict[str, Any]]) -> None:
    with parquet.atomic(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for resource in resources:
            file.write(json.dumps(resource, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in FHIR")
