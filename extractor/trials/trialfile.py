"""A trial as one TOML file: criteria in the protocol's words with their rules, windows, policies and test cases.

``docs/trials.md`` is the manual. Unknown keys, unknown ids and rules that cannot be read are ``TrialError``s that name
the file, the criterion and what is allowed.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from extractor import patterns
from extractor.errors import TrialError
from extractor.trials import language
from extractor.trials.rules import Rule, compile_rule

KINDS = ("inclusion", "exclusion")
CLASSES = ("computable", "partly", "human")
TIERS = ("gating", "screening", "attestation")
RESOLVABLE = ("fixed", "time", "correctable")
CONTEXTS = (
    "onc_full",
    "pmh",
    "ros_exam",
    "ros_exam_infection",
    "brain_img",
    "chest_ct",
    "meds",
    "rx_history",
    "allergy",
)
ABSENCE = re.compile(r"(unknown|attest|absent(?: citing (?P<cited>\w+))?|absent if (?P<contexts>\w+(?: or \w+)*))")

_FILE = frozenset({"trial", "cohort", "windows", "policies", "question", "criterion", "base"})
_TRIAL = frozenset({"id", "title", "source", "source_date", "notice", "any_cohort"})
_LEAF = frozenset(
    {
        "id", "label", "text", "tier", "rule", "applies", "absence", "absence_of", "presume_false_if", "resolvable",
        "review", "asks", "p_fail", "decisive", "missing", "gating", "cases",
    }
)  # fmt: skip
_CRITERION = _LEAF | {"kind", "class", "leaf"}
_POLICY = frozenset({"name", "reason", "default", "options", "criteria", "blocker"})
_QUESTION = frozenset({"id", "text", "cost"})
_CASE = frozenset({"states", "facts", "contexts", "policies", "sex", "age", "cohort", "expect", "expect_review", "why"})


@dataclass(frozen=True)
class Absence:
    """What silence means for a leaf. ``kind``: unknown, attest, absent, context (absent where a document is there)."""

    kind: str
    contexts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Criterion:
    """A numbered criterion or one of its leaves; ``parent`` is empty for the former."""

    id: str
    parent: str
    kind: str
    klass: str
    tier: str
    text: str
    label: str
    rule_text: str
    rule: Rule
    node: language.Node
    atoms: tuple[language.Atom, ...]
    refers: tuple[str, ...]
    absence: Absence
    resolvable: str
    leaves: tuple[Criterion, ...] = ()
    applies: Rule | None = None
    applies_node: language.Node | None = None
    absence_of: Mapping[str, Absence] = field(default_factory=dict)
    presume: Rule | None = None
    presume_node: language.Node | None = None
    review: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    p_fail: float = 0.05
    decisive: float = 1.0
    missing: str = ""
    gating: bool = True
    cases: tuple[Mapping[str, Any], ...] = ()

    @property
    def favourable(self) -> str:
        """The truth that lets the patient pass."""
        return "true" if self.kind == "inclusion" else "false"

    def nodes(self) -> Iterable[language.Node]:
        return (node for node in (self.node, self.applies_node, self.presume_node) if node is not None)


@dataclass(frozen=True)
class Policy:
    """A switch for what the protocol leaves open."""

    id: str
    name: str
    reason: str
    default: str
    options: tuple[str, ...]
    criteria: tuple[str, ...]
    blocker: bool = False


@dataclass(frozen=True)
class Question:
    """A fact that settles several leaves, asked once; ``cost`` is the effort to get it (chart look-up 1, biopsy 10)."""

    id: str
    text: str
    cost: float


@dataclass(frozen=True)
class Trial:
    """A whole trial file, validated and compiled."""

    id: str
    title: str
    source: str
    source_date: str
    notice: str
    file: str
    digest: str
    criteria: tuple[Criterion, ...]
    cohorts: Mapping[str, str]
    any_cohort: str  # state that is true where the patient is certainly in one of the cohorts, whichever
    windows: Mapping[str, int]
    policies: Mapping[str, Policy]
    questions: Mapping[str, Question]
    base: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> Iterable[Criterion]:
        """Criteria and their leaves in the order of the file."""
        for criterion in self.criteria:
            yield criterion
            yield from criterion.leaves

    def units(self) -> Iterable[Criterion]:
        """What decides a patient: leaves, and criteria that are a single rule."""
        for criterion in self.criteria:
            yield from criterion.leaves or (criterion,)

    def settings_of(self, chosen: Mapping[str, object] | None = None) -> dict[str, str]:
        """Policy values with a caller's choices; raises TrialError for an unknown policy or option."""
        values = {name: policy.default for name, policy in self.policies.items()}
        for key, value in (chosen or {}).items():
            name = next((p.id for p in self.policies.values() if key in (p.id, p.name, f"{p.id}_{p.name}")), None)
            if name is None:
                raise TrialError(f"{self.file}: policy: expected one of {', '.join(self.policies)}, found {key!r}")
            allowed = self.policies[name].options
            if str(value) not in allowed:
                raise TrialError(f"{self.file}: policy {name}: expected one of {', '.join(allowed)}, found {value!r}")
            values[name] = str(value)
        return values


