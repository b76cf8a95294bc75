"""PostgreSQL's own client programs: which of them can serve a server, and running one without showing a password."""

from __future__ import annotations

from migration_manager.clients.pgdump import Connection, Wanted, dump_schema
from migration_manager.clients.programs import Program, find_program

__all__ = ["Connection", "Program", "Wanted", "dump_schema", "find_program"]
