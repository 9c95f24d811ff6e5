"""``extractor report``: a run as one HTML file for people without Jupyter.

Nothing is fetched: styles, script and pictures are in the file, and its content security policy forbids the network.
Note text is escaped wherever it appears. A large run keeps its list short: the patients nearest to the trial come first
and the file says how many are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from extractor.review import course, evidence, funnel, pictures
from extractor.review.audit import PATIENT, Audit, Key, Standing, seen_of, standing
from extractor.review.listing import review_word
from extractor.review.opened import OpenRun, given, listed

#: patients with a page of their own at most
PATIENTS = 500
#: sentences shown for one criterion, and other mentions, at most
SENTENCES, MENTIONS = 8, 8
_ORDER = {"candidate": 0, "potential-candidate": 1, "ineligible-for-now": 2, "ineligible": 3}
OUTCOME_WORDS = {"pass": "✓ pass", "fail": "✗ fail", "open": "? open", "not_applicable": "– not applicable"}


def write(run: OpenRun, out: Path, *, text: bool = True, limit: int = PATIENTS, audit: Audit | None = None) -> Path:
    """Writes the report; the path written. ``text`` False leaves out every word of the notes.

    The file is private (mode 0600): it holds words of patients.
    """
    from extractor.run import private
    from extractor.writers.parquet import atomic

    found = audit or Audit(run.path / "review" / "audit.jsonl")
    with private(), atomic(out) as temporary, temporary.open("w", encoding="utf-8", errors="replace") as file:
        file.writelines(pieces(run, text=text, limit=limit, audit=found))
    return out


def pieces(run: OpenRun, *, text: bool, limit: int, audit: Audit) -> Iterator[str]:
    """The file, a piece at a time."""
    people = sorted(
        run.patients.to_dict("records"), key=lambda p: (_ORDER.get(p["decision"], 9), p["patient_id"], p["trial_id"])
    )
    chosen = people[:limit]
    decided = audit.latest() if audit.path.is_file() else {}
    pages = [_patient(run, person, number, decided, text) for number, person in enumerate(chosen)]
    trials = ", ".join(run.trial_ids)
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">"
        f'<meta name="referrer" content="no-referrer"><title>Screening report {escape(trials)}</title>'
        f"<style>{asset('theme.css')}{asset('page.css')}</style></head><body class='tx'>"
        '<a class="skip" href="#patients">To the patients</a><header class="top">'
        f"<h1>Screening report: {escape(trials)}</h1><p>A prescreening aid. Candidates are patients in whose notes no "
        "exclusion was found; enrolment is decided by the investigator.</p>"
        '<nav class="tabs" aria-label="Parts of the report"><a href="#patients">Patients</a>'
        '<a href="#funnel">Funnel</a><a href="#run">Run</a></nav></header><main>'
    )
    yield from _list(run, chosen, len(people), [page[1] for page in pages])
    yield '<section id="v-patient" hidden></section>'
    yield f'<section id="v-funnel" hidden>{"".join(_funnel(run, trial) for trial in run.trial_ids)}</section>'
    yield f'<section id="v-run" hidden>{_run_card(run)}</section></main>'
    yield from (page[0] for page in pages)
    yield (
        '<dialog id="note" aria-labelledby="note-title"><form method="dialog"><button>Close</button></form>'
        '<h2 id="note-title"></h2><pre tabindex="0"></pre></dialog>'
        '<noscript><p class="card">The pages of patients need JavaScript, which is in this file alone.</p></noscript>'
        f"<script>{asset('page.js')}</script></body></html>\n"
    )


def asset(name: str) -> str:
    """A style sheet or script of the package."""
    return files("extractor.review").joinpath(name).read_text(encoding="utf-8")


def _list(run: OpenRun, people: Sequence[Mapping[str, Any]], total: int, states: Sequence[str]) -> Iterator[str]:
    counts: dict[str, int] = dict.fromkeys(funnel.DECISIONS, 0)
    for decision in run.patients["decision"]:
        counts[decision] = counts.get(decision, 0) + 1
    yield '<section id="v-patients"><div class="tiles">'
    for decision, count in counts.items():
        yield (
            f'<button class="tile {escape(decision)}" data-decision="{escape(decision)}" aria-pressed="false">'
            f"<b>{count:,}</b><span>{escape(decision)}</span></button>"
        )
    yield "</div>"
    if run.problem:
        yield f'<p class="card notice">{escape(run.problem)}</p>'
    if total > len(people):
        yield (
            f'<p class="card notice">The {len(people):,} patients nearest to the trial are listed; '
            f"{total - len(people):,} more are in patients.parquet.</p>"
        )
    cohorts = sorted({p["cohort"] for p in people if given(p["cohort"])})
    yield (
        '<div class="card"><div class="controls"><label>Search<input type="search" id="search" '
        'placeholder="patient, criterion, question"></label>'
        f"{_select('trial', 'Trial', run.trial_ids, hidden=len(run.trial_ids) < 2)}"
        f"{_select('cohort', 'Cohort', cohorts)}{_select('reviewed', 'Reviewed', sorted(set(states)))}"
        '<span class="count" id="count" role="status"></span></div><div class="scroll"><table class="list" id="list">'
        "<thead><tr>"
    )
    for name in ("Patient", "Decision", "Cohort", "Fails", "Open", "Earliest", "Next question", "Reviewed"):
        yield f'<th scope="col"><button>{name}</button></th>'
    yield "</tr></thead><tbody>"
    for number, (person, state) in enumerate(zip(people, states, strict=True)):
        failed, still = listed(person["failed"]), listed(person["open"])
        question = str(person["next_question"]) if given(person["next_question"]) else ""
        cohort = str(person["cohort"]) if given(person["cohort"]) else ""
        text = " ".join([person["patient_id"], person["decision"], cohort, *failed, *still, question, state]).lower()
        trial = f' <span class="ids">{escape(person["trial_id"])}</span>' if len(run.trial_ids) > 1 else ""
        yield (
            f'<tr data-text="{escape(text)}" data-decision="{escape(person["decision"])}" '
            f'data-cohort="{escape(cohort)}" data-reviewed="{escape(state)}" data-trial="{escape(person["trial_id"])}">'
            f'<td data-key="{escape(person["patient_id"])}"><a href="#p-{number}">{escape(person["patient_id"])}</a>{trial}</td>'
            f'<td data-key="{_ORDER.get(person["decision"], 9)}">{_pill(person["decision"], person["decision"])}</td>'
            f"<td>{escape(cohort)}</td>"
            f'<td data-key="{len(failed)}"><span class="ids">{escape(", ".join(failed))}</span></td>'
            f'<td data-key="{len(still)}">{len(still)}</td>'
            f"<td>{escape(str(person['earliest_date'])) if given(person['earliest_date']) else ''}</td>"
            f"<td>{escape(_first_sentence(question))}</td><td>{escape(state)}</td></tr>"
        )
    yield "</tbody></table></div></div></section>"


def _select(name: str, label: str, values: Iterable[str], *, hidden: bool = False) -> str:
    options = "".join(f"<option>{escape(value)}</option>" for value in values)
    return (
        f"<label{' hidden' if hidden else ''}>{label}"
        f'<select id="{name}"><option value="">all</option>{options}</select></label>'
    )


def _first_sentence(text: str) -> str:
    return text.split(" Missing: ")[0]


def _pill(kind: str, words: str) -> str:
    return f'<span class="pill {escape(kind)}">{escape(words)}</span>'


def _patient(
    run: OpenRun, person: Mapping[str, Any], number: int, decided: Mapping[Key, Any], text: bool
) -> tuple[str, str]:
    """The patient's page in a template that the browser renders when it is opened, and the state of its review."""
    patient, trial = person["patient_id"], person["trial_id"]
    facts, criteria = run.facts(patient), run.criteria(patient, trial)
    texts = run.texts(patient) if text else {}
    found = run.timeline(patient, trial)
    words = run.words(trial)
    states: dict[str, Standing] = {}
    for name in (PATIENT, *(row["criterion_id"] for row in criteria)):
        entry = decided.get((patient, trial, name))
        if entry is not None:
            state = standing(entry, seen_of(person, criteria, facts, run.rules_version(trial), name))
            if state is not None:
                states[name] = state
    whole = states.get(PATIENT)
    word = review_word(states)
    bars, happened = course.treatments(found), course.events(found)
    tissue = course.specimens(found.facts())
    window = (run.trial(trial).windows.get("labs_i11") if run.trial(trial) else None) or None  # type: ignore[union-attr]
    trends = course.trends(found, course.limits_of(run.trial(trial)))
    svgs = "".join(pictures.trend_svg(trend, found.index_date, window_days=window) for trend in trends)
    timeline = pictures.timeline_svg(
        bars, happened, found.index_date, assumed=bool(person["index_date_assumed"]), specimens=tissue
    )
    counts = {name: sum(row["outcome"] == name and not row["parent_id"] for row in criteria) for name in OUTCOME_WORDS}
    show = [("", "All"), ("fail", "Fails"), ("open", "Open"), ("review", "To review"), ("presumed", "Presumed")]
    buttons = "".join(
        f'<button data-show="{key}" aria-pressed="{"true" if not key else "false"}">{label}</button>'
        for key, label in show
    )
    rows = "".join(_criterion(row, words, facts, texts, states, text) for row in criteria)
    facts_line = [
        ("Index date", f"{person['index_date']}{' (assumed)' if person['index_date_assumed'] else ''}"),
        ("Cohort", person["cohort"]),
        ("Earliest date", person["earliest_date"]),
        ("Notes", f"{person['n_notes']}, last {person['last_note_date']}"),
        ("Criteria", ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)),
    ]
    line = "".join(f"<div><dt>{k}</dt><dd>{escape(str(v))}</dd></div>" for k, v in facts_line if given(v))
    question = f'<p class="question"><b>Next question.</b> {escape(str(person["next_question"]))}</p>'
    legend = "".join(
        f'<span><i style="background:var(--{colour})"></i>{name}</span>'
        for colour, name in (
            ("drug", "drug"), ("radio", "radiotherapy"), ("wash", "washout to its clear date"), ("fail", "progression"),
            ("accent", "index date"),
        )
    )  # fmt: skip
    notes = "".join(
        f'<div data-note="{escape(name)}" data-title="{escape(_title(name, facts))}">{escape(body)}</div>'
        for name, body in sorted(texts.items())
    )
    labs = f'<div class="card"><h2>Laboratory values against limits</h2><div class="trends">{svgs}</div></div>'
    page = (
        f'<template id="p-{number}"><div class="patient-head"><a class="back" href="#patients">← Patients</a>'
        f'<h2 tabindex="-1">{escape(patient)}</h2>{_pill(person["decision"], person["decision"])}'
        f'<span class="ids">{escape(trial)}</span></div>'
        f'<div class="card"><dl class="facts">{line}</dl>{question if given(person["next_question"]) else ""}'
        f"{decided_html(whole)}</div>"
        f'<div class="card"><h2>Treatment</h2>{timeline}<p class="legend">{legend}</p></div>'
        f"{labs if svgs else ''}"
        f'<div class="card"><div class="controls"><h2>Criteria</h2><span class="segmented" role="group" '
        f'aria-label="Criteria shown">{buttons}</span></div><div class="scroll"><table class="criteria"><thead><tr>'
        '<th scope="col">Criterion</th><th scope="col">Outcome</th><th scope="col">Why</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></div><div hidden>{notes}</div></template>"
    )
    return page, word


