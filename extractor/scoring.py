"""How good the facts are: precision, recall and F1 for each family and concept, with the errors listed.

Gold comes in our own simple format (JSON Lines of ``{"id", "text", "facts": [...]}``, or text with inline marks), as a
brat folder (``.txt`` and ``.ann``) or as Label Studio JSON. A fact counts as found where concept, assertion, experiencer
and, in the full score, value, comparator and value_text agree; each distinct fact of a document counts once.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_MARK = re.compile(r'<fact((?:[^">]|"[^"]*+"){0,400}+)>|</fact>')
_ATTRIBUTE = re.compile(r"(?<!\w)(\w++)=(\"[^\"]*\"|[^\s\"]+)")
_NUMBERS = ("value", "value_high")
TOLERANCE = 0.02  # relative: numbers of three significant digits


@dataclass(frozen=True)
class GoldDocument:
    """A text with the facts that a careful reader finds in it."""

    id: str
    text: str
    facts: tuple[dict[str, Any], ...]


@dataclass
class Tally:
    """Counts of one family or concept."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    @property
    def precision(self) -> float:
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else math.nan

    @property
    def recall(self) -> float:
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else math.nan

    @property
    def f1(self) -> float:
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else math.nan


@dataclass
class Report:
    """Result of ``score``: tallies by family and concept, and the errors as (kind, document, fact)."""

    documents: int = 0
    families: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    concepts: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    errors: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def micro(self) -> Tally:
        tallies = self.families.values()
        return Tally(sum(t.tp for t in tallies), sum(t.fp for t in tallies), sum(t.fn for t in tallies))

    def rows(self) -> list[tuple[str, int, float, float, float]]:
        """(name, n, precision, recall, F1) for each family, its concepts below it, and all together."""
        rows = []
        for family, tally in sorted(self.families.items()):
            rows.append((family, tally.tp + tally.fn, tally.precision, tally.recall, tally.f1))
            for (of, concept), one in sorted(self.concepts.items()):
                if of == family:
                    rows.append((f"  {concept}", one.tp + one.fn, one.precision, one.recall, one.f1))
        micro = self.micro
        return [*rows, ("all", micro.tp + micro.fn, micro.precision, micro.recall, micro.f1)]


def inline(marked: str) -> tuple[str, list[dict[str, Any]]]:
    """Text without its marks, and the marked facts with their offsets.

    >>> inline("Plt <fact concept=platelets value=98>98 K/uL</fact>.")[0]
    'Plt 98 K/uL.'
    """
    text: list[str] = []
    facts: list[dict[str, Any]] = []
    open_facts: list[dict[str, Any]] = []
    at = length = 0
    for match in _MARK.finditer(marked):
        piece = marked[at : match.start()]
        text.append(piece)
        length += len(piece)
        at = match.end()
        if match.group(1) is None:
            if not open_facts:
                raise InputError("gold: </fact> without <fact>")
            open_facts.pop()["end"] = length
        else:
            fact: dict[str, Any] = {name: value.strip('"') for name, value in _ATTRIBUTE.findall(match.group(1))}
            fact |= {name: float(fact[name]) for name in _NUMBERS if name in fact}
            fact["start"] = length
            facts.append(fact)
            open_facts.append(fact)
    if open_facts:
        raise InputError(f"gold: {len(open_facts)} <fact> without </fact>")
    text.append(marked[at:])
    return "".join(text), facts


def read_gold(path: str | Path) -> list[GoldDocument]:
    """Gold of a file or a folder: our JSON Lines or marked texts, Label Studio JSON, brat.

    Raises InputError where the form is none of these.
    """
    path = Path(path)
    if path.is_dir():
        marked, brat = sorted(path.glob("*.marked.txt")), sorted(path.glob("*.ann"))
        if marked:
            return [_marked(p) for p in marked]
        if brat:
            return [_brat(p) for p in brat]
        # Label Studio's JSON counts only where there are no JSON Lines: a record of scores may lie beside those
        found = sorted(path.glob("*.jsonl")) or sorted(path.glob("*.json"))
        if found:
            return [document for p in found for document in read_gold(p)]
        raise InputError(f"{path}: no *.jsonl, *.json, *.marked.txt or *.ann in the folder")
    if not path.is_file():
        raise InputError(f"{path}: no such gold")
    if path.suffix == ".json":
        return list(_label_studio(json.loads(path.read_text(encoding="utf-8")), path))
    return list(_lines(path))


def _marked(path: Path) -> GoldDocument:
    text, facts = inline(path.read_text(encoding="utf-8"))
    return GoldDocument(path.name.removesuffix(".marked.txt"), text, tuple(facts))


def _lines(path: Path) -> Iterator[GoldDocument]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            if "marked" in item:
                text, facts = inline(item["marked"])
                yield GoldDocument(str(item["id"]), text, tuple(facts))
            else:
                yield GoldDocument(str(item["id"]), item["text"], tuple(item["facts"]))
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(
                f"{path.name}: line {number}: {type(error).__name__}: expected id, and marked or text and facts"
            ) from None


