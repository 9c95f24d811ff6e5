"""FHIR R4 ``DocumentReference`` and ``DiagnosticReport``: their attachments are notes.

The attachments of one resource are the same document in several formats (R4, DocumentReference.content): the plainest
is read. A link is followed to a contained Binary or one of the same Bundle alone; any other makes a rejected row.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from extractor.readers.encoding import decode
from extractor.readers.markup import html_to_text, rtf_to_text
from extractor.readers.rows import Monitor, NoteRow, build, reject

#: content types that can be read, the plainest first
READABLE = ("text/plain", "text/markdown", "text/html", "application/xhtml+xml", "text/rtf", "application/rtf")


_PARTIAL = re.compile(r"\d{4}(?:-\d{2})?")
#: statuses of resources that say nothing (any more) of the patient
WITHDRAWN = ("entered-in-error", "superseded", "cancelled")


def resource_rows(
    resource: dict[str, Any],
    *,
    name: str,
    row: int,
    date_order: str,
    monitor: Monitor,
    known: Mapping[str, dict[str, Any]] | None = None,
) -> Iterator[NoteRow]:
    """The note of one resource; of a Bundle, the notes of its entries. Other resources hold no notes.

    ``known``: resources of the Bundle by what a reference may call them.
    """
    kind = resource.get("resourceType")
    if kind == "Bundle":
        entries = [_dict(entry) for entry in _list(resource.get("entry"))]
        named = {call: inner for entry in entries for call, inner in _calls(entry)}
        for entry in entries:
            if isinstance(inner := entry.get("resource"), dict):
                if not inner.get("id") and entry.get("fullUrl"):
                    inner = {**inner, "id": str(entry["fullUrl"]).rpartition("/")[2].removeprefix("urn:uuid:")}
                yield from resource_rows(inner, name=name, row=row, date_order=date_order, monitor=monitor, known=named)
    elif kind in ("DocumentReference", "DiagnosticReport"):
        contained = [_dict(inner) for inner in _list(resource.get("contained"))]
        own = {f"#{inner['id']}": inner for inner in contained if inner.get("id")}
        yield _note(resource, name, row, date_order, {**(known or {}), **own})
    elif kind not in ("Patient", "Binary") or known is None:  # these two are looked up in a Bundle
        label = kind if isinstance(kind, str) and kind.isalpha() else "resources without a type"
        monitor.say(f"{name}: {label} skipped (notes are read from DocumentReference and DiagnosticReport)")


def _calls(entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What references may call the resource of an entry: its full address, and its type with its id."""
    inner = _dict(entry.get("resource"))
    if entry.get("fullUrl"):
        yield str(entry["fullUrl"]), inner
    if inner.get("id"):
        yield f"{inner.get('resourceType')}/{inner['id']}", inner


def _note(
    resource: dict[str, Any], name: str, row: int, date_order: str, known: Mapping[str, dict[str, Any]]
) -> NoteRow:
    note_id = str(resource.get("id") or "")
    patient_id, problem = _patient(_dict(resource.get("subject")), known)
    for status in (resource.get("status"), resource.get("docStatus")):
        if status in WITHDRAWN:
            problem = f"status is {status}"
    if problem:
        return reject(name, row, problem, patient_id=patient_id, note_id=note_id)
    if resource["resourceType"] == "DocumentReference":
        attachments = [_dict(_dict(content).get("attachment")) for content in _list(resource.get("content"))]
        period = _dict(_dict(resource.get("context")).get("period"))
        dates = [resource.get("date"), period.get("start"), *(a.get("creation") for a in attachments)]
        kind, narrative = resource.get("type"), None
    else:
        attachments = [_dict(form) for form in _list(resource.get("presentedForm"))]
        period = _dict(resource.get("effectivePeriod"))
        dates = [resource.get("effectiveDateTime"), period.get("start"), resource.get("issued")]
        kind, narrative = resource.get("code"), _narrative(resource)
    text, problem = _text(attachments, known)
    if text is None and narrative:
        text = narrative
    if text is None:
        return reject(name, row, problem, patient_id=patient_id, note_id=note_id)
    return build(
        name,
        row,
        patient_id=patient_id,
        note_id=note_id,
        note_date=_date(dates),
        note_type=_label(kind),
        text=text,
        date_order=date_order,
    )