def _title(note: str, facts: Mapping[str, Mapping[str, Any]]) -> str:
    fact = next((one for one in facts.values() if one["note_id"] == note), None)
    return note if fact is None else f"{fact['note_type'] or 'Note'}, {fact['note_date'] or 'no date'} ({note})"


def _criterion(
    row: Mapping[str, Any],
    words: Mapping[str, Any],
    facts: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str],
    states: Mapping[str, Standing],
    text: bool,
) -> str:
    name = row["criterion_id"]
    unit = words.get(name)
    label = unit.label if unit is not None and unit.label else ""
    group = not row["parent_id"] and unit is not None and bool(unit.leaves)
    above = words.get(row["parent_id"] or "")
    # a leaf without words of its own has its criterion's: they are shown there once
    protocol = unit.text if unit is not None and (above is None or above.text != unit.text) else ""
    flags = []
    if row["presumed"] is True:
        flags.append('<span class="flag warn" title="nothing in the notes speaks of it">presumed</span>')
    if given(row["provisional"]):
        flags.append(f'<span class="flag">provisionally {escape(str(row["provisional"]))}</span>')
    if given(row["clear_date"]):
        flags.append(f'<span class="flag">clears {escape(str(row["clear_date"]))}</span>')
    flags += [f'<span class="flag warn">{escape(code)}</span>' for code in listed(row["review_codes"])]
    shown = [row["outcome"], "review" if row["needs_review"] else "", "presumed" if row["presumed"] is True else ""]
    body = f'<div class="label">{escape(label)}</div>' if label else ""
    body += f"<div>{escape(str(row['reason'] or ''))}</div>"
    if given(row["missing"]):
        body += f'<div class="ids">Missing: {escape(str(row["missing"]))}</div>'
    body += "".join(flags) + decided_html(states.get(name))
    # a parent's evidence is that of its leaves
    inner = f'<p class="protocol">{escape(protocol)}</p>'
    count = 0
    if not group:
        cited = evidence.cited(row, facts)
        count = len(cited)
        inner += _sentences(cited, facts, texts, text)
    said = f"{count} mention{'s' if count > 1 else ''}"
    summary = " and ".join(part for part in (said if count else "", "the protocol's words" if protocol else "") if part)
    summary = summary[:1].upper() + summary[1:]
    body += f"<details><summary>{summary}</summary>{inner}</details>" if protocol or count else ""
    kind = "group" if group else "leaf" if row["parent_id"] else "single"
    return (
        f'<tr class="{kind}" data-show="{escape(" ".join(shown).strip())}"><td>{escape(name)}</td>'
        f"<td>{_pill(row['outcome'], OUTCOME_WORDS.get(row['outcome'], row['outcome']))}</td><td>{body}</td></tr>"
    )