def load_trial(trial: str | os.PathLike[str], overlay: str | os.PathLike[str] | None = None) -> Trial:
    """A trial by its name (``patterns/trials/NAME.toml``, an overlay's first) or from a file of one's own."""
    path = find_trial(trial, overlay)
    return _load(path, path.stat().st_mtime_ns)


def find_trial(trial: str | os.PathLike[str], overlay: str | os.PathLike[str] | None = None) -> Path:
    """The file of a trial."""
    given = Path(trial)
    if given.suffix == ".toml":
        if given.is_file():
            return given
        raise TrialError(f"{given.name}: no such trial file")
    folders = ([Path(overlay) / "trials"] if overlay else []) + [patterns.root() / "trials"]
    for folder in folders:
        if (folder / f"{trial}.toml").is_file():
            return folder / f"{trial}.toml"
    raise TrialError(f"trial: expected a file or one of {', '.join(shipped(overlay))}, found {str(trial)!r}")


def shipped(overlay: str | os.PathLike[str] | None = None) -> list[str]:
    """Names of the trials that ``--trial`` understands."""
    folders = [patterns.root() / "trials", *([Path(overlay) / "trials"] if overlay else [])]
    return sorted({path.stem for folder in folders for path in folder.glob("*.toml")})


@lru_cache(maxsize=32)
def _load(path: Path, _changed: int) -> Trial:
    content = path.read_bytes()
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrialError(f"{path.name}: {error}") from None
    return read_trial(data, path.name, hashlib.sha256(content).hexdigest())


def read_trial(data: Mapping[str, Any], file: str, digest: str = "") -> Trial:
    """A trial from the content of its file."""
    _known_keys(data, _FILE, file)
    head = data.get("trial")
    if not isinstance(head, Mapping) or not head.get("id"):
        raise TrialError(f"{file}: [trial]: expected a table with an id")
    _known_keys(head, _TRIAL, f"{file}: [trial]")
    policies = {key: _policy(key, value, file) for key, value in data.get("policies", {}).items()}
    questions = {}
    for item in data.get("question", []):
        _known_keys(item, _QUESTION, f"{file}: question")
        questions[item["id"]] = Question(item["id"], item["text"], float(item.get("cost", 1)))
    cohorts = {item["id"]: item["state"] for item in data.get("cohort", [])}
    known = _Known(file, policies, questions, cohorts)
    criteria = tuple(_criterion(item, known) for item in data.get("criterion", []))
    if not criteria:
        raise TrialError(f"{file}: expected at least one [[criterion]]")
    trial = Trial(
        id=str(head["id"]),
        title=str(head.get("title", "")),
        source=str(head.get("source", "")),
        source_date=str(head.get("source_date", "")),
        notice=str(head.get("notice", "")),
        file=file,
        digest=digest,
        criteria=criteria,
        cohorts=cohorts,
        any_cohort=str(head.get("any_cohort", "")),
        windows={key: int(value) for key, value in data.get("windows", {}).items()},
        policies=policies,
        questions=questions,
        base=data.get("base", {}),
    )
    _check_ids(trial)
    return trial


