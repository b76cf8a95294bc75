"""Plain-SQL migrations for PostgreSQL and SQLite, with rollback by name.

The package's command line is `python -m migration_manager`; DESIGN words are used throughout: a migration is one
forward file, a rollback script undoes exactly that migration, the history is the table of what is applied now.
"""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    # Read on demand: the look-up, and the module for it, cost more than the rest of the package's start.
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("migration-manager")
        except PackageNotFoundError:  # a source tree that was never installed
            return "0+unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
