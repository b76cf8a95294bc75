"""Who blocks whom in a database, asked by somebody who has no part in it; and ending a session by its pid."""

from __future__ import annotations

import time
from typing import Final

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.postgres_failures import as_error
from migration_manager.engines.postgres_lock import TargetLock
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_waits import lock_wait, prepared_of, query_of_all, understood, waits_of
from migration_manager.engines.postgres_wire import Refused
from migration_manager.errors import ConfigError
from migration_manager.model import Activity, ServerSession, Waiter

_GOING: Final = 5.0  # seconds a session gets to go after it was ended


class ServerActivity:
    """What a session can see of the others. Reads as the login itself: the role files run as may see less."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self) -> Activity:
        """Return who runs, who waits, and whose transactions are open. Does not write."""
        query = query_of_all(self._key(), queries=self._session.settings.show_queries)
        # The costs of views over functions are guesses, and would have the query compiled for longer than it runs.
        answers = self._session.command("BEGIN READ ONLY", "SET LOCAL jit = off", query, "COMMIT")
        facts = understood(answers[2][0][0] or "{}")
        waits = waits_of(facts)
        runners = [pid for pid in dict.fromkeys(facts["runners"] or ()) if pid in waits.sessions]
        sessions = [waits.sessions[pid] for pid in facts["oldest"] or () if pid in waits.sessions]
        return Activity(
            runners=tuple(Waiter(waits.sessions[pid], lock_wait(waits, pid)) for pid in runners),
            waiters=tuple(
                Waiter(waits.sessions[pid], lock_wait(waits, pid))
                for pid in waits.waiting
                if pid in waits.sessions and pid not in runners
            ),
            oldest=(*map(prepared_of, facts["oldest_prepared"] or ()), *sessions),
        )

    def end(self, session: ServerSession) -> bool:
        """End a session, unless another one has its pid by now; return whether it has gone.

        Raises `ConfigError` when the login may not end it.
        """
        if session.pid is None:
            raise ValueError("a prepared transaction has no process to end")
        same = self._same(session)
        try:
            self._session.command_raw(f"SELECT pg_catalog.pg_terminate_backend(a.pid) {same}")
        except Refused as error:
            if error.code != "42501":
                raise as_error(error) from None
            login = queries.quoted(self._session.identity.user)
            raise ConfigError(
                f"the login {login} may not end the session of pid {session.pid}",
                hint=f"GRANT pg_signal_backend TO {login}; a superuser's session only a superuser may end",
            ) from None
        deadline = time.monotonic() + _GOING
        while self._session.command(f"SELECT 1 {same}")[0]:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _same(self, session: ServerSession) -> str:
        return f"""FROM pg_catalog.pg_stat_activity a WHERE a.pid = {session.pid:d}
 AND a.datname = pg_catalog.current_database()
 AND a.backend_start IS NOT DISTINCT FROM {queries.literal(session.started)}::timestamptz"""

    def _key(self) -> int | None:
        try:
            return TargetLock(self._session).key
        except ConfigError:  # there is no place for a history, and so no run
            return None
