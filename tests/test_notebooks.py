"""Every notebook runs on the demo export, and is committed without outputs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
NAMES = ("01_screen", "02_review", "03_funnel", "04_patterns")
SECONDS = 120

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the notebooks are not here (they are no part of the wheel)"
)


def cells(name: str) -> list[dict]:
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_stripped(name: str) -> None:
    code = [cell for cell in cells(name) if cell["cell_type"] == "code"]
    assert code
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)
    assert all(set(cell["metadata"]) <= {"tags"} for cell in code)


@pytest.mark.parametrize("name", NAMES)
def test_one_cell_holds_the_parameters(name: str) -> None:
    tagged = [cell for cell in cells(name) if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1
    lines = "".join(tagged[0]["source"]).splitlines()
    assert lines[0] == "# parameters" and all("=" in line for line in lines[1:])


def test_every_notebook_runs_on_the_demo(tmp_path: Path) -> None:
    for module in ("ipykernel", "ipywidgets", "itables", "altair", "xlsxwriter"):
        pytest.importorskip(module, reason=f"{module} is not installed (extra: review)")
    nbformat = pytest.importorskip("nbformat", reason="jupyter is not installed (extra: review)")
    nbclient = pytest.importorskip("nbclient", reason="jupyter is not installed (extra: review)")
    given = {"NOTES": str(ROOT / "corpora/demo/notes.csv"), "INDEX_DATE": str(ROOT / "corpora/demo/index_dates.csv"),
             "OUT": str(tmp_path / "demo"), "RUN": str(tmp_path / "demo"), "OVERLAY": str(tmp_path / "overlay"),
             "WORKERS": 1}  # fmt: skip
    began = time.monotonic()
    for name in NAMES:
        book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        [at] = [n for n, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", [])]
        defaults = book.cells[at].source
        mine = {key: value for key, value in given.items() if f"\n{key} = " in defaults}
        if name == "01_screen":
            mine["OVERLAY"] = ""
        if name == "02_review":
            mine["NOTES"] = ""
        lines = "\n".join(f"{key} = {value!r}" for key, value in mine.items())
        book.cells.insert(at + 1, nbformat.v4.new_code_cell(lines))
        nbclient.NotebookClient(
            book, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    assert time.monotonic() - began < SECONDS
    assert (tmp_path / "demo" / "review" / "export" / "internal" / "screening_log.xlsx").is_file()
    assert (tmp_path / "overlay" / "performance" / "status.toml").is_file()
