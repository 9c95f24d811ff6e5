"""Lines of therapy in the order in which a note tells its courses, where the note does not number them itself.

Only what a reader of that note would count: systemic drugs that were given, adjuvant and neoadjuvant courses apart.
Clinical rule: the same drugs, a part of them, or one platinum for another are the same line (criteria 3.8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: drugs that never make a line of their own
UNCOUNTED = frozenset(
    {"lhrh", "lhrh_antagonist", "antiandrogen", "antiestrogen", "aromatase_inhibitor", "progestin", "ssa", "supportive", "steroid",
     "dopamine_agonist", "intravesical", "bone_agent"}
)  # fmt: skip
_SAME = {
    "carboplatin": "platinum",
    "cisplatin": "platinum",
    "nab-paclitaxel": "paclitaxel",
    "etoposide phosphate": "etoposide",
}


@dataclass(frozen=True)
class Given:
    """Drugs of one course as a line sees them: names, line as stated, intent, given or not."""

    drugs: frozenset[str]
    stated: int | None
    apart: bool  # adjuvant, neoadjuvant, never given, planned: not counted
    maintenance: bool = False


def derive(courses: Sequence[Given]) -> list[int | None]:
    """The line of each course; None where it is no line.

    >>> ep, ip = frozenset({"etoposide", "cisplatin"}), frozenset({"irinotecan", "cisplatin"})
    >>> derive([Given(ep, None, False), Given(ip, None, False), Given(frozenset({"topotecan"}), None, True)])
    [1, 2, None]
    """
    found: list[int | None] = []
    current = 0
    known: list[tuple[frozenset[str], int]] = []
    for course in courses:
        drugs = frozenset(_SAME.get(drug, drug) for drug in course.drugs)
        if course.stated is not None:
            number: int | None = course.stated
        elif course.apart or not drugs:
            number = None
        else:
            same = [line for other, line in known if drugs <= other or other <= drugs]
            if same:
                number = same[-1]
            elif course.maintenance and current:
                number = current
            else:
                number = current + 1
        if number is not None and not course.apart:
            current = max(current, number)
            known.append((drugs, number))
        found.append(number)
    return found
