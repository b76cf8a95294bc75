"""The list of fixture modules, in the order they import one another; the fixtures live in `tests/fixtures`."""

import signal

pytest_plugins = [
    "tests.fixtures.files",
    "tests.fixtures.postgres",
    "tests.fixtures.proofs",
    "tests.fixtures.targets",
    "tests.fixtures.cli",
    "tests.fixtures.servers",
    "tests.fixtures.own_projects",
    "tests.fixtures.bouncers",
    "tests.fixtures.proxies",
]

# A shell starts what it puts in the background (`scripts/test.sh &`) with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
