"""Decisions of people on what a run found: an append-only file in which each line seals the one before.

Each line is one JSON object with the digest of the previous line (``previous``) and its own (``sha256``), so that a
changed, removed or inserted byte is found by ``verify``. Writers take a lock on the file, and say which decision they
had seen: where another reviewer decided in between, nothing is written and ``Conflict`` names who and when.
A cut at the very end cannot be seen from the file itself: ``head`` is the digest to note down outside.
"""

from __future__ import annotations

import datetime
import getpass
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from extractor.errors import InputError, UsageError
from extractor.review.opened import given, listed

ACTIONS = ("accept", "override", "needs-information")
#: what an override may say
OUTCOMES = ("pass", "fail", "open", "not_applicable")
DECISIONS = ("candidate", "potential-candidate", "ineligible-for-now", "ineligible")
#: the subject of a decision on the patient as a whole
PATIENT = ""
ORIGIN = "0" * 64
#: columns of a fact whose change is a change of evidence
_SEEN = (
    "concept", "value", "value_high", "comparator", "unit", "value_text", "ref_low", "ref_high", "assertion",
    "experiencer", "temporality", "date_start", "date_end", "date_precision", "attributes", "copied_from",
)  # fmt: skip

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the reviewer looked at: the run's answer, its facts (id to digest) and the rules that gave it."""

    answer: str
    facts: Mapping[str, str]
    rules: str
    index_date: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision. ``old`` and ``new`` are the answer before and after; ``why`` the reviewer's reason."""

    who: str
    when: str
    patient_id: str
    trial_id: str
    criterion_id: str
    what: str
    old: str
    new: str
    why: str
    seen: Seen
    previous: str = ORIGIN
    sha256: str = ""

    @property
    def key(self) -> Key:
        return self.patient_id, self.trial_id, self.criterion_id


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a subject stands: the last decision, and why it is open again (empty: it stands)."""

    entry: Entry
    reopened: tuple[str, ...] = field(default=())


class Conflict(UsageError):
    """Another reviewer decided the same subject in the meantime; nothing was written."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(f"{entry.who} decided this at {entry.when} ({entry.what}: {entry.new}); look at it first")
        self.entry = entry


def fact_digest(fact: Mapping[str, Any]) -> str:
    """Digest of what a fact says; the fact's id is only where it stands."""
    said = [str(fact.get(name)) if given(fact.get(name)) else "" for name in _SEEN]
    return hashlib.sha256("\x1f".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def seen_of(
    person: Mapping[str, Any],
    criteria: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Mapping[str, Any]],
    rules: str,
    criterion_id: str = PATIENT,
) -> Seen:
    """What a reviewer of this criterion (or of the whole patient) has before the eyes."""
    rows = [row for row in criteria if criterion_id in (PATIENT, row["criterion_id"])]
    if not rows:
        raise UsageError(f"criterion {criterion_id}: the run has none of this name")
    cited = sorted({name for row in rows for name in listed(row["evidence"])})
    answer = person["decision"] if criterion_id == PATIENT else rows[0]["outcome"]
    digests = {name: fact_digest(facts[name]) for name in cited if name in facts}
    return Seen(str(answer), digests, rules, str(person["index_date"]) if given(person["index_date"]) else "")


def differences(before: Seen, now: Seen) -> tuple[str, ...]:
    """Why a decision made on ``before`` has to be looked at again; empty where it stands.

    New rules alone re-open nothing: the same answer on the same facts is what the reviewer signed.
    """
    said = []
    if before.answer != now.answer:
        said.append(f"the run said {before.answer} and now says {now.answer}")
    new = [name for name in now.facts if name not in before.facts]
    gone = [name for name in before.facts if name not in now.facts]
    changed = [name for name, value in now.facts.items() if before.facts.get(name, value) != value]
    # an edit elsewhere in a note moves a fact to another place: what it says is what was seen
    for name in list(new):
        twin = next((one for one in gone if before.facts[one] == now.facts[name]), None)
        if twin is not None:
            new.remove(name)
            gone.remove(twin)
    for names, word in ((new, "new"), (gone, "no longer cited"), (changed, "changed")):
        if names:
            said.append(f"{len(names)} {'fact' if len(names) == 1 else 'facts'} {word}")
    if before.index_date != now.index_date:
        said.append(f"the index date moved from {before.index_date or 'none'} to {now.index_date or 'none'}")
    if said and before.rules != now.rules:
        said.append("the rules or patterns are another version")
    return tuple(said)