def _date(dates: Iterable[Any]) -> Any:
    """The first that names a day. FHIR allows a year or a month alone, which date no note."""
    given = [str(date) for date in dates if date]
    whole = [date for date in given if not _PARTIAL.fullmatch(date)]
    return whole[0] if whole else None


def _narrative(resource: dict[str, Any]) -> str | None:
    """The words of a report without a form: its narrative, and its conclusion where that does not stand in it."""
    div, conclusion = _dict(resource.get("text")).get("div"), resource.get("conclusion")
    shown = html_to_text(div) if isinstance(div, str) else ""
    if isinstance(conclusion, str) and " ".join(conclusion.split()) not in " ".join(shown.split()):
        shown = f"{shown}\n\n{conclusion}" if shown.strip() else conclusion
    return shown or None


def _patient(subject: dict[str, Any], known: Mapping[str, dict[str, Any]]) -> tuple[str, str]:
    """The patient's id, or why there is none.

    ``Patient/123`` and ``https://…/Patient/123`` are patient 123; a contained patient is known by an identifier, one of
    the Bundle by its id; ``Patient?identifier=system|123`` and a reference by identifier alone are 123.
    """
    reference = str(subject.get("reference") or "").split("/_history/")[0]
    identifier = _identifier([subject.get("identifier")])
    found = known.get(reference, {})
    if reference.startswith("#") or (found and not found.get("id")):
        identifier = identifier or _identifier(_list(found.get("identifier")))
        return identifier, "" if identifier else "no patient_id (the contained patient has no identifier)"
    kind = subject.get("type") or found.get("resourceType") or reference.rpartition("/")[0].rpartition("/")[2]
    if kind and kind != "Patient" and "?" not in reference:
        return "", "subject is no patient (allowed: Patient)"
    if "?" in reference:
        return reference.rpartition("|")[2].rpartition("=")[2], ""
    return str(found.get("id") or "") or reference.rpartition("/")[2].removeprefix("urn:uuid:") or identifier, ""


def _identifier(identifiers: Iterable[Any]) -> str:
    return next((str(i["value"]) for i in map(_dict, identifiers) if i.get("value")), "")


def _label(concept: Any) -> str:
    codings = [_dict(coding) for coding in _list(_dict(concept).get("coding"))]
    text = _dict(concept).get("text")
    return str(text or next((coding["display"] for coding in codings if coding.get("display")), "") or "")


def _text(attachments: list[dict[str, Any]], known: Mapping[str, dict[str, Any]]) -> tuple[str | None, str]:
    """The plainest readable form as text (different attachments of one form in their order), or why there is none."""
    problem = "no attachment"
    forms: dict[tuple[bool, int], list[str]] = {}
    for attachment in attachments:
        binary = known.get(str(attachment.get("url") or ""), {})
        media, _, parameters = str(
            attachment.get("contentType") or binary.get("contentType") or "text/plain"
        ).lower().partition(";")  # fmt: skip
        media = media.strip()
        data = attachment.get("data") if attachment.get("data") is not None else binary.get("data")
        if media not in READABLE:
            problem = f"attachment is no text (allowed: {', '.join(READABLE)})"
            continue
        if data is None:
            problem = "attachment is a link without data (links are not followed)"
            continue
        try:
            raw = base64.b64decode("".join(str(data).split()), validate=True)
        except (binascii.Error, ValueError):
            problem = "attachment is not valid base64"
            continue
        body = decode(raw, parameters.partition("charset=")[2].partition(";")[0].strip(" '\"") or None)
        if "html" in media:
            body = html_to_text(body)
        elif "rtf" in media or body.startswith("{\\rtf"):
            body = rtf_to_text(body)
        found = forms.setdefault((not body.strip(), READABLE.index(media)), [])  # one that is blank is the last choice
        if body not in found:
            found.append(body)
    return ("\n\n".join(forms[min(forms)]), "") if forms else (None, problem)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
