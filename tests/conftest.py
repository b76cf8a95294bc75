"""The list of fixture modules, in the order they import one another; the fixtures live in `tests/fixtures`."""

pytest_plugins = ["tests.fixtures.files", "tests.fixtures.postgres", "tests.fixtures.targets", "tests.fixtures.cli"]
