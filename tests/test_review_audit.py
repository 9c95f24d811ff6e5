"""Decisions of reviewers: sealed, appended at once by several people, re-opened where the evidence changed."""

from __future__ import annotations

import json
import multiprocessing
import re
from dataclasses import replace
from pathlib import Path

import pytest

from extractor.errors import InputError, UsageError
from extractor.review.audit import ORIGIN, PATIENT, Audit, Conflict, Seen, differences, fact_digest, seen_of

SEEN = Seen("pass", {"f1": "aaaa", "f2": "bbbb"}, "patterns 1, trial 1", "2026-03-02")
FACT = {"concept": "ecog", "value": 1.0, "assertion": "present", "note_id": "n1", "start": 3, "end": 9}


def decide(audit: Audit, **change: object):
    given = {"patient_id": "P1", "trial_id": "T", "criterion_id": "I7", "what": "accept", "seen": SEEN, "who": "ann"}
    return audit.decide(**{**given, **change})


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    found = Audit(tmp_path / "review" / "audit.jsonl")
    decide(found)
    decide(found, what="override", new="fail", why="ECOG 3 at today's visit")
    decide(found, criterion_id=PATIENT, what="needs-information", why="ask for the MRI", who="bob")
    return found


def test_what_is_kept(audit: Audit) -> None:
    first, second, third = audit.entries()
    assert (first.who, first.what, first.old, first.new, first.why) == ("ann", "accept", "pass", "pass", "")
    assert (second.what, second.old, second.new, second.why) == ("override", "pass", "fail", "ECOG 3 at today's visit")
    assert (third.who, third.criterion_id, third.new) == ("bob", "", "open")
    assert first.previous == ORIGIN and second.previous == first.sha256 and third.previous == second.sha256
    assert second.seen == SEEN
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.when)
    assert audit.head() == third.sha256
    assert audit.verify() == 3
    assert audit.latest()["P1", "T", "I7"] == second


def test_file_is_private(audit: Audit) -> None:
    assert audit.path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_there_has_no_decisions(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "none.jsonl")
    assert audit.entries() == [] and audit.head() == ORIGIN
    assert not audit.path.exists()


def test_any_changed_byte_is_found(audit: Audit) -> None:
    raw = audit.path.read_bytes()
    for at in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[at] ^= 1
        audit.path.write_bytes(bytes(changed))
        with pytest.raises(InputError, match=r"audit\.jsonl: (line \d|the last line)"):
            audit.verify()
    audit.path.write_bytes(raw)
    assert audit.verify() == 3


@pytest.mark.parametrize(
    ("lines", "line"),
    [([1, 2], 1), ([0, 2], 2), ([1, 0, 2], 1), ([0, 1, 1, 2], 3), ([0, 0, 1, 2], 2)],
    ids=["first removed", "middle removed", "swapped", "repeated", "first repeated"],
)
def test_removed_moved_and_repeated_lines_are_found(audit: Audit, lines: list[int], line: int) -> None:
    kept = audit.path.read_bytes().splitlines(keepends=True)
    audit.path.write_bytes(b"".join(kept[at] for at in lines))
    with pytest.raises(InputError, match=f"line {line}: does not follow"):
        audit.verify()


def test_a_line_put_in_with_its_own_digest_breaks_the_chain(audit: Audit) -> None:
    kept = audit.path.read_bytes().splitlines(keepends=True)
    other = Audit(audit.path.with_name("other.jsonl"))
    decide(other, who="eve")
    audit.path.write_bytes(kept[0] + other.path.read_bytes() + kept[1] + kept[2])
    with pytest.raises(InputError, match="line 2: does not follow"):
        audit.verify()


def test_lines_cut_off_at_the_end_show_in_the_head(audit: Audit) -> None:
    head = audit.head()
    kept = audit.path.read_bytes().splitlines(keepends=True)
    audit.path.write_bytes(b"".join(kept[:2]))
    assert audit.verify() == 2
    assert audit.head() != head


