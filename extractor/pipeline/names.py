"""Names side by side: synonyms of one concept as one name, and runs of names that share a list of values."""

from __future__ import annotations

import re

from ..frozen import dataclass
from .lexicon import Hit

_SAME = re.compile(r"\s*(?:\[?[(\[/,=-]|\bor\b|\baka\b)?\s*$")
_JOINT = re.compile(
    r"\s*(?:levels?|values?|counts?)?\s*[)\]]?\s*(?:/|,\s*and|,|\band\b|&|\bet\b|\+)\s*"
    r"(?:the\s+|serum\s+|total\s+|plasma\s+|her\s+|his\s+)*$"
)
_NUMBER_BEFORE = re.compile(r"\d[ \t]?$")
_PER_VOLUME = re.compile(r"/\s?(?:ul|mcl|mm|cu|cmm|microl|l\b)")
_NUMBER_BEHIND = re.compile(r"\+?\s*[:=]?\s*[<>]?\s*\d")


@dataclass(frozen=True, slots=True)
class Name:
    """One name, or several of one concept side by side ("carcinoembryonic antigen (CEA)")."""

    start: int
    end: int
    hit: Hit

    @property
    def silent(self) -> bool:
        """A name that holds its place in lists and gives no fact."""
        return bool(self.hit.get("silent"))


def merge(folded: str, hits: list[Hit]) -> list[Name]:
    """Names of one concept that stand side by side are one name."""
    names: list[Name] = []
    for hit in hits:
        # the K of "142 K/uL" is no potassium
        unit_like = hit.end - hit.start <= 2 and _NUMBER_BEFORE.search(folded[max(0, hit.start - 3) : hit.start])
        if hit.end - hit.start == 1 and _PER_VOLUME.match(folded, hit.end):
            continue
        if unit_like and not _NUMBER_BEHIND.match(folded, hit.end):
            continue
        if names and names[-1].hit.key == hit.key and _SAME.match(folded[names[-1].end : hit.start]):
            end = hit.end
            inside = folded[names[-1].start : end]
            if folded[end : end + 1] in (")", "]") and inside.count(")") < inside.count("("):
                end += 1
            # the longer name is the surer one; an analyte is surer than its disorder: "anaemia (Hb 88)"
            best = max((names[-1].hit, hit), key=lambda h: (not h.get("disorder"), len(h.name)))
            names[-1] = Name(names[-1].start, end, best)
        else:
            names.append(Name(hit.start, hit.end, hit))
    return names


def run_from(folded: str, names: list[Name], index: int) -> list[Name]:
    """Names joined by slashes, commas and "and" from ``index`` on, without a number between them."""
    run = [names[index]]
    for following in names[index + 1 :]:
        if not _JOINT.match(folded[run[-1].end : following.start]) or following.hit.get("pair"):
            break
        run.append(following)
    return run
