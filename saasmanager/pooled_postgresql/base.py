"""PostgreSQL behind a pooler, for commands: each transaction lifts the role's time limits."""

from django.db.backends.postgresql import base

from core.process_lock import NO_LIMITS


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for how a transaction begins.

    A plain ``SET`` would stay with the pooler's connection, and so reach the next client; ``SET LOCAL`` ends with the
    transaction. Statements outside of transactions keep the role's limits.
    """

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit:
            self.connection.execute(NO_LIMITS)
