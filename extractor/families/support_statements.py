"""Statements that only support a decision: each name of ``patterns/support`` with a fixed reading is one fact.

A concept that another ``support_*`` module reads itself says so with ``reader`` in its table.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft

FAMILY = SUPPORT
#: status: what became of it ("resolved")
#: says: assertion that the words themselves fix; value_text: fixed value; value_from_name: the words are the value;
#: reader: the module that reads the concept instead of this one
KEYS = frozenset({"says", "value_text", "value_from_name", "reader", "status"})


def read(note: NoteText) -> Iterable[Draft]:
    for hit in note.hits.get(FAMILY, ()):
        data = hit.concept.data
        if "reader" in data:
            continue
        value = data.get("value_text")
        if data.get("value_from_name"):
            value = note.folded[hit.start : hit.end]
        yield Draft(
            family=FAMILY,
            concept=hit.key,
            start=hit.start,
            end=hit.end,
            rule_id=hit.concept.rule_id,
            value_text=value,
            assertion=data.get("says"),
            attributes={"status": data["status"]} if "status" in data else {},
        )
