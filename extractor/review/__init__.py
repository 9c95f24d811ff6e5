"""What the notebooks and ``extractor report`` show: a run opened for people who check it and sign.

``open_run`` reads a run's folder; ``audit`` keeps decisions; ``evidence`` shows words in their note; ``export`` writes
the screening log; ``pictures`` draws; ``funnel`` counts and asks what if; ``authoring`` tries a pattern. Notebook
libraries are imported by ``widgets`` and ``charts`` alone.
"""

from __future__ import annotations

from extractor.review.opened import OpenRun, open_run

__all__ = ["OpenRun", "open_run"]
