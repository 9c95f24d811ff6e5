"""The pages of docs/: their examples run, their links lead somewhere, the command reference is the commands'."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from extractor import cli

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
if not DOCS.is_dir():
    pytest.skip("no checkout", allow_module_level=True)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")) if kind == language]


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.csv").write_text(blocks("quick-start.md", "text")[0])
    (tmp_path / "site" / "labs").mkdir(parents=True)
    lab, language, trial = blocks("how-to.md", "toml")
    (tmp_path / "site" / "labs" / "ours.toml").write_text(lab, encoding="utf-8")
    (tmp_path / "site" / "labs" / "hungarian.toml").write_text(language, encoding="utf-8")
    (tmp_path / "mine.toml").write_text(trial, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", ["quick-start.md", "concepts.md", "how-to.md"])
def test_python_blocks_of_a_page(site, page):
    names: dict[str, object] = {}
    found = blocks(page, "python")
    assert found
    for block in found:
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize("page", ["quick-start.md", "how-to.md"])
def test_commands_of_a_page(site, page, capfd):
    commands = [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]
    assert commands
    for command in commands:
        assert (cli.run(shlex.split(command)[1:]), command, capfd.readouterr().err) == (0, command, "")


def test_the_added_lab_is_read(site):
    import datetime

    from extractor.pipeline.engine import Engine
    from extractor.records import Note

    note = Note("P1", "N1", datetime.date(2026, 2, 20), "Clinic", "Hapto 0.4 g/L.")
    assert [(f.concept, f.value, f.unit) for f in Engine(overlay=site / "site").facts(note)] == [
        ("haptoglobin", 0.4, "g/L")
    ]
    assert Engine().facts(note) == []


def test_the_command_reference_is_that_of_the_commands():
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "commands.py"), "--check"], check=False)
    assert done.returncode == 0, "docs/commands.md is old: python scripts/commands.py"


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_links_and_tests_that_a_page_names_are_there(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (DOCS / target).exists(), f"{page}: {target}"
    named = set(re.findall(r"`(test_\w+)`", text))
    here = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    assert {name for name in named if f"def {name}(" not in here} == set()


def test_the_site_is_built_without_a_warning_and_opens_without_a_network(tmp_path):
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_parser")
    options = ["-W", "--keep-going", "-n", "-q", "-d", str(tmp_path / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, str(DOCS), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert (tmp_path / "site" / f"{page.stem}.html").is_file()
        assert page.stem == "index" or f'href="{page.stem}.html"' in index
    remote = re.compile(r"""(?:<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=|@import\s+|url\()["']?(?:https?:)?//""")
    loaded = [
        p for p in (tmp_path / "site").rglob("*") if p.suffix in (".html", ".css") and remote.search(p.read_text())
    ]
    assert loaded == []


def test_the_bill_of_materials_names_what_the_project_needs():
    import tomllib

    bill = json.loads((DOCS / "sbom.json").read_text(encoding="utf-8"))
    names = {part["name"] for part in bill["components"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]}
    assert wanted <= names
    assert bill["bomFormat"] == "CycloneDX"
    assert "http" not in json.dumps(bill)
    assert all(part["version"] and part["licenses"][0]["license"]["name"] for part in bill["components"])
    for tag, python in (("py311", "3.11"), ("py312", "3.12")):
        lines = (ROOT / "constraints" / f"{tag}.txt").read_text(encoding="utf-8").splitlines()
        pins = dict(re.sub(r"[-_.]+(?=.*==)", "-", line.lower()).split("==") for line in lines if "==" in line)
        there = {
            part["name"]: part["version"]
            for part in bill["components"]
            if {"name": "python", "value": python} in part["properties"]
        }
        assert wanted <= there.keys()
        assert {
            name: (there[name], pins[name]) for name in there.keys() & pins.keys() if there[name] != pins[name]
        } == {}


def test_every_licence_to_look_at_is_explained():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import sbom
    finally:
        sys.path.pop(0)
    bill = json.loads((DOCS / "sbom.json").read_text(encoding="utf-8"))
    flagged = {
        part["name"] for part in bill["components"] if not sbom.ALLOWED.search(part["licenses"][0]["license"]["name"])
    }
    assert flagged == sbom.EXPLAINED
    text = (DOCS / "privacy.md").read_text(encoding="utf-8")
    assert {name for name in flagged if f"| `{name}` |" not in text} == set()
