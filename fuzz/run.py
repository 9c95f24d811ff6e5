"""Coverage-guided fuzzing of readers and pipeline with atheris (``pip install atheris``).

    python fuzz/run.py readers -max_total_time=600
    python fuzz/run.py pipeline -max_total_time=3600 -max_len=4000

Options after the name of the target are libFuzzer's. An input that breaks a promise is written to ``build/fuzz/TARGET-crash-…`` and the exit code is not 0.
The seeds are the lines of the demo export and the names of the pattern files, made anew in ``build/fuzz``.
"""

from __future__ import annotations

import csv
import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["extractor"]):
    from fuzz import targets

    targets.engine()


def seeds(name: str) -> Path:
    """A folder with a small start corpus for one target."""
    folder = ROOT / "build" / "fuzz" / name
    folder.mkdir(parents=True, exist_ok=True)
    export = ROOT / "corpora" / "demo" / "notes.csv"
    with export.open(encoding="utf-8", newline="") as file:
        notes = [row["text"] for row in csv.DictReader(file)][:40]
    if name == "pipeline":
        samples = [note[:3000].encode() for note in notes]
    elif name == "markup":
        samples = [b"<p>ECOG&nbsp;1</p><table><tr><td>ANC</td><td>2.1</td></tr></table>",
                   rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}ECOG 1\par Pl\'e4t\u8805? 100}"]  # fmt: skip
    else:
        table = b'patient_id,note_id,note_date,text\np1,n1,2026-03-16,"ECOG 1, ""well"""\n'
        line = b'{"patient_id": "p1", "note_id": "n1", "text": "ECOG 1"}\n{"resourceType": "DocumentReference"}\n'
        samples = [bytes([kind]) + body for kind in range(len(targets.KINDS)) for body in (table, line)]
    for number, sample in enumerate(samples):
        (folder / f"seed-{number:03}").write_bytes(sample)
    return folder


def dictionary() -> Path:
    """Names of the pattern files as a libFuzzer dictionary, so that mutation meets words that mean something."""
    words: set[str] = set()
    for path in sorted((ROOT / "patterns").rglob("*.toml")):
        words.update(re.findall(r'"([a-zA-Z][a-zA-Z0-9 /%+-]{2,24})"', path.read_text(encoding="utf-8")))
    path = ROOT / "build" / "fuzz" / "names.dict"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f'"{word}"\n' for word in sorted(words)), encoding="utf-8")
    return path


def kept(name: str) -> Callable[[bytes], None]:
    """The target; an input that breaks a promise is written beside the seeds before the run ends."""
    target = targets.TARGETS[name]

    def run(data: bytes) -> None:
        try:
            target(data)
        except BaseException:
            path = ROOT / "build" / "fuzz" / f"{name}-crash-{hashlib.sha1(data).hexdigest()}"
            path.write_bytes(data)
            print(f"written to {path}", file=sys.stderr)
            raise

    return run


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in targets.TARGETS:
        sys.exit(f"usage: python fuzz/run.py {'|'.join(targets.TARGETS)} [libFuzzer options]")
    artifacts = f"-artifact_prefix={ROOT / 'build' / 'fuzz'}/{name}-"
    arguments = [sys.argv[0], f"-dict={dictionary()}", artifacts, "-timeout=20", *sys.argv[2:], str(seeds(name))]
    atheris.Setup(arguments, kept(name))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