@dataclass(frozen=True)
class _Known:
    """Names that a criterion may use."""

    file: str
    policies: Mapping[str, Policy]
    questions: Mapping[str, Question]
    cohorts: Mapping[str, str]

    def policies_of(self, *ids: str) -> tuple[str, ...]:
        """Policies that name a criterion, or the one it is a leaf of."""
        return tuple(policy.id for policy in self.policies.values() if set(ids) & set(policy.criteria))


def _policy(key: str, item: Mapping[str, Any], file: str) -> Policy:
    where = f"{file}: policy {key}"
    _known_keys(item, _POLICY, where)
    for name in ("name", "reason", "default"):
        if name not in item:
            raise TrialError(f"{where}: {name}: missing")
    options = tuple(str(option) for option in item.get("options", [item["default"]]))
    default = str(item["default"])
    if default not in options:
        raise TrialError(f"{where}: default: expected one of {', '.join(options)}, found {default!r}")
    return Policy(key, item["name"], item["reason"], default, options, tuple(item.get("criteria", ())),
                  bool(item.get("blocker", False)))  # fmt: skip


def _criterion(item: Mapping[str, Any], known: _Known) -> Criterion:
    name = item.get("id", "?")
    where = f"{known.file}: criterion {name}"
    _known_keys(item, _CRITERION, where)
    kind = _one_of(item, "kind", KINDS, where)
    klass = _one_of(item, "class", CLASSES, where)
    if not item.get("text"):
        raise TrialError(f"{where}: text: expected the protocol's words")
    leaves = tuple(_one(leaf, item, kind, klass, known) for leaf in item.get("leaf", []))
    return _one(item, {}, kind, klass, known, leaves)


def _one(
    item: Mapping[str, Any],
    parent: Mapping[str, Any],
    kind: str,
    klass: str,
    known: _Known,
    leaves: tuple[Criterion, ...] = (),
) -> Criterion:
    where = f"{known.file}: criterion {item.get('id', '?')}"
    _known_keys(item, _LEAF if parent else _CRITERION, where)
    both = {
        **{key: parent[key] for key in ("tier", "absence", "resolvable", "asks") if key in parent},
        **item,
    }
    tier = _one_of(both, "tier", TIERS, where)
    resolvable = _one_of(both, "resolvable", RESOLVABLE, where)
    rule = item.get("rule", "")
    if not rule and leaves:
        glue = " and " if kind == "inclusion" else " or "
        rule = glue.join(f"ref({leaf.id})" for leaf in leaves if leaf.gating)
    if not rule:
        raise TrialError(f"{where}: rule: missing")
    node = language.parse(rule, f"{where}: rule")
    applies = language.parse(item["applies"], f"{where}: applies") if item.get("applies") else None
    presume = (
        language.parse(item["presume_false_if"], f"{where}: presume_false_if") if item.get("presume_false_if") else None
    )
    for part in (node, applies, presume):
        _check_cohorts(part, known.cohorts, where)
    for question in both.get("asks", ()):
        if question not in known.questions:
            raise TrialError(f"{where}: asks: expected some of {', '.join(known.questions)}, found {question!r}")
    for case in item.get("cases", ()):
        _known_keys(case, _CASE, f"{where}: case")
    return Criterion(
        id=str(item["id"]),
        parent=str(parent.get("id", "")),
        kind=kind,
        klass=klass,
        tier=tier,
        text=str(item.get("text", "")) or str(parent.get("text", "")),
        label=str(item.get("label", "")),
        rule_text=rule,
        rule=compile_rule(node),
        node=node,
        atoms=language.atoms(node),
        refers=language.references(node),
        absence=_absence(both.get("absence", "unknown"), where),
        resolvable=resolvable,
        leaves=leaves,
        applies=compile_rule(applies) if applies else None,
        applies_node=applies,
        absence_of={key: _absence(value, where) for key, value in item.get("absence_of", {}).items()},
        presume=compile_rule(presume) if presume else None,
        presume_node=presume,
        review=tuple(item.get("review", ())),
        policies=known.policies_of(str(item["id"]), str(parent.get("id", ""))),
        asks=tuple(both.get("asks", ())),
        p_fail=float(item.get("p_fail", 0.05)),
        decisive=float(item.get("decisive", 1.0)),
        missing=str(item.get("missing", "")),
        gating=bool(item.get("gating", True)),
        cases=tuple(item.get("cases", ())),
    )