def _sentences(
    cited: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str],
    text: bool,
) -> str:
    items = [_item(fact, texts, "shown", text) for fact in cited[:SENTENCES]]
    if len(cited) > SENTENCES:
        items.append(f'<li class="gone">and {len(cited) - SENTENCES} more</li>')
    others = evidence.mentions(cited, facts)
    out = f'<ul class="evidence">{"".join(items)}</ul>' if items else ""
    if others:
        against = [one for one in others if one.stance == "contradicts"]
        kept = others[: max(MENTIONS, len(against))]
        lines = [_item(one.fact, texts, one.stance, text) for one in kept]
        if len(others) > len(kept):
            lines.append(f'<li class="gone">and {len(others) - len(kept)} more</li>')
        head = f"{len(others)} other mentions" + (f", {len(against)} contradicting" if against else "")
        opened = " open" if against else ""
        out += f'<details{opened}><summary>{head}</summary><ul class="evidence">{"".join(lines)}</ul></details>'
    return out


def _item(fact: Mapping[str, Any], texts: Mapping[str, str], stance: str, text: bool) -> str:
    body = texts.get(fact["note_id"])
    section = f" · {str(fact['section']).replace('_', ' ')}" if given(fact["section"]) else ""
    copied = f" · copied from {fact['copied_from']}" if given(fact["copied_from"]) else ""
    word = "" if stance in ("shown", "agrees") else f'<span class="flag warn">{escape(stance)}</span>'
    where = f"{fact['note_date'] or 'no date'} · {fact['note_type'] or 'Note'}{section}{copied}"
    button = ""
    if body is not None and evidence.stands_here(fact, body):
        button = (
            f' <button type="button" data-of="{escape(fact["note_id"])}" data-start="{int(fact["start"])}" '
            f'data-end="{int(fact["end"])}">open note</button>'
        )
    # without words, a value as it was written stays out too
    what = evidence.said(fact) if text else evidence.said({**fact, "value_text": None})
    quote = f"<blockquote>{evidence.sentence_html(fact, body)}</blockquote>"
    return (
        f'<li class="{escape(stance)}">{word}<span class="source"><b>{escape(what)}</b> · {escape(where)}{button}'
        f"</span>{quote}</li>"
    )


