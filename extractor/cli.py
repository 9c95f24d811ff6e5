"""The commands. Everything heavy is imported by the command that needs it, so that ``--help`` is there at once."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from extractor import __version__
from extractor.errors import ExtractorError, PartialFailure, UsageError

INTERRUPTED = 130
#: a place that the command line names and that cannot be used; other errors of the system are the machine's
_NO_PLACE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)


def run(arguments: Sequence[str]) -> int:
    """Runs one command; its exit code. A mistake is one line on stderr.

    An error that is not ours shows its class and line of code alone: its message could quote a note.
    """
    try:
        result = main.main(args=list(arguments), prog_name="extractor", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Abort:
        return _say("stopped (what is done is kept: the same command with --resume goes on)", INTERRUPTED)
    except KeyboardInterrupt:
        return _say("stopped (what is done is kept: the same command with --resume goes on)", INTERRUPTED)
    except click.ClickException as problem:
        problem.show()
        return problem.exit_code
    except ExtractorError as problem:
        return _say(str(problem), problem.exit_code)
    except BrokenPipeError:
        raise
    except OSError as problem:
        if problem.filename is None:
            return _internal(problem)
        code = UsageError.exit_code if problem.errno in _NO_PLACE else ExtractorError.exit_code
        return _say(f"{os.fsdecode(problem.filename)}: cannot be used ({problem.strerror})", code)
    except Exception as problem:
        return _internal(problem)


def _internal(problem: Exception) -> int:
    from extractor.workers import describe

    return _say(f"internal error: {describe(problem)} (details are not shown, they could hold words of a note)", 1)


def _say(message: str, code: int) -> int:
    click.echo(f"extractor: {message}", err=True)
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="extractor")
def main() -> None:
    """Finds candidates for clinical trials in the text that clinicians write.

    \b
    Exit codes: 0 done; 2 the command line is wrong; 3 the input cannot be read as notes;
    4 a pattern or trial file is wrong; 5 done, but some notes failed (they are in notes.parquet).
    """


def _options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


reading = _options(
    click.argument("notes", required=False),
    click.option("--columns", metavar="FIELD=COLUMN,…", help="Columns with other names: patient_id=SUBJ,text=BODY."),
    click.option("--sql", metavar="URL", help="Notes from a database (SQLAlchemy address, or duckdb:///FILE)."),
    click.option("--query", metavar="SQL", help="Query for --sql; without it the OMOP table note."),
    click.option(
        "--date-order",
        type=click.Choice(["auto", "dmy", "mdy"]),
        default="auto",
        show_default=True,
        help="How 03/04/2026 is read.",
    ),
)
extracting = _options(
    click.option("--out", required=True, metavar="DIR", help="Folder for the results."),
    click.option("--overlay", metavar="DIR", help="A folder with the site's own patterns."),
    click.option("--workers", type=click.IntRange(0, 256), default=0, help="Processes (0: by the machine's cores)."),
    click.option("--resume", is_flag=True, help="Go on with a run that was interrupted."),
    click.option("--since", metavar="RUN", help="A former run: only new or changed notes are read."),
    click.option("--drop-missing", is_flag=True, help="With --since: notes that are not in this input are left out."),
    click.option(
        "--note-seconds", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Time limit for one note."
    ),
)
deciding = _options(
    click.option("--trial", "trials", multiple=True, required=True, metavar="NAME|FILE", help="May be given often."),
    click.option(
        "--index-date", metavar="DATE|CSV", help="Planned cycle 1 day 1; one for all or patient_id,index_date."
    ),
    click.option("--strict", is_flag=True, help="Silence of the notes never counts as an answer."),
    click.option("--policy", "policies", multiple=True, metavar="ID=CHOICE", help="A reading of the protocol: A-1=…"),
)


@main.command()
@reading
@extracting
@deciding
@click.option(
    "--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True, help="What does the work."
)
@click.option("--master", default="local[2]", show_default=True, metavar="URL", help="With --engine spark: its master.")
def screen(
    trials: tuple[str, ...],
    index_date: str | None,
    strict: bool,
    policies: tuple[str, ...],
    engine: str,
    master: str,
    **options: Any,
) -> int:
    """Notes to decisions: reads NOTES and decides every patient for each trial."""
    from extractor import evaluation, report

    chosen = _policies(policies)
    evaluation.check_trials(trials)
    days = evaluation.parse_index_date(index_date)
    if engine == "spark":
        from extractor import spark_run

        decided = spark_run.screen(master, trials, days, strict=strict, policies=chosen, **options)
        report.summary(decided.data, decided.out)
        return _finish(decided)
    _extract(options)
    since = options.get("since")
    with report.deciding_bar() as advance:
        decided = evaluation.evaluate_run(
            Path(options["out"]),
            trials,
            index_date=days,
            strict=strict,
            policies=chosen,
            since=Path(since) if since else None,
            workers=options["workers"],
            progress=advance,
        )
    report.summary(decided.data, decided.out)
    return _finish(decided)


@main.command()
@reading
@extracting
def extract(**options: Any) -> int:
    """Notes to facts: reads NOTES, writes facts.parquet, support.parquet and notes.parquet."""
    from extractor import report

    result = _extract(options)
    report.summary(result.data, result.out)
    return _finish(result)


@main.command()
@click.argument("run_dir", metavar="DIR")
@deciding
def evaluate(
    run_dir: str, trials: tuple[str, ...], index_date: str | None, strict: bool, policies: tuple[str, ...]
) -> int:
    """Facts to decisions: the rules alone over the facts in DIR, in seconds."""
    from extractor import evaluation, report

    chosen = _policies(policies)
    evaluation.check_trials(trials)
    with report.deciding_bar() as advance:
        decided = evaluation.evaluate_run(
            Path(run_dir), trials, index_date=index_date, strict=strict, policies=chosen, progress=advance
        )
    report.summary(decided.data, decided.out)
    return 0


@main.command()
@click.argument("run_dir", metavar="DIR")
@click.option("--patient", required=True, metavar="ID")
@click.option("--criterion", metavar="ID", help="One criterion with its leaves, such as I7.")
@click.option("--trial", metavar="ID", help="Where the run has several.")
@click.option("--notes", metavar="NOTES", help="The notes, where they are no longer where the run read them.")
@click.option("--no-text", is_flag=True, help="Evidence as places alone, without words of the notes.")
def explain(run_dir: str, **options: Any) -> int:
    """Why a patient was decided so, with the evidence in its sentence (words of the notes go to stdout)."""
    from extractor import explain as explaining

    explaining.show(Path(run_dir), **options)
    return 0


@main.command(name="report")
@click.argument("run_dir", metavar="RUN")
@click.option("--out", required=True, metavar="FILE", help="The HTML file to write.")
@click.option("--notes", metavar="NOTES", help="The notes, where they are no longer where the run read them.")
@click.option("--no-text", is_flag=True, help="Evidence as places alone, without words of the notes.")
@click.option("--limit", type=click.IntRange(1), default=500, show_default=True, help="Patients listed at most.")
def report_command(run_dir: str, out: str, notes: str | None, no_text: bool, limit: int) -> int:
    """A run as one HTML file: candidates, criteria with their evidence, treatment timelines, funnel."""
    from extractor.review import open_run, page

    click.echo(str(page.write(open_run(run_dir, notes=notes), Path(out), text=not no_text, limit=limit)))
    return 0


@main.command()
@click.option("--overlay", metavar="DIR", help="A folder with the site's own patterns.")
@click.option("--trial", "trials", multiple=True, metavar="NAME|FILE", help="Trials to check (default: all that ship).")
def check(overlay: str | None, trials: tuple[str, ...]) -> int:
    """Checks pattern and trial files: schema, their examples, their cases."""
    from extractor import checking

    return checking.check(overlay=overlay, trials=list(trials))


@main.command()
@click.argument("gold", type=click.Path(exists=True, dir_okay=False))
@click.argument("facts", type=click.Path(exists=True))
@click.option("--errors", type=int, default=0, metavar="N", help="Show the first N differences (concepts and places).")
def score(gold: str, facts: str, errors: int) -> int:
    """Precision, recall and F1 of FACTS (facts.parquet or a run) against GOLD (JSON Lines), for family and concept."""
    from extractor import checking

    return checking.score(Path(gold), Path(facts), errors=errors)


@main.command()
@click.argument("run1")
@click.argument("run2")
@click.option("--limit", type=int, default=40, show_default=True, help="Rows shown of each table.")
def diff(run1: str, run2: str, limit: int) -> int:
    """Which facts and decisions changed from RUN1 to RUN2, and by which rule."""
    from extractor import difference

    difference.show(Path(run1), Path(run2), limit=limit)
    return 0


@main.command()
@click.argument("run_dir", metavar="DIR")
@click.option("--to", "sink", required=True, type=click.Choice(["omop", "fhir", "redcap", "duckdb", "xlsx"]))
@click.option("--out", metavar="PATH", help="Where to (default: a name of its own in DIR).")
@click.option(
    "--pseudonymize",
    "key_file",
    metavar="KEYFILE",
    help="Patients and notes get pseudonyms by the key in KEYFILE (made where there is none).",
)
def export(run_dir: str, sink: str, out: str | None, key_file: str | None) -> int:
    """A run in the form that another system takes."""
    from extractor import writers

    key = None if key_file is None else Path(key_file)
    for path in writers.export(Path(run_dir), sink, out=None if out is None else Path(out), key_file=key):
        click.echo(str(path))
    return 0


def _policies(given: Sequence[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for item in given:
        name, equals, choice = item.partition("=")
        if not equals or not name.strip() or not choice.strip():
            raise UsageError(f'--policy "{item}" is not understood (expected ID=CHOICE, such as A-1=cap30_biologics)')
        chosen[name.strip()] = choice.strip()
    return chosen


def _extract(options: dict[str, Any]) -> Any:
    """The extraction that ``screen`` and ``extract`` share."""
    from extractor import report
    from extractor.readers import open_source
    from extractor.readers.columns import parse_mapping
    from extractor.run import Options, extract_run
    from extractor.workers import Settings

    source = open_source(
        options["notes"],
        columns=parse_mapping(options["columns"]),
        date_order=options["date_order"],
        sql=options["sql"],
        query=options["query"],
    )
    settings = Settings(
        date_order=options["date_order"], overlay=options["overlay"], note_seconds=options["note_seconds"]
    )
    chosen = Options(
        settings=settings,
        workers=options["workers"],
        resume=options["resume"],
        since=Path(options["since"]) if options["since"] else None,
        keep_missing=not options["drop_missing"],
    )
    with report.progress_bar() as advance:
        return extract_run(source, Path(options["out"]), chosen, progress=advance)


def _finish(result: Any) -> int:
    """Exit code of a run: 5 where notes failed; the first of them are named."""
    if result.failed:
        from extractor import report

        for line in report.failed_notes(result.out) if isinstance(result.out, Path) else ():
            click.echo(f"extractor: {line}", err=True)
        click.echo(f"extractor: {result.failed} notes failed; reasons in {result.out}/notes.parquet", err=True)
        return PartialFailure.exit_code
    return 0


if __name__ == "__main__":  # pragma: no cover
    sys.exit(run(sys.argv[1:]))
