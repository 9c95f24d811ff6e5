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
    r"s?\+?\s*(?:[,/&+;]|\band\b|\bor\b|\bet\b|\bas well as\b|,\s*and\b|\bw/|-)?"
    r"(?:\s*(?:and|or|et|the|a|an|his|her|both|bilateral|left|right|l|r|multiple|single|one|two|several|numerous|few|lower|upper|lytic|osteolytic|sclerotic|osteoblastic|"
    r"distant|contralateral|cervical|mediastinal|hilar|supraclavicular|retroperitoneal|axillary|regional|"
    r"abdominal|pelvic|thoracic|lumbar|neck|gland|glands|wall|possibly|probable|also|new|diffuse|of|in|to|para-?aortic|paratracheal|"
    r"subcarinal|celiac|coeliac|portal|periportal|portocaval|iliac|inguinal|mesorectal|hepatic hilar|\d(?:st|nd|rd|th)))*\s*",
)
_BRACKET = re.compile(r"s?\s?\([^()\n]{0,80}\)")


#: "swollen lymph nodes and multiple liver metastases": the second noun begins anew
_QUANTITY = re.compile(r"\bw/|\b(?:multiple|several|numerous|single|a|an|one|two|few|new|possibly|probable)\b")


def read(note: NoteText) -> Iterable[Draft]:
    """A site makes no fact of its own."""
    return ()


def hits(note: NoteText, start: int, end: int) -> list[Hit]:
    """The sites named in [start, end)."""
    found = note.hits_between(FAMILY, start, end)
    if not any(hit.key == "lymph_node" for hit in found):
        return found
    return [
        hit for hit, following in zip(found, [*found[1:], None], strict=True) if following is None or not _of_node(note, hit, following)
    ]


def _of_node(note: NoteText, hit: Hit, following: Hit) -> bool:
    """An organ's name right before a node tells where the node lies: "parotid lymph node"."""
    return following.key == "lymph_node" and hit.get("kind") == "organ" and not note.folded[hit.end : following.start].strip()


def is_list_gap(between: str) -> bool:
    """May this text stand between two members of one list of sites?

    >>> is_list_gap(", both "), is_list_gap(" is unremarkable, ")
    (True, False)
    """
    return len(between) <= 40 and _LIST_GAP.fullmatch(between) is not None


def run_after(folded: str, found: Sequence[Hit], first: int) -> list[Hit]:
    """The list of sites that begins with ``found[first]``; what stands in brackets behind a member is its own."""
    members = [found[first]]
    end = _past_bracket(folded, members[0].end)
    for hit in found[first + 1 :]:
        if hit.start < end:
            continue
        if not is_list_gap(folded[end : hit.start]):
            break
        members.append(hit)
        end = _past_bracket(folded, hit.end)
    return members


def _past_bracket(folded: str, end: int) -> int:
    """ "brain (resected 2/25), lung": the end of the bracket, where another member may follow."""
    match = _BRACKET.match(folded, end, min(len(folded), end + 90))
    return match.end() if match and folded[match.end() : match.end() + 1] in (",", " ", ";", "/") else end


def run_before(folded: str, found: Sequence[Hit], last: int) -> list[Hit]:
    """The list of sites that ends with ``found[last]``, in the order of the text."""
    members = [found[last]]
    for hit in reversed(found[:last]):
        gap = folded[hit.end : members[0].start]
        if not is_list_gap(gap) or _QUANTITY.search(gap):
            break
        members.insert(0, hit)
    return members