def decided_html(state: Standing | None) -> str:
    """Who decided what and when, and why it is open again."""
    if state is None:
        return ""
    entry = state.entry
    words = {"accept": "accepted", "override": f"overridden to {entry.new}", "needs-information": "needs information"}
    why = f": {entry.why}" if entry.why else ""
    line = escape(f"{entry.who} {words[entry.what]} on {entry.when[:16]}Z{why}.")
    again = f" <b>Re-opened</b>: {escape('; '.join(state.reopened))}." if state.reopened else ""
    return f'<p class="{"decided reopened" if state.reopened else "decided"}">{line}{again}</p>'


def _funnel(run: OpenRun, trial: str) -> str:
    total, steps = funnel.steps(run, trial)
    frame = funnel.attrition(run, trial)
    rows = "".join(
        f"<tr><td>{escape(row['criterion_id'])}</td><td>{row['pass']:,}</td><td>{row['fail']:,}</td>"
        f"<td>{row['open']:,}</td><td>{row['not_applicable']:,}</td><td>{row['first_to_fail']:,}</td>"
        f'<td class="ids">{escape(row["text"][:160])}</td></tr>'
        for row in frame.to_dict("records")
    )
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Criterion", "Pass", "Fail", "Open", "Not applicable", "First to fail", "The protocol's words")
    )
    return (
        f'<div class="card"><h2>{escape(trial)}: from notes to candidates</h2>'
        f"{pictures.funnel_svg(total, steps, funnel.ends(run, trial))}"
        '<p class="ids">Criteria are applied in the order of the protocol; a patient is counted where the first one '
        "fails. The boxes at the bottom are the decisions: who fails something that time or the site can mend is "
        "ineligible for now.</p></div>"
        f'<div class="card"><h2>Each criterion alone</h2><div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></div>"
    )


