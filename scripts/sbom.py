"""Writes docs/sbom.json: a bill of materials in the form of CycloneDX 1.5, with the licence of each dependency.

    python scripts/sbom.py [--check]

It is made from the packages that are installed in this environment and needed by the project (with those that they
need); names and versions, no addresses. Run it with Python 3.11 and with 3.12: each run renews what its Python installs
and keeps what the other one does; ``properties`` of a component say which of them that is. ``--check`` writes nothing and
exits with 1 where a licence is neither allowed nor among those that docs/privacy.md explains.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "trial-extractor"
#: words of licences that a hospital may install without asking; others are listed by --check
ALLOWED = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|Unlicense|LGPL|Lesser General|zlib|HPND|0BSD|CC0|"
    r"Public Domain|Artistic",
    re.IGNORECASE,
)


#: licences that were looked at and are explained in docs/privacy.md
EXPLAINED = frozenset({"unidecode", "nmslib-metabrainz", "pysimstring"})
PYTHONS = ("3.11", "3.12")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
BILL = ROOT / "docs" / "sbom.json"


def name_of(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(requirements: list[str]) -> dict[str, metadata.Distribution]:
    """Installed distributions that the requirements lead to, by name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = name_of(requirement.name)
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(requirement.name)
        except metadata.PackageNotFoundError:
            continue
        waiting += found[name].requires or []
    return dict(sorted(found.items()))


def licence(distribution: metadata.Distribution) -> str:
    """The licence as the package states it: expression, classifier, first line of the field."""
    data = distribution.metadata
    if data.get("License-Expression"):
        return data["License-Expression"]
    classifiers = [
        line.rpartition(" :: ")[2] for line in data.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    stated = (data.get("License") or "").strip().splitlines()
    return "; ".join(c for c in classifiers if c != "OSI Approved") or (stated[0][:80] if stated else "not stated")


Component = dict[str, Any]


def components() -> list[Component]:
    """What this Python installs for the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [
        {
            "type": "library",
            "name": name,
            "version": distribution.version,
            "purl": f"pkg:pypi/{name}@{distribution.version}",
            "licenses": [{"license": {"name": licence(distribution)}}],
        }
        for name, distribution in needed(project["dependencies"]).items()
    ]


def pythons(component: Component) -> set[str]:
    """The Pythons that a component of the bill is installed with."""
    return {item["value"] for item in component.get("properties", []) if item["name"] == "python"}


def merged(former: list[Component], found: list[Component]) -> list[Component]:
    """The components of both Pythons: those of another one are kept, those of this one are what was found."""
    held: dict[str, tuple[Component, set[str]]] = {}
    for part in former:
        if others := pythons(part) - {HERE}:
            held[part["purl"]] = (part, others)
    for part in found:
        _, others = held.get(part["purl"], (part, set()))
        held[part["purl"]] = (part, others | {HERE})
    return [
        {**part, "properties": [{"name": "python", "value": python} for python in sorted(where)]}
        for _, (part, where) in sorted(held.items())
    ]


def bill(former: list[Component]) -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": PROJECT,
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": merged(former, components()),
    }


def main() -> int:
    former = json.loads(BILL.read_text(encoding="utf-8"))["components"] if BILL.is_file() else []
    found = bill(former)
    if "--check" not in sys.argv:
        BILL.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    flagged = {
        part["name"]: part["licenses"][0]["license"]["name"]
        for part in found["components"]
        if not ALLOWED.search(part["licenses"][0]["license"]["name"])
    }
    shown = ", ".join(f"{name}: {words}" for name, words in flagged.items())
    print(f"Python {HERE}: {len(found['components'])} components; licences to look at: {shown or 'none'}")
    return 1 if "--check" in sys.argv and flagged.keys() - EXPLAINED else 0


if __name__ == "__main__":
    sys.exit(main())
