"""What several test modules share."""

import pytest

from extractor.pipeline.engine import Engine


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The engine with the package's own patterns; built for each module, since a family keeps what the last engine told it."""
    return Engine()