def test_nothing_is_added_to_a_broken_file(audit: Audit) -> None:
    audit.path.write_bytes(audit.path.read_bytes()[:-1])
    before = audit.path.read_bytes()
    with pytest.raises(InputError, match="not whole"):
        decide(audit)
    assert audit.path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"what": "agree"}, "expected one of accept, override, needs-information"),
        ({"what": "override", "new": "eligible", "why": "x"}, "expected one of pass, fail, open, not_applicable"),
        ({"what": "override", "new": "fail"}, "a reason is required"),
        ({"what": "override", "new": "fail", "why": "  \n"}, "a reason is required"),
        ({"what": "needs-information"}, "a reason is required"),
        ({"criterion_id": "", "what": "override", "new": "pass", "why": "x"}, "expected one of candidate"),
    ],
    ids=["action", "target", "no reason", "blank reason", "no question", "outcome for a patient"],
)
def test_what_is_refused(audit: Audit, change: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        decide(audit, **change)
    assert audit.verify() == 3


def test_a_decision_made_in_between_is_not_overwritten(audit: Audit) -> None:
    seen = audit.latest()["P1", "T", "I7"].sha256
    newer = decide(audit, who="bob", after=seen)
    with pytest.raises(Conflict, match="bob decided this at") as caught:
        decide(audit, what="override", new="open", why="late", after=seen)
    assert caught.value.entry == newer
    assert audit.verify() == 4
    with pytest.raises(Conflict):
        decide(audit, after="")
    decide(audit, criterion_id="I8", after="")
    assert audit.verify() == 5


def _append(path: str, who: str) -> None:
    for number in range(12):
        decide(Audit(path), who=who, criterion_id=f"I{number}")


def test_reviewers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(str(path), f"reviewer {n}")) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    entries = Audit(path).entries()
    assert sorted((e.who, e.criterion_id) for e in entries) == sorted(
        (f"reviewer {n}", f"I{at}") for n in range(3) for at in range(12)
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ()),
        ({"rules": "patterns 2, trial 1"}, ()),
        ({"answer": "open"}, ("the run said pass and now says open",)),
        ({"facts": {"f1": "aaaa"}}, ("1 fact no longer cited",)),
        ({"facts": {"f1": "aaaa", "f2": "bbbb", "f3": "cccc", "f4": "d"}}, ("2 facts new",)),
        ({"facts": {"f1": "aaaa", "f2": "cccc"}}, ("1 fact changed",)),
        ({"facts": {"f1": "aaaa", "moved": "bbbb"}}, ()),
        ({"index_date": "2026-04-01"}, ("the index date moved from 2026-03-02 to 2026-04-01",)),
        (
            {"answer": "fail", "rules": "other"},
            ("the run said pass and now says fail", "the rules or patterns are another version"),
        ),
    ],
    ids=["same", "new rules alone", "answer", "gone", "new", "changed", "moved", "index date", "answer and rules"],
)
def test_what_reopens_a_decision(change: dict, why: tuple[str, ...]) -> None:
    assert differences(SEEN, replace(SEEN, **change)) == why


@pytest.mark.parametrize(
    ("change", "same"),
    [({"value": 2.0}, False), ({"assertion": "absent"}, False), ({"copied_from": "n0"}, False), ({"start": 4}, True),
     ({"copied_from": None}, True), ({"value_high": float("nan")}, True)],
    ids=["value", "assertion", "copied", "place", "null", "nan"],
)  # fmt: skip
def test_digest_of_a_fact_is_what_it_says(change: dict, same: bool) -> None:
    assert (fact_digest({**FACT, **change}) == fact_digest(FACT)) is same


def test_seen_holds_the_cited_facts_of_the_criterion_alone() -> None:
    person = {"decision": "candidate", "index_date": None}
    rows = [
        {"criterion_id": "I7", "outcome": "pass", "evidence": ["f1"]},
        {"criterion_id": "I8", "outcome": "open", "evidence": ["f2", "gone"]},
    ]
    facts = {"f1": FACT, "f2": {**FACT, "value": 2.0}}
    assert seen_of(person, rows, facts, "r", "I7") == Seen("pass", {"f1": fact_digest(FACT)}, "r", "")
    assert sorted(seen_of(person, rows, facts, "r").facts) == ["f1", "f2"]
    assert seen_of(person, rows, facts, "r").answer == "candidate"
    with pytest.raises(UsageError, match="criterion I9"):
        seen_of(person, rows, facts, "r", "I9")


def test_each_line_is_one_json_object(audit: Audit) -> None:
    lines = audit.path.read_text(encoding="ascii").splitlines()
    assert [json.loads(line)["criterion_id"] for line in lines] == ["I7", "I7", ""]
