"""Made-up notes of any number and length, and the commands that read them: what the measurements share."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"

_LINES = (
    "{age}-year-old {man} with {extent} small cell lung cancer diagnosed in {month} {year}.",
    "Received {n} cycles of carboplatin and etoposide with atezolizumab, last dose {month} {day}, {year}.",
    "CT chest of {month} {day}, {year} shows a right upper lobe mass of {size} cm, previously {size2} cm.",
    "MRI brain without metastases. No headache, no seizures.",
    "ECOG performance status {ps}. BP {sys}/{dia}, HR {hr}, weight {kg} kg, SpO2 97 % on room air.",
    "Labs: Hgb {hgb} g/dL, WBC 5.{n}, ANC 3.{n}, platelets {plt} K/uL, creatinine 0.{n}{n} mg/dL, ALT {hr} U/L.",
    "Denies fever, chills, chest pain or shortness of breath. Sleep and appetite are fair.",
    "He lives with his brother, who drives him to the clinic; they talked about the garden and the weather.",
    "Hypertension, on lisinopril 10 mg daily. No history of hepatitis B or HIV. Mother had breast cancer.",
    "The wound over the left knee is clean and dry; dressings are changed by the district nurse.",
    "Plan: return in {n} weeks with repeat labs. We will discuss tarlatamab at the next visit.",
    "The patient asked about parking at the new entrance and was given a leaflet of the social service.",
)
#: what fills a dictated note: nothing in it is a fact that a trial asks for
_PROSE = (
    "The patient was seen today in the {day} o'clock clinic together with the family and the resident on call.",
    "We went over the events since the last visit in detail and the questions of the family were answered.",
    "The morning was spent on forms for the employer, which were completed, signed and handed over.",
    "The trip to the coast in {month} went well, and another one is planned with the grandchildren.",
    "The garden has been neglected this year, the tomatoes of the neighbours were better.",
    "He slept through most nights, reads the newspaper before breakfast and walks the dog twice a day.",
    "She was brought by a volunteer driver and will be taken home by the same one at about {n} o'clock.",
    "The records of the outside office were requested again; the copies that came were not complete.",
    "A letter to the family doctor was dictated and will be sent together with the results of today.",
    "The new apartment is on the ground floor, {n} steps lead to the entrance, there is a rail on one side.",
    "The interpreter was present for the whole visit and translated what was said by both sides.",
    "The general appearance is that of a pleasant person who is well groomed and speaks in full sentences.",
    "Gait is steady without a stick; the shoes were taken off and put on again without any help.",
    "The skin is warm and dry. The mouth is moist. The neck is supple.",
    "The lungs are clear to the bases on both sides, the breath sounds are equal.",
    "The heart is regular with normal sounds, the ankles are slim.",
    "The belly is soft, the bowel sounds are heard in every quadrant, the spleen tip is not felt.",
    "The pulses are felt at both feet, the hands are warm, the nails are without change.",
    "The daughter keeps a calendar with all appointments, which she showed on her telephone.",
    "Insurance has been asked to cover the transport; the answer is expected in {n} days.",
    "The pharmacy was changed to the one beside the station, which is open until late.",
    "The dietician was seen last week and her advice on small meals is being followed.",
    "The family asked about a second visit of the social worker, who was called in the afternoon.",
    "The room was cold and the heating was reported to the house service.",
    "The list of telephone numbers for nights and weekends was handed out for the {n}th time.",
    "It was agreed that the next visit will take place in the other building because of the works.",
    "The time spent on this visit was {day} minutes, of which more than half was for counselling.",
    "Thank you for letting us take part in the care of this pleasant person.",
)
_MONTHS = ("January", "March", "April", "June", "August", "October", "November")


def note(seed: int, characters: int = 3_400, dense: float = 1.0) -> str:
    """A note of about that many characters; equal seeds give equal notes.

    ``dense``: part of the sentences that are about the disease (1: a note that is all findings, about 100 facts; 0.2: a
    dictated note, about 20).
    """
    draw = random.Random(seed)
    lines: list[str] = []
    length = 0
    while length < characters:
        line = draw.choice(_LINES if dense >= 1 or draw.random() < dense else _PROSE).format(
            age=draw.randint(40, 85), man=draw.choice(("man", "woman")), extent=draw.choice(("extensive-stage", "limited-stage")),
            month=draw.choice(_MONTHS), year=draw.randint(2022, 2025), day=draw.randint(1, 28), n=draw.randint(1, 9),
            size=f"{draw.randint(1, 8)}.{draw.randint(0, 9)}", size2=f"{draw.randint(1, 8)}.{draw.randint(0, 9)}",
            ps=draw.randint(0, 3), sys=draw.randint(95, 170), dia=draw.randint(55, 95), hr=draw.randint(55, 110),
            kg=draw.randint(45, 110), hgb=f"{draw.randint(8, 15)}.{draw.randint(0, 9)}", plt=draw.randint(60, 400),
        )  # fmt: skip
        lines.append(line + draw.choice(("\n", " ", " ", " ", "\n\n")))
        length += len(lines[-1])
    return "".join(lines)[:characters]


def write(path: Path, count: int, characters: int = 3_400, dense: float = 1.0) -> None:
    """``count`` notes as Parquet, written in batches so that the writer's memory stays small."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in ("patient_id", "note_id", "note_date", "note_type", "text")])
    with pq.ParquetWriter(path, schema) as writer:
        for rows in _batches(count, characters, dense):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _batches(count: int, characters: int, dense: float) -> Iterator[list[dict[str, str]]]:
    for first in range(0, count, 2_000):
        yield [
            {"patient_id": f"p{n // 10}", "note_id": f"n{n}", "note_date": "2025-12-01", "note_type": "Progress note", "text": note(n, characters, dense)}
            for n in range(first, min(count, first + 2_000))
        ]  # fmt: skip


def run(*arguments: str) -> dict[str, float]:
    """Runs ``extractor`` in a process of its own.

    Seconds by the clock and of all its processors; of the main process and of the busiest worker alone (to half a
    second); the peak of the main process's memory and of the largest worker's in MB.
    """
    import time

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    code = "import sys; from extractor.__main__ import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    seen = _watched(process)
    if process.returncode != 0:
        raise SystemExit(f"extractor {arguments[0]}: ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(time.monotonic() - began, 2),
        "cpu": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "main_cpu": seen["main_cpu"],
        "worker_cpu": seen["worker_cpu"],
        "main_peak_mb": round(seen["main"] / 1024, 1),
        "worker_peak_mb": round(seen["worker"] / 1024, 1),
    }


def _watched(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """Waits for the process; highest resident size in kB and seconds of the processor of itself and of one worker."""
    import time

    seen = {"main": 0.0, "worker": 0.0, "main_cpu": 0.0, "worker_cpu": 0.0}
    tick = os.sysconf("SC_CLK_TCK")
    while process.poll() is None:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                status = (folder / "status").read_text()
                spent = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
            except OSError:  # it has ended meanwhile
                continue
            if folder.name == str(process.pid):
                who = "main"
            elif f"\nPPid:\t{process.pid}\n" in status:
                who = "worker"
            else:
                continue
            high = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
            seen[who] = max(seen[who], high)
            seen[who + "_cpu"] = max(seen[who + "_cpu"], sum(map(int, spent)) / tick)
        time.sleep(0.5)
    return seen


def keep(name: str, result: dict[str, Any]) -> None:
    """Writes the result and says it."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))
