"""The review in a notebook: the list of patients, and one patient's page with evidence and decisions.

The only module that imports ipywidgets and itables. Everything shown as HTML is escaped; lists and fields are the
browser's own, so that the keyboard reaches all of them (Tab between parts, arrows inside a list).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from extractor.errors import ExtractorError, UsageError
from extractor.review import course, evidence, listing, pictures
from extractor.review.audit import DECISIONS, OUTCOMES, PATIENT, Audit, Conflict, Standing
from extractor.review.opened import OpenRun, given, listed
from extractor.review.page import OUTCOME_WORDS, asset, decided_html

if TYPE_CHECKING:
    import pandas as pd

#: patients offered in the field that finds one; any id can be typed
OFFERED = 2_000
_WHOLE = "the patient as a whole"
_TABLE = (
    "<style>.dt-container th input{width:100%;min-width:60px;box-sizing:border-box}"
    ".dt-container td,.dt-container th{vertical-align:top}</style>"
)


def show_candidates(frame: pd.DataFrame, *, rows: int = 15) -> None:
    """Shows the list: sortable, with a search field and a filter for each column; nothing is fetched."""
    try:
        import itables
        from IPython.display import HTML, display
    except ImportError:
        raise UsageError("the list: needs itables (pip install 'trial-extractor[review]')") from None
    itables.init_notebook_mode(all_interactive=False, connected=False)
    shown = frame.copy()
    shown["next_question"] = [text.split(" Missing: ")[0] for text in shown["next_question"]]
    shown.columns = [name.replace("_", " ") for name in shown.columns]
    question = list(frame.columns).index("next_question")
    display(HTML(_TABLE))
    itables.show(
        shown,
        maxBytes="16MB",
        lengthMenu=[rows, 50, 200],
        column_filters="header",
        layout={"topStart": "pageLength", "topEnd": "search", "bottomStart": "info", "bottomEnd": "paging"},
        showIndex=False,
        classes="display compact stripe",
        style="width:100%;font-size:13px",
        autoWidth=False,
        columnDefs=[{"className": "dt-left", "targets": "_all"}, {"width": "38%", "targets": question}],
    )


class PatientPage:
    """One patient at a time: ``page = PatientPage(run, audit, trial_id)``, then ``display(page.view)``.

    ``patient_id`` is the patient shown; ``open(patient_id)`` shows another; ``save()`` is what the button does.
    """

    def __init__(
        self, run: OpenRun, audit: Audit, trial_id: str, *, patient_id: str | None = None, who: str = ""
    ) -> None:
        try:
            import ipywidgets as w
        except ImportError:
            raise UsageError("the page: needs ipywidgets (pip install 'trial-extractor[review]')") from None
        self.run, self.audit, self.trial_id, self.who = run, audit, trial_id, who
        frame = listing.candidates(run, audit, trial_id)
        self.order: list[str] = frame["patient_id"].tolist()
        if not self.order:
            raise UsageError(f"{trial_id}: the run has no patient for this trial")
        self.patient_id = ""
        self.words = run.words(trial_id)
        full = w.Layout(width="auto", min_width="0")
        self.finder = w.Combobox(options=self.order[:OFFERED], description="Patient", continuous_update=False)
        self.previous, self.next = w.Button(description="◀ Previous"), w.Button(description="Next ▶")
        self.only = w.ToggleButtons(
            options=[("All", ""), ("Fails", "fail"), ("Open", "open"), ("To review", "review")],
            style={"button_width": "90px"},
        )
        self.head, self.picture, self.note = w.HTML(layout=full), w.HTML(layout=full), w.HTML(layout=full)
        self.why = w.HTML(layout=full)
        self.criterion = w.Select(rows=30, layout=w.Layout(width="330px", flex="0 0 auto"))
        self.mention = w.Select(rows=7, layout=full)
        self.action = w.ToggleButtons(
            options=[("Accept", "accept"), ("Override", "override"), ("Needs information", "needs-information")],
            style={"button_width": "140px"},
        )
        self.target = w.Dropdown(description="to", layout=w.Layout(width="240px"), disabled=True)
        self.reason = w.Textarea(placeholder="Reason (required to override or to ask)", rows=2, layout=full)
        self.button = w.Button(description="Save decision", button_style="primary", icon="check")
        self.message = w.HTML(layout=full)
        right = w.VBox(
            [self.why, self.mention, self.note], layout=w.Layout(flex="1 1 0", min_width="0", overflow="hidden")
        )
        self.view = w.VBox(
            [
                w.HTML(f"<style>{asset('theme.css')}</style>"),
                w.HBox([self.previous, self.finder, self.next]),
                self.head,
                self.picture,
                self.only,
                w.HBox([self.criterion, right], layout=w.Layout(width="100%", overflow="hidden")),
                w.HBox([self.action, self.target, self.button]),
                self.reason,
                self.message,
            ]
        )
        self.finder.observe(self._found, names="value")
        self.previous.on_click(lambda _: self._step(-1))
        self.next.on_click(lambda _: self._step(1))
        self.only.observe(lambda _: self._criteria(), names="value")
        self.criterion.observe(lambda _: self._criterion(), names="value")
        self.mention.observe(lambda _: self._mention(), names="value")
        self.action.observe(lambda _: self._action(), names="value")
        self.button.on_click(lambda _: self.save())
        self.open(patient_id or self.order[0])

    def open(self, patient_id: str) -> None:
        """Shows a patient; raises UsageError where the run has none of this id."""
        self.person = self.run.person(patient_id, self.trial_id)
        self.patient_id = patient_id
        self.facts = self.run.facts(patient_id)
        self.rows = {row["criterion_id"]: row for row in self.run.criteria(patient_id, self.trial_id)}
        self.texts = self.run.texts(patient_id)
        self.states: dict[str, Standing] = listing.states(self.run, self.audit, self.trial_id, patient_id)
        self.finder.value = patient_id
        self.picture.value = self._pictures()
        self.message.value = ""
        self._head()
        self._criteria()

    def save(self) -> None:
        """Saves the decision on the chosen criterion at once; the message says what was saved or why not."""
        name = self.criterion.value or PATIENT
        last = self.states.get(name)
        try:
            entry = listing.decide(
                self.run,
                self.audit,
                patient_id=self.patient_id,
                trial_id=self.trial_id,
                criterion_id=name,
                what=self.action.value,
                new=self.target.value or "",
                why=self.reason.value,
                who=self.who,
                after=last.entry.sha256 if last else "",
            )
        except Conflict as problem:
            self.states = listing.states(self.run, self.audit, self.trial_id, self.patient_id)
            self._say(str(problem), bad=True)
            self._head()
            return
        except ExtractorError as problem:
            self._say(str(problem), bad=True)
            return
        self.states = listing.states(self.run, self.audit, self.trial_id, self.patient_id)
        self.reason.value, self.action.value = "", "accept"
        self._head()
        self._criteria(keep=name)
        self._say(f"Saved: {name or _WHOLE}, {entry.what}: {entry.new} ({entry.who}, {entry.when})")

    def _say(self, text: str, *, bad: bool = False) -> None:
        colour = "#b3322c" if bad else "#1e7d4f"
        self.message.value = f'<p role="status" style="color:{colour};font-weight:600">{escape(text)}</p>'

    def _found(self, change: Mapping[str, Any]) -> None:
        if change["new"] and change["new"] != self.patient_id:
            try:
                self.open(change["new"])
            except UsageError as problem:
                self._say(str(problem), bad=True)

    def _step(self, by: int) -> None:
        at = self.order.index(self.patient_id) + by
        if 0 <= at < len(self.order):
            self.open(self.order[at])

    def _head(self) -> None:
        person = self.person
        state = self.states.get(PATIENT)
        assumed = " (assumed)" if person["index_date_assumed"] else ""
        cohort = f" · cohort {escape(str(person['cohort']))}" if given(person["cohort"]) else ""
        question = (
            f"<p><b>Next question.</b> {escape(str(person['next_question']))}</p>"
            if given(person["next_question"])
            else ""
        )
        problem = f"<p>{escape(self.run.problem)}</p>" if self.run.problem else ""
        self.head.value = (
            f'<div class="tx" style="padding:8px 12px"><b style="font-size:18px">{escape(self.patient_id)}</b> '
            f'<span class="pill {escape(person["decision"])}">{escape(person["decision"])}</span>'
            f"{cohort} · index date {escape(str(person['index_date']))}{assumed} · {person['n_notes']} notes, last "
            f"{escape(str(person['last_note_date']))}{question}{decided_html(state)}{problem}</div>"
        )

    def _pictures(self) -> str:
        found = self.run.timeline(self.patient_id, self.trial_id)
        trial = self.run.trial(self.trial_id)
        line = pictures.timeline_svg(
            course.treatments(found),
            course.events(found),
            found.index_date,
            assumed=bool(self.person["index_date_assumed"]),
            specimens=course.specimens(found.facts()),
        )
        return f'<div class="tx" style="padding:4px 12px">{line}</div>' if trial or line else ""

    def _criteria(self, *, keep: str | None = None) -> None:
        wanted = self.only.value
        options = [(self._label(PATIENT), PATIENT)]
        for name, row in self.rows.items():
            if not wanted or row["outcome"] == wanted or (wanted == "review" and row["needs_review"]):
                options.append((self._label(name), name))
        chosen = self.criterion.value if keep is None else keep
        names = [name for _, name in options]
        self.criterion.options = options
        self.criterion.value = chosen if chosen in names else names[min(1, len(names) - 1)]
        self._criterion()

    def _label(self, name: str) -> str:
        state = self.states.get(name)
        mark = (
            ""
            if state is None
            else " ⟳"
            if state.reopened
            else {"accept": " ●", "override": " ◆"}.get(state.entry.what, " ?")
        )
        if name == PATIENT:
            return f"{_WHOLE}{mark}"
        row, unit = self.rows[name], self.words.get(name)
        indent = "    " if row["parent_id"] else ""
        label = f"  {unit.label}" if unit is not None and unit.label else ""
        return f"{indent}{name}  {OUTCOME_WORDS.get(row['outcome'], row['outcome'])}{mark}{label}"

    def _criterion(self) -> None:
        name = self.criterion.value
        if name is None:
            return
        self.target.options = list(DECISIONS if name == PATIENT else OUTCOMES)
        row = self.rows.get(name)
        if row is None:
            self.why.value = f'<div class="tx">{decided_html(self.states.get(PATIENT))}</div>'
            self.mention.options, self.note.value = [], ""
            return
        unit = self.words.get(name)
        protocol = f'<p class="ids">{escape(unit.text)}</p>' if unit is not None else ""
        missing = f"<p><b>Missing:</b> {escape(str(row['missing']))}</p>" if given(row["missing"]) else ""
        flags = [f"clears {row['clear_date']}" if given(row["clear_date"]) else ""]
        flags += ["presumed" if row["presumed"] else "", *listed(row["review_codes"])]
        marks = "".join(f'<span class="flag warn">{escape(flag)}</span>' for flag in flags if flag)
        self.why.value = (
            f'<div class="tx" style="padding:6px 10px"><b>{escape(name)}</b> '
            f'<span class="pill {escape(row["outcome"])}">{escape(OUTCOME_WORDS.get(row["outcome"], row["outcome"]))}</span> '
            f"{marks}<p>{escape(str(row['reason'] or ''))}</p>{missing}{protocol}{decided_html(self.states.get(name))}</div>"
        )
        cited = evidence.cited(row, self.facts)
        self.shown = {fact["fact_id"]: fact for fact in cited}
        others = evidence.mentions(cited, self.facts)
        options = [(self._line("evidence", fact), fact["fact_id"]) for fact in cited]
        options += [(self._line(one.stance, one.fact), one.fact["fact_id"]) for one in others]
        self.mention.options = options
        self.mention.value = options[0][1] if options else None
        self._mention()

    @staticmethod
    def _line(stance: str, fact: Mapping[str, Any]) -> str:
        section = f" · {fact['section']}" if given(fact["section"]) else ""
        return f"{stance:11} {fact['note_date'] or 'no date'}  {evidence.said(fact)} · {fact['note_type']}{section}"

    def _mention(self) -> None:
        fact = self.facts.get(self.mention.value or "")
        if fact is None:
            self.note.value = '<div class="tx"><p class="gone">No mention in the notes.</p></div>'
            return
        text = self.texts.get(fact["note_id"])
        body = evidence.note_html(fact, text, self.shown.values())
        self.note.value = (
            f'<div class="tx" style="padding:6px 10px"><blockquote>{evidence.sentence_html(fact, text)}</blockquote></div>'
            f'<div class="tx" style="padding:6px 10px;max-height:400px;overflow:auto">{body}</div>'
        )

    def _action(self) -> None:
        self.target.disabled = self.action.value != "override"
