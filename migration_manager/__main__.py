"""Entry for `python -m migration_manager`."""

from migration_manager.cli import main

main()
