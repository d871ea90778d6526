"""The triggers by which the database itself refuses to change or take away audit events."""

from collections.abc import Mapping

TABLE = "audit_auditevent"
REASON = "Audit events can be added and read, never changed or deleted."

# Statements for each kind of database. All of these triggers end in an IntegrityError.
GUARD: Mapping[str, tuple[str, ...]] = {
    "postgresql": (
        "CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION '{REASON}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()",
    ),
    "sqlite": (
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{REASON}'); END",
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{REASON}'); END",
        # INSERT OR REPLACE takes the old row away without asking the trigger above.
        f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON {TABLE}"  # noqa: S608
        f" WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, '{REASON}'); END",
    ),
}
UNGUARD: Mapping[str, tuple[str, ...]] = {
    "postgresql": (f"DROP TRIGGER audit_append_only ON {TABLE}", "DROP FUNCTION audit_refuse_change()"),
    "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", "DROP TRIGGER audit_no_replace"),
}