class Audit:
    """The audit file at ``path``; it need not exist yet."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def decide(
        self,
        *,
        patient_id: str,
        trial_id: str,
        criterion_id: str = PATIENT,
        what: str,
        seen: Seen,
        new: str = "",
        why: str = "",
        who: str = "",
        after: str | None = None,
    ) -> Entry:
        """Appends one decision and returns it; it is on disk when this returns.

        ``after``  ``sha256`` of the last decision on this subject that the reviewer saw ("" for none); None: not checked
        Raises UsageError for an unknown action, an override without reason or target, and ``Conflict``.
        """
        allowed = DECISIONS if criterion_id == PATIENT else OUTCOMES
        if what not in ACTIONS:
            raise UsageError(f"decision {what!r}: expected one of {', '.join(ACTIONS)}")
        if what == "override" and new not in allowed:
            raise UsageError(f"override to {new!r}: expected one of {', '.join(allowed)}")
        if what in ("override", "needs-information") and not why.strip():
            raise UsageError(f"{what}: a reason is required")
        with self._locked() as file:
            entries = list(_entries(file.read(), self.path))
            last = next((e for e in reversed(entries) if e.key == (patient_id, trial_id, criterion_id)), None)
            if after is not None and (last.sha256 if last else "") != after:
                if last is None:
                    raise UsageError(f"{self.path}: the decision that was seen is not in this file")
                raise Conflict(last)
            entry = Entry(
                who=who or reviewer(),
                when=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                patient_id=patient_id,
                trial_id=trial_id,
                criterion_id=criterion_id,
                what=what,
                old=last.new if last else seen.answer,
                new=new if what == "override" else "open" if what == "needs-information" else seen.answer,
                why=why.strip(),
                seen=seen,
                previous=entries[-1].sha256 if entries else ORIGIN,
            )
            row = asdict(entry)
            row["sha256"] = _digest(row)
            file.seek(0, os.SEEK_END)
            file.write(json.dumps(row, ensure_ascii=True, sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return Entry(**{**row, "seen": seen})

    def entries(self) -> list[Entry]:
        """All decisions, oldest first; raises InputError where the chain is broken."""
        if not self.path.is_file():
            return []
        with self._locked() as file:
            return list(_entries(file.read(), self.path))

    def verify(self) -> int:
        """Number of sealed decisions; raises InputError that names the first line that is not what was written."""
        return len(self.entries())

    def head(self) -> str:
        """Digest of the newest line: noted outside the file, it shows whether lines were cut off at the end."""
        entries = self.entries()
        return entries[-1].sha256 if entries else ORIGIN

    def latest(self) -> dict[Key, Entry]:
        """The last decision on each subject."""
        return {entry.key: entry for entry in self.entries()}

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """The file under an exclusive lock; made private (0600) where it does not exist."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            _lock(file)
            try:
                file.seek(0)
                yield file
            finally:
                file.flush()
                _unlock(file)


def standing(entry: Entry | None, now: Seen) -> Standing | None:
    """The last decision against what the run says now."""
    return None if entry is None else Standing(entry, differences(entry.seen, now))


def reviewer() -> str:
    """Name of the reviewer: ``EXTRACTOR_REVIEWER`` where it is set, else the account's."""
    return os.environ.get("EXTRACTOR_REVIEWER") or getpass.getuser()


def _entries(raw: bytes, path: Path) -> Iterator[Entry]:
    previous = ORIGIN
    if raw and not raw.endswith(b"\n"):
        raise InputError(f"{path}: the last line is not whole; restore the file before deciding more")
    for number, line in enumerate(raw.split(b"\n")[:-1], start=1):
        where = f"{path}: line {number}"
        try:
            row = json.loads(line)
            sealed = row["sha256"]
            if _digest(row) != sealed or json.dumps(row, ensure_ascii=True, sort_keys=True).encode() != line:
                raise InputError(f"{where}: is not what was written (its digest does not fit)")
            if row["previous"] != previous:
                raise InputError(f"{where}: does not follow the line before it (a line was removed or put in)")
            entry = Entry(**{**row, "seen": Seen(**row["seen"])})
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{where}: is not what was written (expected one sealed decision)") from None
        previous = sealed
        yield entry


def _digest(row: Mapping[str, Any]) -> str:
    body = {name: value for name, value in row.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(body, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


try:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)

except ImportError:  # pragma: no cover - Windows has locks of byte ranges only
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        # a byte far beyond the end, so that readers are not held up; waits up to ten seconds
        file.seek(2**40)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]

    def _unlock(file: IO[bytes]) -> None:
        file.seek(2**40)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
