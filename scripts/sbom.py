"""Writes docs/sbom.json: a bill of materials in the form of CycloneDX 1.5, with the licence of each dependency.

    python scripts/sbom.py [--check]

It is made from the packages that are installed in this environment and needed by the project (with those that they
need); names and versions, no addresses. ``--check`` exits with 1 where a licence is not known or not allowed.
"""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "trial-extractor"
#: words of licences that a hospital may install without asking; others are listed by --check
ALLOWED = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|Unlicense|LGPL|Lesser General|zlib|HPND|0BSD|CC0|"
    r"Public Domain|Artistic",
    re.IGNORECASE,
)


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


def bill() -> dict[str, object]:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    components = [
        {
            "type": "library",
            "name": name,
            "version": distribution.version,
            "purl": f"pkg:pypi/{name}@{distribution.version}",
            "licenses": [{"license": {"name": licence(distribution)}}],
        }
        for name, distribution in needed(project["dependencies"]).items()
    ]
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
        "components": components,
    }


def main() -> int:
    found = bill()
    (ROOT / "docs" / "sbom.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    unknown = [
        f"{part['name']}: {part['licenses'][0]['license']['name']}"  # type: ignore[index]
        for part in found["components"]  # type: ignore[attr-defined]
        if not ALLOWED.search(part["licenses"][0]["license"]["name"])
    ]
    print(f"{len(found['components'])} components; licences to look at: {', '.join(unknown) or 'none'}")  # type: ignore[arg-type]
    return 1 if unknown and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