def _label_studio(items: Any, path: Path) -> Iterator[GoldDocument]:
    if not isinstance(items, list):
        raise InputError(f"{path.name}: expected a list of Label Studio tasks")
    for number, task in enumerate(items):
        facts = []
        for result in (r for a in task.get("annotations", ()) for r in a.get("result", ())):
            value = result.get("value", {})
            if "labels" in value:
                family, _, concept = value["labels"][0].rpartition(":")
                meta = {k: v for k, _, v in (m.partition("=") for m in result.get("meta", {}).get("text", ()))}
                facts.append(
                    {"family": family, "concept": concept, "start": value["start"], "end": value["end"], **meta}
                )
        data = task.get("data", {})
        yield GoldDocument(str(data.get("id", task.get("id", number))), data.get("text", ""), tuple(facts))


def _brat(path: Path) -> GoldDocument:
    """T lines are facts (label = concept), A lines their attributes, N and # lines are ignored."""
    facts: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition("\t")
        if kind.startswith("T"):
            label, start, *_, end = re.split(r"[ ;]", rest.split("\t")[0])
            family, _, concept = label.rpartition("-")
            facts[kind] = {"family": family, "concept": concept, "start": int(start), "end": int(end)}
        elif kind.startswith("A"):
            name, target, *value = rest.split(" ")
            if target in facts:
                facts[target][name.lower()] = value[0] if value else "true"
    return GoldDocument(path.stem, path.with_suffix(".txt").read_text(encoding="utf-8"), tuple(facts.values()))


def _key(fact: dict[str, Any]) -> tuple[str, str, str]:
    return str(fact["concept"]).lower(), fact.get("assertion") or "present", fact.get("experiencer") or "patient"


def _number(value: Any) -> float | None:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    return float(value)


def _word(value: Any) -> str | None:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value).lower().replace("_", " ").replace("-", " ").strip()


def agrees(gold: dict[str, Any], found: dict[str, Any]) -> bool:
    """Does a found fact say what the gold says? What the gold does not state is not asked for, numbers excepted."""
    if _key(gold) != _key(found):
        return False
    for name in _NUMBERS:
        a, b = _number(gold.get(name)), _number(found.get(name))
        if (a is None) != (b is None) or (
            a is not None and b is not None and not math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-6)
        ):
            return False
    if _number(gold.get("value")) is not None and (gold.get("comparator") or "=") != (found.get("comparator") or "="):
        return False
    want = _word(gold.get("value_text"))
    return want is None or want == _word(found.get("value_text"))


def score(gold: Iterable[GoldDocument], facts: pd.DataFrame, *, concepts: frozenset[str] | None = None) -> Report:
    """Compare facts (columns of ``facts.parquet``, ``note_id`` = the gold's id) with gold, document by document.

    ``concepts``: only these count (a gold that was annotated for some concepts only).
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in facts.to_dict("records"):
        found[str(row["note_id"])].append(row)
    report = Report()
    for document in gold:
        report.documents += 1
        golds = _distinct(f for f in document.facts if concepts is None or f["concept"] in concepts)
        founds = _distinct(f for f in found.get(document.id, ()) if concepts is None or f["concept"] in concepts)
        free = list(founds)
        for fact in golds:
            match = next((f for f in free if agrees(fact, f)), None)
            name = (match or {}).get("family") or fact.get("family") or ""
            if match is None:
                _count(report, name, fact, "fn")
                report.errors.append(("missed", document.id, fact))
            else:
                free.remove(match)
                _count(report, name, fact, "tp")
        for fact in free:
            if not any(agrees(g, fact) for g in golds):
                _count(report, fact["family"], fact, "fp")
                report.errors.append(("spurious", document.id, fact))
    return report


def _count(report: Report, family: str, fact: dict[str, Any], what: str) -> None:
    for tally in (report.families[family], report.concepts[family, fact["concept"]]):
        setattr(tally, what, getattr(tally, what) + 1)


def _distinct(facts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for fact in facts:
        key = (*_key(fact), _number(fact.get("value")), _number(fact.get("value_high")), _word(fact.get("value_text")))
        kept.setdefault(key, fact)
    return list(kept.values())


def report(gold: str | Path, facts: str | Path, *, errors: int = 0) -> str:
    """The table of ``extractor score``: each family and concept with n, precision, recall and F1, then errors.

    Errors name document, concept and value; the words themselves are not printed.
    """
    import pandas as pd

    path = Path(facts)
    path = path / "facts.parquet" if path.is_dir() else path
    if not path.is_file():
        raise InputError(f"{path}: no such facts file")
    result = score(read_gold(gold), pd.read_parquet(path))
    lines = [f"{'':32}{'n':>6}{'P':>8}{'R':>8}{'F1':>8}"]
    for name, count, precision, recall, f1 in result.rows():
        lines.append(f"{name:32}{count:>6}{precision:>8.3f}{recall:>8.3f}{f1:>8.3f}")
    for kind, document, fact in result.errors[:errors]:
        said = ", ".join(
            f"{k} {fact[k]}" for k in ("value", "value_high", "value_text", "assertion") if _word(fact.get(k))
        )
        lines.append(f"{kind:9} {document}: {fact['concept']} {said}")
    return "\n".join(lines)
