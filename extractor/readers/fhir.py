"""FHIR R4 ``DocumentReference`` and ``DiagnosticReport``: their attachments are notes.

The attachments of one DocumentReference are the same document in several formats (R4, DocumentReference.content):
the plainest is read. A link is not followed; such a resource is a rejected row.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from extractor.readers.encoding import decode
from extractor.readers.markup import html_to_text, rtf_to_text
from extractor.readers.rows import Monitor, NoteRow, build, reject

#: content types that can be read, the plainest first
READABLE = ("text/plain", "text/markdown", "text/html", "application/xhtml+xml", "text/rtf", "application/rtf")


def resource_rows(
    resource: dict[str, Any], *, name: str, row: int, date_order: str, monitor: Monitor
) -> Iterator[NoteRow]:
    """The note of one resource; of a Bundle, the notes of its entries. Other resources hold no notes."""
    kind = resource.get("resourceType")
    if kind == "Bundle":
        for entry in _list(resource.get("entry")):
            if isinstance(inner := _dict(entry).get("resource"), dict):
                yield from resource_rows(inner, name=name, row=row, date_order=date_order, monitor=monitor)
    elif kind == "DocumentReference":
        yield _document(resource, name, row, date_order)
    elif kind == "DiagnosticReport":
        yield _report(resource, name, row, date_order)
    else:
        label = kind if isinstance(kind, str) and kind.isalpha() else "resources without a type"
        monitor.say(f"{name}: {label} skipped (notes are read from DocumentReference and DiagnosticReport)")


def _document(resource: dict[str, Any], name: str, row: int, date_order: str) -> NoteRow:
    context = _dict(resource.get("context"))
    attachments = [_dict(_dict(content).get("attachment")) for content in _list(resource.get("content"))]
    date = resource.get("date") or _dict(context.get("period")).get("start")
    date = date or next((a["creation"] for a in attachments if a.get("creation")), None)
    return _note(resource, name, row, date_order, date, resource.get("type"), attachments, narrative=None)


def _report(resource: dict[str, Any], name: str, row: int, date_order: str) -> NoteRow:
    date = resource.get("effectiveDateTime") or _dict(resource.get("effectivePeriod")).get("start")
    attachments = [_dict(form) for form in _list(resource.get("presentedForm"))]
    conclusion = resource.get("conclusion")
    div = _dict(resource.get("text")).get("div")
    narrative = html_to_text(div) if isinstance(div, str) else conclusion if isinstance(conclusion, str) else None
    date = date or resource.get("issued")
    return _note(resource, name, row, date_order, date, resource.get("code"), attachments, narrative)


def _note(
    resource: dict[str, Any],
    name: str,
    row: int,
    date_order: str,
    date: Any,
    concept: Any,
    attachments: list[dict[str, Any]],
    narrative: str | None,
) -> NoteRow:
    note_id = str(resource.get("id") or "")
    patient_id = _patient(resource)
    if resource.get("status") == "entered-in-error" or resource.get("docStatus") == "entered-in-error":
        return reject(name, row, "status is entered-in-error", patient_id=patient_id, note_id=note_id)
    text, problem = _text(attachments)
    if text is None and narrative:
        text, problem = narrative, ""
    if text is None:
        return reject(name, row, problem, patient_id=patient_id, note_id=note_id)
    return build(
        name,
        row,
        patient_id=patient_id,
        note_id=note_id,
        note_date=date,
        note_type=_label(concept),
        text=text,
        date_order=date_order,
    )


def _patient(resource: dict[str, Any]) -> str:
    """``Patient/123`` and ``https://…/Patient/123`` are patient 123; else the identifier of the reference."""
    subject = _dict(resource.get("subject"))
    reference = str(subject.get("reference") or "").split("/_history/")[0]
    return reference.rsplit("/", 1)[-1] or str(_dict(subject.get("identifier")).get("value") or "")


def _label(concept: Any) -> str:
    codings = [_dict(coding) for coding in _list(_dict(concept).get("coding"))]
    text = _dict(concept).get("text")
    return str(text or next((coding["display"] for coding in codings if coding.get("display")), "") or "")


def _text(attachments: list[dict[str, Any]]) -> tuple[str | None, str]:
    """The plainest readable attachment as text, or the reason why there is none."""
    problem = "no attachment"
    ranked: list[tuple[int, int, str, str | None, Any]] = []
    for attachment in attachments:
        media, _, parameters = str(attachment.get("contentType") or "text/plain").lower().partition(";")
        if media.strip() not in READABLE:
            problem = f"attachment is no text (allowed: {', '.join(READABLE)})"
        elif attachment.get("data") is None:
            problem = "attachment is a link without data (links are not followed)"
        else:
            charset = parameters.partition("charset=")[2].strip(' "') or None
            ranked.append((READABLE.index(media.strip()), len(ranked), media.strip(), charset, attachment["data"]))
    for _, _, media, charset, data in sorted(ranked, key=lambda item: item[:2]):
        try:
            raw = base64.b64decode("".join(str(data).split()), validate=True)
        except (binascii.Error, ValueError):
            problem = "attachment is not valid base64"
            continue
        body = decode(raw, charset)
        if "html" in media:
            return html_to_text(body), ""
        return (rtf_to_text(body) if "rtf" in media else body), ""
    return None, problem


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
