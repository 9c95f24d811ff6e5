"""Sites of the body: where a primary tumour sits, where a metastasis does. A site alone is no fact.

The other families ask here: histology for ``primary_site``, stage for the closed list of metastatic sites, the
pathology support for specimens and lesions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText
from ..records import Draft

FAMILY = "site"
KEYS = frozenset({"metastasis", "kind", "silent"})

#: what may stand between two sites of one list ("liver, both adrenals and the left 4th rib")
_LIST_GAP = re.compile(
    r"\s*(?:[,/&+;]|\band\b|\bor\b|\bet\b|\bas well as\b|,\s*and\b|\bw/|-)?"
    r"(?:\s*(?:and|or|et|the|a|an|his|her|both|bilateral|left|right|l|r|multiple|single|one|two|several|numerous|few|lower|upper|"
    r"distant|contralateral|cervical|mediastinal|hilar|supraclavicular|retroperitoneal|axillary|regional|"
    r"abdominal|pelvic|thoracic|lumbar|neck|gland|glands|wall|possibly|probable|also|new|diffuse|of|in|to|\d(?:st|nd|rd|th)))*\s*",
)


#: "swollen lymph nodes and multiple liver metastases": the second noun begins anew
_QUANTITY = re.compile(r"\b(?:multiple|several|numerous|single|a|an|one|two|few|new|possibly|probable)\b")


def read(note: NoteText) -> Iterable[Draft]:
    """A site makes no fact of its own."""
    return ()


def hits(note: NoteText, start: int, end: int) -> list[Hit]:
    """The sites named in [start, end)."""
    return note.hits_between(FAMILY, start, end)


def is_list_gap(between: str) -> bool:
    """May this text stand between two members of one list of sites?

    >>> is_list_gap(", both "), is_list_gap(" is unremarkable, ")
    (True, False)
    """
    return len(between) <= 40 and _LIST_GAP.fullmatch(between) is not None


def run_after(folded: str, found: Sequence[Hit], first: int) -> list[Hit]:
    """The list of sites that begins with ``found[first]``."""
    members = [found[first]]
    for hit in found[first + 1 :]:
        if not is_list_gap(folded[members[-1].end : hit.start]):
            break
        members.append(hit)
    return members


def run_before(folded: str, found: Sequence[Hit], last: int) -> list[Hit]:
    """The list of sites that ends with ``found[last]``, in the order of the text."""
    members = [found[last]]
    for hit in reversed(found[:last]):
        gap = folded[hit.end : members[0].start]
        if not is_list_gap(gap) or _QUANTITY.search(gap):
            break
        members.insert(0, hit)
    return members
