"""The rule language: what it reads, what it refuses and how it points at the word."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.errors import TrialError
from extractor.timeline.measure import Measure
from extractor.timeline.patient import make_patient
from extractor.timeline.settings import Settings
from extractor.trials import language as lang
from extractor.trials.check import mini_fact
from extractor.trials.rules import Scope, compile_rule
from extractor.truth import Answer, Truth, all_of, any_of, if_else, negate

INDEX = datetime.date(2025, 11, 20)
WORD = {Truth.T: "true", Truth.F: "false", Truth.U: "unknown"}


def answer(rule: str, *facts: dict, states: dict | None = None, cohorts: dict | None = None) -> Answer:
    patient = make_patient("p", [mini_fact(item, i, "test") for i, item in enumerate(facts)], INDEX)
    given_states = {name: Answer(truth) for name, truth in (states or {}).items()}
    return compile_rule(lang.parse(rule))(Scope(patient, Settings(), given_states, cohorts or {}))


READ = [
    ("platelets >= 100 10*9/L within 21 d", lang.Compare("platelets", ">=", 100.0, "10*9/L", lang.Window(21, "d"))),
    ("ast < 3 ULN", lang.Compare("ast", "<", 3.0, lang.ULN)),
    ("bilirubin_total <= ULN", lang.Compare("bilirubin_total", "<=", 1.0, lang.ULN)),
    ("derived ecog <= 2", lang.Compare("ecog", "<=", 2.0, derived=True)),
    ("cohort is nec", lang.Is("cohort", ("nec",))),
    ("cohort is one of (nec, mtc)", lang.Is("cohort", ("nec", "mtc"))),
    ("present(ild)", lang.Present("ild")),
    ("ild", lang.Present("ild")),
    ("transfusion(platelets) within 14 d", lang.Present("transfusion", "platelets", lang.Window(14, "d"))),
    ("event(stroke) within 12 mo", lang.Event("stroke", "", lang.Window(12, "mo"))),
    ("event(stroke) within 1 a", lang.Event("stroke", "", lang.Window(12, "mo"))),
    ("received(platinum) within 2 wk", lang.Received("platinum", lang.Window(14, "d"))),
    ("state(qtcf_prolonged)", lang.State("qtcf_prolonged")),
    ("attest(informed_consent)", lang.State("informed_consent", attest=True)),
    ("ref(I5.line)", lang.Reference("I5.line")),
    ("not a and b", lang.All((lang.Not(lang.Present("a")), lang.Present("b")))),
    ("a or b and c", lang.Any((lang.Present("a"), lang.All((lang.Present("b"), lang.Present("c")))))),
    ("if a then b else c", lang.If(lang.Present("a"), lang.Present("b"), lang.Present("c"))),
    ("at least 2 of (a, b, c)", lang.AtLeast(2, (lang.Present("a"), lang.Present("b"), lang.Present("c")))),
    ("known(a)", lang.Known(lang.Present("a"))),
    ('received("177lu-dotatate")', lang.Received("177lu-dotatate")),
    ("notable", lang.Present("notable")),
    ("mitotic_rate > 20 /10[HPF]", lang.Compare("mitotic_rate", ">", 20.0, "/10[HPF]")),
    ("dll3_h_score >= 1 {score} # a remark", lang.Compare("dll3_h_score", ">=", 1.0, "{score}")),
]


@pytest.mark.parametrize("rule, node", READ, ids=[rule for rule, _ in READ])
def test_reads(rule, node):
    assert lang.parse(rule) == node


REFUSED = [
    ("platelets >= 100 and or x", "'or' at column 22"),
    ("ki67 >", "'the end of the rule' at column 7"),
    ("if a then b", "expected else"),
    ("at least x of (a)", "'x' at column 10"),
    ("a ! b", "'!' at column 3"),
    ("x within 3 y", "d, wk, mo or a"),
    ("ref(I5", "expected )"),
    ("", "the end of the rule"),
]


@pytest.mark.parametrize("rule, said", REFUSED, ids=[rule or "empty" for rule, _ in REFUSED])
def test_refuses_and_points(rule, said):
    with pytest.raises(TrialError) as error:
        lang.parse(rule, "mine.toml: criterion I1: rule")
    message = str(error.value)
    assert message.startswith("mine.toml: criterion I1: rule: cannot read ")
    assert said in message
    assert message.splitlines()[-1].strip() == "^"


@pytest.mark.parametrize("pair", list(itertools.product(Truth, Truth)), ids=lambda p: p[0].name + p[1].name)
def test_and_or_not_follow_the_tables(pair):
    a, b = (WORD[item] for item in pair)
    assert answer(f"{a} and {b}").truth is all_of(pair)
    assert answer(f"{a} or {b}").truth is any_of(pair)
    assert answer(f"not ({a} and {b})").truth is negate(all_of(pair))


@pytest.mark.parametrize("parts", list(itertools.product(Truth, repeat=3)), ids=lambda p: "".join(i.name for i in p))
def test_if_follows_the_table(parts):
    condition, then, otherwise = (WORD[item] for item in parts)
    assert answer(f"if {condition} then {then} else {otherwise}").truth is if_else(*parts)


@pytest.mark.parametrize("parts", list(itertools.product(Truth, repeat=3)), ids=lambda p: "".join(i.name for i in p))
def test_at_least_counts_worlds(parts):
    """Two of three: what every way of settling the unknown ones agrees on."""
    worlds = itertools.product(*([item] if item is not Truth.U else [Truth.T, Truth.F] for item in parts))
    outcomes = {sum(item is Truth.T for item in world) >= 2 for world in worlds}
    expected = Truth.U if len(outcomes) == 2 else Truth.T if outcomes.pop() else Truth.F
    assert answer(f"at least 2 of ({', '.join(WORD[item] for item in parts)})").truth is expected


@pytest.mark.parametrize("value, known", [("true", "T"), ("false", "T"), ("unknown", "F")])
def test_known(value, known):
    assert answer(f"known({value})").truth.name == known


VALUES = [
    ("ki67 > 20 %", [dict(concept="ki67", value=90, comparator=">", unit="%", days_ago=9)], "T"),
    ("ki67 > 20 %", [dict(concept="ki67", value=20, unit="%", days_ago=9)], "F"),
    ("ki67 > 20 %", [dict(concept="ki67", value=15, value_high=25, unit="%", days_ago=9)], "U"),
    ("ki67 > 20 %", [dict(concept="ki67", value=20, comparator="~", unit="%", days_ago=9)], "U"),
    ("heart_rate < 100 /min within 7 d", [dict(concept="heart_rate", value=88, unit="/min", days_ago=7)], "T"),
    ("heart_rate < 100 /min within 7 d", [dict(concept="heart_rate", value=88, unit="/min", days_ago=8)], "U"),
    ("heart_rate < 100 /min", [], "U"),
    ("platelets >= 100 10*9/L within 21 d", [dict(concept="platelets", value=84, days_ago=3)], "F"),
    ("platelets >= 100000 /uL within 21 d", [dict(concept="platelets", value=142, unit="10*9/L", days_ago=3)], "T"),
    ("platelets >= 100000 /uL within 21 d", [dict(concept="platelets", value=98, unit="10*9/L", days_ago=3)], "F"),
    ("ast < 3 ULN within 21 d", [dict(concept="ast", value=119, ref_high=40, days_ago=3)], "T"),
    ("ast < 3 ULN within 21 d", [dict(concept="ast", value=120, ref_high=40, days_ago=3)], "F"),
    ("ast < 3 ULN within 21 d", [dict(concept="ast", value=100, days_ago=3)], "U"),
    ("ast < 3 ULN within 21 d", [dict(concept="ast", value=2.4, unit="{ULN}", days_ago=3)], "T"),
    ("psa >= 2 ng/mL", [dict(concept="psa", value=9, days_ago=3), dict(concept="psa", value=1, days_ago=90)], "T"),
    ("copd", [dict(concept="copd", days_ago=3)], "T"),
    ("copd", [dict(concept="copd", assertion="absent", days_ago=3)], "F"),
    ("copd", [dict(concept="copd", assertion="possible", days_ago=3)], "U"),
    ("copd", [dict(concept="copd", experiencer="family", days_ago=3)], "U"),
    ("copd", [], "U"),
    ("event(seizure) within 6 mo", [dict(concept="seizure", date="2025-05-21")], "T"),
    ("event(seizure) within 6 mo", [dict(concept="seizure", date="2025-05-20")], "F"),
    ("event(seizure) within 6 mo", [dict(concept="seizure")], "U"),
    ("event(seizure) within 30 d", [dict(concept="seizure", note_days_ago=90)], "F"),
    ("received(platinum)", [dict(concept="carboplatin", attributes={"status": "received"}, days_ago=90)], "T"),
    ("received(platinum)", [dict(concept="etoposide", attributes={"status": "received"}, days_ago=90)], "U"),
    ("received(carboplatin)", [dict(concept="carboplatin", assertion="hypothetical", days_ago=9)], "U"),
    ("received(carboplatin)", [dict(concept="carboplatin", assertion="absent", days_ago=9)], "F"),
    ("sex is male", [dict(concept="sex", value_text="male", days_ago=9)], "T"),
    ("sex is male", [dict(concept="sex", value_text="female", days_ago=9)], "F"),
    ("egfr_gene is mutated", [dict(concept="egfr_gene", value_text="mutated", days_ago=9)], "T"),
    ("egfr_gene is mutated", [dict(concept="egfr_gene", value_text="wild_type", days_ago=9)], "F"),
    ("egfr_gene is mutated", [], "U"),
]


@pytest.mark.parametrize("rule, facts, truth", VALUES, ids=[f"{r}-{t}-{i}" for i, (r, _, t) in enumerate(VALUES)])
def test_values(rule, facts, truth):
    assert answer(rule, *facts).truth.name == truth


def test_an_old_value_is_a_provisional_answer():
    found = answer("heart_rate < 100 /min within 7 d", dict(concept="heart_rate", value=88, unit="/min", days_ago=30))
    assert (found.truth, found.provisional, found.review) == (Truth.U, Truth.T, ("R12",))
    assert found.missing == "heart rate within 7 days"


def test_two_values_of_a_day_across_the_threshold():
    found = answer(
        "heart_rate < 100 /min within 7 d",
        dict(concept="heart_rate", value=88, unit="/min", days_ago=3),
        dict(concept="heart_rate", value=120, unit="/min", days_ago=3),
    )
    assert (found.truth, "R1" in found.review) == (Truth.U, True)


def test_a_copied_value_refreshes_no_window():
    found = answer(
        "heart_rate < 100 /min within 7 d",
        dict(concept="heart_rate", value=88, unit="/min", copied_from="n0", note_days_ago=2),
    )
    assert found.truth is Truth.U


def test_a_default_limit_is_flagged_only_where_it_matters():
    assert "R3" in answer("ast < 3 ULN within 21 d", dict(concept="ast", value=100, days_ago=3)).review
    assert "R3" not in answer("ast < 3 ULN within 21 d", dict(concept="ast", value=40, days_ago=3)).review


def test_a_reason_has_value_date_and_threshold():
    found = answer("ki67 > 20 % within 400 d", dict(concept="ki67", value=85, unit="%", days_ago=10))
    assert "85 %" in found.reason
    assert "2025-11-10" in found.reason
    assert "required > 20 %" in found.reason
    assert found.evidence == ("f0",)


def test_clear_date_of_an_event():
    found = answer("event(seizure) within 14 d", dict(concept="seizure", date="2025-11-18"))
    assert found.clear_date == datetime.date(2025, 12, 3)


COHORTS = {"sclc": "is_sclc", "nec": "is_nec"}


@pytest.mark.parametrize(
    "sclc, nec, rule, truth",
    [
        ("T", "F", "cohort is sclc", "T"),
        ("T", "F", "cohort is nec", "F"),
        ("U", "U", "cohort is nec", "U"),
        ("F", "U", "cohort is sclc", "F"),
        ("F", "F", "cohort is one of (sclc, nec)", "F"),
    ],
)
def test_cohort(sclc, nec, rule, truth):
    states = {"is_sclc": Truth[sclc], "is_nec": Truth[nec]}
    assert answer(rule, states=states, cohorts=COHORTS).truth.name == truth


def test_a_state_nobody_decides_is_open():
    found = answer("state(a_state_that_nobody_wrote)")
    assert (found.truth, found.reason) == (Truth.U, "Not decided yet: a_state_that_nobody_wrote.")


NUMBERS = st.integers(0, 12).map(lambda n: n / 2)


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["<", "<=", ">", ">="]), st.booleans(), st.booleans())
def test_interval_comparison_agrees_with_brute_force(a, b, threshold, operator, low_open, high_open):
    """Every point of the interval on a fine grid is compared; all agree: that answer, else unknown."""
    low, high = min(a, b), max(a, b)
    if low == high:
        low_open = high_open = False
    points = [low + i / 8 for i in range(int((high - low) * 8) + 1)]
    points = [p for p in points if not (p == low and low_open) and not (p == high and high_open)]
    compare = {"<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__}[operator]
    outcomes = {compare(float(point), float(threshold)) for point in points}
    expected = Truth.U if len(outcomes) == 2 else Truth.T if outcomes.pop() else Truth.F
    assert Measure(low, high, low_open, high_open).compare(operator, threshold) is expected


@given(st.lists(st.sampled_from(list(Truth)), min_size=1, max_size=5), st.sampled_from(["and", "or"]))
def test_many_parts(truths, word):
    table = all_of if word == "and" else any_of
    assert answer(f" {word} ".join(WORD[item] for item in truths)).truth is table(truths)