def _absence(text: str, where: str) -> Absence:
    match = ABSENCE.fullmatch(text)
    if not match:
        raise TrialError(
            f"{where}: absence: expected unknown, attest, absent, absent citing CONTEXT or absent if CONTEXT, found {text!r}"
        )
    if match["contexts"]:
        contexts = tuple(match["contexts"].split(" or "))
        kind = "context"
    else:
        contexts = (match["cited"],) if match["cited"] else ()
        kind = "absent" if text.startswith("absent") else text
    for name in contexts:
        if name not in CONTEXTS:
            raise TrialError(f"{where}: absence: expected a context of {', '.join(CONTEXTS)}, found {name!r}")
    return Absence(kind, contexts)


def _check_cohorts(node: language.Node | None, cohorts: Mapping[str, str], where: str) -> None:
    for item in node.walk() if node else ():
        if isinstance(item, language.Is) and item.name == "cohort":
            for value in item.values:
                if value not in cohorts:
                    raise TrialError(
                        f"{where}: cohort: expected one of {', '.join(cohorts) or 'none'}, found {value!r}"
                    )


def _check_ids(trial: Trial) -> None:
    """Ids are unique, references lead somewhere and never in a circle."""
    rows = list(trial.rows())
    by_id = {row.id: row for row in rows}
    if len(by_id) < len(rows):
        double = next(row.id for i, row in enumerate(rows) if row.id in {r.id for r in rows[:i]})
        raise TrialError(f"{trial.file}: criterion {double}: the id is used twice")
    refers: dict[str, set[str]] = {}
    for row in rows:
        names = {name for node in row.nodes() for name in language.references(node)}
        for name in names - by_id.keys():
            raise TrialError(f"{trial.file}: criterion {row.id}: ref({name}): no such criterion")
        refers[row.id] = names
    for start in refers:
        seen, todo = set(), list(refers[start])
        while todo:
            name = todo.pop()
            if name == start:
                raise TrialError(f"{trial.file}: criterion {start}: refers to itself")
            if name not in seen:
                seen.add(name)
                todo += refers[name]
    for policy in trial.policies.values():
        for name in policy.criteria:
            if name not in by_id:
                raise TrialError(f"{trial.file}: policy {policy.id}: criteria: no criterion {name!r}")


def _known_keys(item: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    if not isinstance(item, Mapping):
        raise TrialError(f"{where}: expected a table")
    for key in item:
        if key not in allowed:
            raise TrialError(f"{where}: unknown key {key!r}; allowed: {', '.join(sorted(allowed))}")


def _one_of(item: Mapping[str, Any], key: str, allowed: tuple[str, ...], where: str) -> str:
    value = item.get(key)
    if value not in allowed:
        raise TrialError(f"{where}: {key}: expected one of {', '.join(allowed)}, found {value!r}")
    return value
