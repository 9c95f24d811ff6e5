"""Drug classes, half-lives, steroid doses and default limits of normal, read from ``patterns/``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from extractor import patterns
from extractor.errors import PatternError
from extractor.records import Fact

RULES = ("chemo14", "other30", "exempt", "review", "permanent")


@dataclass(frozen=True)
class HalfLife:
    """Washout rule of a drug with its half-life range in hours (None: not known)."""

    name: str
    rule: str
    low: float | None = None
    high: float | None = None
    bound: float | None = None


@dataclass(frozen=True)
class Steroid:
    """Milligrams that equal 5 mg of prednisone, and the highest daily dose that still counts as replacement."""

    equivalent: float
    physiologic: float
    documented_replacement: float


@lru_cache(maxsize=1)
def pattern_classes() -> dict[str, str]:
    """Class of every drug of ``patterns/therapies``, by its name in lower case."""
    return {item.concept.lower(): str(item.data.get("class", "")) for item in patterns.load().of("therapy")}


@lru_cache(maxsize=1)
def classes() -> dict[str, frozenset[str]]:
    """Members of every class: those of the table and those of the pattern classes that it includes."""
    table = patterns.table("drug_classes")
    by_pattern = pattern_classes()
    found = {}
    for name, entry in table["class"].items():
        included = table["includes"].get(name, ())
        found[name] = frozenset(member.lower() for member in entry["members"]) | {
            drug for drug, kind in by_pattern.items() if kind in included
        }
    return found


def half_life(drug: str) -> HalfLife:
    """Washout rule and half-life of a drug; one without an entry has the rule of its class and no half-life.

    >>> half_life("docetaxel").high, half_life("lobaplatin").high
    (116.0, None)
    """
    known = half_lives().get(drug.lower())
    if known:
        return known
    kind = pattern_classes().get(drug.lower(), drug.lower())
    for rule, kinds in patterns.table("drug_classes")["washout"].items():
        if kind in kinds:
            return HalfLife(drug, rule)
    return HalfLife(drug, "other30")


@lru_cache(maxsize=1)
def half_lives() -> dict[str, HalfLife]:
    found: dict[str, HalfLife] = {}
    for entry in patterns.table("half_lives")["drug"]:
        if entry["rule"] not in RULES:
            raise PatternError(
                f"patterns/half_lives.toml: {entry['name']}: rule: expected one of {', '.join(RULES)}, "
                f"found {entry['rule']!r}"
            )
        item = HalfLife(entry["name"], entry["rule"], entry.get("low"), entry.get("high"), entry.get("bound"))
        for name in (entry["name"], *entry.get("aliases", ())):
            found[name.lower()] = item
    return found


@lru_cache(maxsize=1)
def steroids() -> dict[str, Steroid]:
    return {
        name: Steroid(
            entry["equivalent"], entry["physiologic"], entry.get("documented_replacement", entry["physiologic"])
        )
        for name, entry in patterns.table("drug_classes")["steroid"].items()
    }


def depot(name: str) -> int:
    """``default_days`` ``grace_days`` ``longest_days`` of a depot LHRH analogue."""
    return patterns.table("drug_classes")["depot"][name]


def uln(concept: str, sex: str | None) -> tuple[float, float] | None:
    """Default upper limit of normal (lowest, highest) for a sex, None where the concept has none.

    >>> uln("ast", "male")
    (35.0, 48.0)
    """
    entry = patterns.table("uln_defaults").get(concept)
    if entry is None:
        return None
    low, high = entry[sex if sex in ("male", "female") else "any"]
    return float(low), float(high)


def drug_name(fact: Fact) -> str:
    """The drug of a fact: its concept, or the name that a medication fact holds (``value_text`` "other": its own name)."""
    if fact.family == "therapy":
        return fact.concept.lower()
    return str(fact.attributes.get("name") or fact.value_text or fact.concept).lower()


def is_in(fact_or_name: Fact | str, *names: str) -> bool:
    """Does the drug belong to one of the classes?

    >>> is_in("carboplatin", "platinum"), is_in("irinotecan", "platinum")
    (True, False)
    """
    name = fact_or_name.lower() if isinstance(fact_or_name, str) else drug_name(fact_or_name)
    table = classes()
    for which in names:  # noqa: SIM110 - asked some hundred times for each patient: no generator
        if name in table[which]:
            return True
    return False