def _run_card(run: OpenRun) -> str:
    data = run.data
    decided, counts = data["evaluation"], data["counts"]
    index = decided["index_date"]
    said = "by patient" if isinstance(index, dict) else index
    if decided.get("index_date_assumed"):
        said += f"; assumed for {decided['index_date_assumed']:,} patients (the day after the last note)"
    lines = [
        ("Notes read from", Path(str(data["input"]["notes"])).name),
        ("Notes", ", ".join(f"{count:,} {status}" for status, count in counts["notes"].items())),
        ("Patients", f"{counts['patients']:,}"),
        ("Facts", f"{counts['facts']:,} ({counts['copied']:,} copied from earlier notes)"),
        ("Index date", said),
        ("Silence counts as an answer", "no (strict)" if decided["strict"] else "where the trial file says so"),
        ("Finished", data["finished"]),
        ("Seconds", f"{sum(data['seconds'].values()):.1f}"),
        ("Input", data["input"]["digest"][:16]),
        ("Patterns", data["patterns"]["digest"][:16]),
        *((f"Trial {name}", digest[:16]) for name, digest in decided["trials"].items()),
        *((name, version) for name, version in data["versions"].items()),
    ]
    card = "".join(f'<tr><th scope="row">{escape(str(k))}</th><td>{escape(str(v))}</td></tr>' for k, v in lines)
    used = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
        for name, value in sorted((decided.get("policies_used") or {}).items())
    )
    warnings = "".join(f"<li>{escape(line)}</li>" for line in data.get("warnings", []))
    policies = f'<div class="card"><h2>Readings of the protocol in use</h2><table><tbody>{used}</tbody></table></div>'
    return (
        f'<div class="card"><h2>What was read and decided</h2><table><tbody>{card}</tbody></table></div>'
        + (policies if used else "")
        + (f'<div class="card notice"><h2>Warnings</h2><ul>{warnings}</ul></div>' if warnings else "")
    )
