"""Notes a CPU second of EDS-NLP, in an environment of its own: its releases want another spaCy than medspaCy does.

    python edsnlp_peer.py < {"texts": [...], "names": [...]}

Needs nothing of this package. Prints {"version": ..., "notes_per_cpu_second": ...}.
"""

import json
import sys
import time

import edsnlp
import edsnlp.pipes as eds

given = json.load(sys.stdin)
nlp = edsnlp.blank("eds")
for pipe in (
    eds.sentences(),
    eds.matcher(terms={"name": given["names"]}, attr="LOWER"),
    eds.sections(),
    eds.negation(),
    eds.hypothesis(),
    eds.family(),
    eds.history(),
    eds.dates(),
    eds.quantities(quantities="all", extract_ranges=True),
):
    nlp.add_pipe(pipe)
for text in given["texts"][:3]:
    nlp(text)
began = time.process_time()
for text in given["texts"]:
    nlp(text)
spent = time.process_time() - began
print(json.dumps({"version": edsnlp.__version__, "notes_per_cpu_second": round(len(given["texts"]) / spent, 1)}))
