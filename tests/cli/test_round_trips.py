"""How often a run and the server have to wait for each other, counted on the line between them."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import Project
from tests.fixtures.proxies import Proxy, Sender
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres


@pytest.fixture
def behind(postgres_project: Project, proxy: Proxy) -> Project:
    """Return a project of forty migrations that reaches its database through a proxy, with the first applied."""
    assert isinstance(postgres_project.target, PostgresTarget)
    postgres_project.variables["TARGET_URL"] = proxy.through(postgres_project.target.database).url
    for number in range(40):
        name = f"20250101_{number:06}_create_t{number}"
        postgres_project.write(name, f"CREATE TABLE t{number} (id integer);\n", f"DROP TABLE t{number};\n")
    postgres_project.ok("migrate", "--steps", "1")
    return postgres_project


def messages(project: Project, proxy: Proxy, *arguments: str) -> int:
    """Return how many messages a call sends; each of them waits for its answer."""
    proxy.set(None)
    project.ok(*arguments)
    return proxy.count(Sender.CLIENT)


@pytest.mark.parametrize("command", ["migrate", "rollback"])
def test_a_migration_more_costs_two_round_trips_more(behind: Project, proxy: Proxy, command: str) -> None:
    if command == "rollback":
        behind.ok("migrate")
    ten = messages(behind, proxy, command, "--steps", "10")
    twenty = messages(behind, proxy, command, "--steps", "20")
    # One more where the session of the call before still has the lock: it is asked for again.
    assert 2 * 10 - 1 <= twenty - ten <= 2 * 10 + 1


def test_a_run_with_nothing_to_do_costs_four_with_connecting_and_leaving(behind: Project, proxy: Proxy) -> None:
    behind.ok("migrate")
    assert messages(behind, proxy, "migrate") - 1 <= 4  # the last one says good-bye and waits for nothing
