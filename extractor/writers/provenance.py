"""What a result rests on, written into every file that leaves a run: versions, digests of input, patterns and trials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: key of the metadata of ``criteria.parquet`` and ``patients.parquet``
KEY = b"extractor"


def provenance(data: Mapping[str, Any], evaluation: Mapping[str, Any] | None = None) -> dict[str, str]:
    """``run.json`` as flat words; ``evaluation`` where it is not in there yet. No identifier, path or time.

    >>> provenance({"versions": {"trial-extractor": "1"}, "patterns": {"digest": "ab"}, "input": {"digest": "cd"}})
    {'version trial-extractor': '1', 'patterns': 'ab', 'input': 'cd'}
    """
    found = {f"version {name}": str(version) for name, version in data.get("versions", {}).items()}
    found["patterns"] = str(data.get("patterns", {}).get("digest", ""))
    found["input"] = str((data.get("input") or {}).get("digest", ""))
    decided = evaluation or data.get("evaluation")
    if decided:
        found |= {f"trial {name}": str(digest) for name, digest in decided["trials"].items()}
        index = decided["index_date"]
        found["index_date"] = index if isinstance(index, str) else "by patient"
        found["strict"] = "yes" if decided["strict"] else "no"
        found |= {f"policy {name}": str(choice) for name, choice in sorted(decided["policies"].items())}
    return found


def metadata(data: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The same as the metadata of a Parquet file."""
    return {KEY: json.dumps(provenance(data, evaluation), ensure_ascii=True, sort_keys=True).encode()}
