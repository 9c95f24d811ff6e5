"""What is delivered: the package with its patterns, without addresses or paths of a machine.

The tests marked ``wheel`` run against an installed wheel, in an environment and a folder without the sources.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHECKOUT = (ROOT / "extractor" / "__init__.py").is_file()


def tracked() -> list[Path]:
    result = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if not CHECKOUT or result.returncode:
        pytest.skip("no checkout")
    return [ROOT / name for name in result.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.wheel
def test_the_wheel_holds_its_patterns():
    if CHECKOUT:
        pytest.skip("runs against an installed wheel (make wheel-test)")
    import extractor
    from extractor import patterns

    assert "site-packages" in extractor.__file__
    assert patterns.root() == Path(extractor.__file__).parent / "patterns"
    assert patterns.load().concepts


@pytest.mark.wheel
def test_the_wheel_screens_the_demo_export(tmp_path):
    if CHECKOUT:
        pytest.skip("runs against an installed wheel (make wheel-test)")
    command = Path(sys.executable).with_name("extractor")
    arguments = [
        "screen",
        str(ROOT / "corpora/demo/notes.csv"),
        "--trial",
        "NCT07016230",
        "--out",
        str(tmp_path / "run"),
    ]
    result = subprocess.run([command, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "criteria.parquet", "facts.parquet", "notes.parquet", "patients.parquet", "run.json", "support.parquet",
    ]  # fmt: skip


@pytest.mark.wheel
def test_the_wheel_screens_on_spark(tmp_path):
    """Workers of Spark find the package and its patterns without the sources."""
    if CHECKOUT:
        pytest.skip("runs against an installed wheel (make wheel-test)")
    pytest.importorskip("pyspark", reason="pyspark is not in this environment")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Java is not on this machine (Spark needs Java 17)")
    (tmp_path / "notes.csv").write_text(
        "patient_id,note_id,note_date,text\n"
        "p1,n1,2026-03-16,Small cell lung cancer. ECOG 1. Platelets 142 K/uL. MRI brain: no metastases.\n"
        "p1,n2,soon,ECOG 2.\n"
    )
    command = [Path(sys.executable).with_name("extractor"), "screen", "notes.csv", "--trial", "NCT07016230"]
    for out, options in (("local", ("--workers", "1")), ("spark", ("--engine", "spark"))):
        done = subprocess.run([*command, "--out", out, *options], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 5, done.stderr
    for name in ("facts", "support", "notes", "criteria", "patients"):
        local, there = (tmp_path / out / f"{name}.parquet" for out in ("local", "spark"))
        assert local.read_bytes() == there.read_bytes()


@pytest.mark.wheel
def test_the_module_runs_as_the_command_does():
    result = subprocess.run(
        [sys.executable, "-m", "extractor", "--version"], capture_output=True, text=True, check=False
    )
    import extractor

    assert result.stdout.strip() == f"extractor, version {extractor.__version__}"


def test_no_registry_address_and_no_path_of_a_machine():
    address = re.compile(r"index[-]url|\"resolved\": \"http|registry = \"http")
    path = re.compile(r"(^|[^A-Za-z0-9_.])/(?:work|root|home)/", re.MULTILINE)
    found = []
    for file in tracked():
        if file == Path(__file__).resolve() or file.suffix in (".png", ".parquet"):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if address.search(text) or path.search(text):
            found.append(file.relative_to(ROOT).as_posix())
    assert found == []


def test_modules_have_room_in_one_head():
    long = {f.name: n for f in tracked() if f.suffix == ".py" and "extractor" in f.parts
            and (n := len(f.read_text().splitlines())) > 500 and ROOT / "extractor" in f.parents}  # fmt: skip
    assert long == {}


def test_constraints_fit_the_bounds_of_the_project():
    if not CHECKOUT:
        pytest.skip("no checkout")
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wrong = []
    for name in ("py311.txt", "py312.txt"):
        lines = (ROOT / "constraints" / name).read_text().splitlines()
        pins = dict(line.lower().replace("-", "_").split("==") for line in lines if "==" in line)
        for text in project["dependencies"]:
            requirement = Requirement(text)
            pinned = pins.get(requirement.name.lower().replace("-", "_"))
            if pinned is None or not requirement.specifier.contains(pinned):
                wrong.append((name, text, pinned))
    assert wrong == []


@pytest.mark.parametrize("target", ["screen", "test"])
def test_the_two_commands_of_the_readme(target):
    if not CHECKOUT:
        pytest.skip("no checkout")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"make {target}" in (ROOT / "README.md").read_text()
