"""What several mentions of one treatment in a note say together.

"Adjuvant cisplatin" in the complaint and "four cycles of cisplatin" in the history are one treatment: each mention gets
the intent, the cycles and the regimen that the others state, where they do not disagree. Dates are never carried over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..records import Draft
from .treatment_status import ASSERTION, Cues

if TYPE_CHECKING:
    from .therapies import Reading

PHASES = frozenset({"maintenance", "consolidation"})
_SHARED = ("cycles", "intent", "regimen")
_REFERENCE = re.compile(
    r"\b(?:after|before|during|following|prior to|since|despite|completion of|weeks of|months of|combined with|response to)(?: (?:the|this|his|her))?\W*$"
)
_BARE = frozenset({"status", "class", "line", "line_source", "field", "site", "major", "as_written"})


def planned_again(readings: Sequence[Reading], cues: Cues) -> list[Reading]:
    """A bare word for a local treatment ("prior to that, SRS") is the plan that the note has told, if it told no other."""
    keys = [{h.key for h in r.course.hits if h.get("kind") in ("radiotherapy", "surgery")} for r in readings]
    found = list(readings)
    for index, reading in enumerate(readings):
        same = [r for r, key in zip(readings[:index], keys, strict=False) if keys[index] and key == keys[index]]
        if not same or reading.status != "received" or any(r.status != "planned" for r in same):
            continue
        told = (
            reading.period.interval() is not None or cues.status(reading.before, reading.after) is not None
            or cues.given(reading.before, reading.after)
        )
        if not told:
            attributes = {**reading.attributes, "status": "planned"}
            found[index] = replace(reading, status="planned", assertion=ASSERTION["planned"], attributes=attributes)
    return found


def carried(readings: Sequence[Reading]) -> list[Reading]:
    """Cycles of "after 4 cycles of chemotherapy" go to the drugs told shortly before, where those have none."""
    found = list(readings)
    for index, reading in enumerate(found):
        if reading.drugs or "cycles" not in reading.attributes or reading.status not in ("received", "ongoing"):
            continue
        if not any(hit.key == "chemotherapy" for hit in reading.course.hits):
            continue
        for back in range(index - 1, -1, -1):
            earlier = found[back]
            if reading.course.sentence.index - earlier.course.sentence.index > 4:
                break
            if earlier.drugs and earlier.status in ("received", "ongoing"):
                if "cycles" not in earlier.attributes:
                    found[back] = replace(
                        earlier, attributes={**earlier.attributes, "cycles": reading.attributes["cycles"]}
                    )
                break
    return found


def merged(drafts: Sequence[Draft], folded: str) -> list[Draft]:
    """The drafts of one note with what they share filled in; a bare reference back to a told treatment is dropped."""
    groups: dict[tuple[str, str | None], list[Draft]] = {}
    for draft in drafts:
        groups.setdefault((draft.concept, draft.assertion), []).append(draft)
    found: list[Draft] = []
    agreed: dict[tuple[str, Any], dict[str, Any]] = {}
    for draft in drafts:
        group = groups[draft.concept, draft.assertion]
        if len(group) == 1 or draft.assertion != "present":
            found.append(draft)
            continue
        if (
            draft.concept in ("radiotherapy", "surgery")
            and _bare(draft)
            and _REFERENCE.search(folded[max(0, draft.start - 40) : draft.start])
            and any(not _bare(other) or other.start < draft.start for other in group if other is not draft)
        ):
            continue
        if "class" in draft.attributes:
            key = (draft.concept, draft.attributes.get("line"))
            if key not in agreed:  # once for each treatment and line, however often it is named
                agreed[key] = _agreed(group, key[1])
            draft = replace(draft, attributes=_filled(draft, agreed[key]))
        found.append(draft)
    return found


def _bare(draft: Draft) -> bool:
    return draft.attributes.keys() <= _BARE


def _filled(draft: Draft, known: Mapping[str, Any]) -> dict[str, Any]:
    attributes = dict(draft.attributes)
    if attributes.keys() & {"start_date", "end_date"} or attributes.get("intent") in PHASES:
        return attributes
    return {**known, **attributes}


def _agreed(group: Sequence[Draft], line: Any) -> dict[str, Any]:
    """What all mentions of a treatment (of one line, where that is told) that say it say alike."""
    near = [d for d in group if d.attributes.get("line") in (line, None) or line is None]
    if line is None and len({d.attributes.get("line") for d in near if d.attributes.get("line")}) > 1:
        return {}
    agreed = {}
    for name in _SHARED:
        values = {d.attributes[name] for d in near if name in d.attributes and d.attributes.get("intent") not in PHASES}
        if len(values) == 1:
            agreed[name] = values.pop()
    return agreed
