"""What the differential tests share."""

from __future__ import annotations

import os
import random

import pytest

from tests.fuzz.hostile_sql import HostileSql


@pytest.fixture
def generator() -> HostileSql:
    """Return a generator with a new seed, printed so that HOSTILE_SQL_SEED can bring a failure back."""
    seed = int(os.environ.get("HOSTILE_SQL_SEED") or random.SystemRandom().randrange(10**9))
    print(f"HOSTILE_SQL_SEED={seed}")
    return HostileSql(seed)
