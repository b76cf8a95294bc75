"""The rules of `lint`, each a record: what is wrong, what to do instead, which files it is asked of and why no others.

Squawk's rules have squawk's names and our words. A rule that is asked nowhere stands here with its reason, so that
nothing squawk knows is without an answer; `KNOWN_SQUAWK` is the version that was gone through. Pure.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

KNOWN_SQUAWK: Final = "2.70.0"


class Asked(enum.Enum):
    """Which files a rule is asked of."""

    EVERYWHERE = "every file"
    FORWARD = "migrations, not rollback scripts"
    OUTSIDE = "files that run outside a transaction"
    NOWHERE = "no file"


class Origin(enum.Enum):
    """Who finds it."""

    OWN = "this tool"
    SQUAWK = "squawk"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. In `wrong`, which says what is wrong, `{said}` stands for squawk's own words.

    `because` says why it is not asked of every file, where it is not. What is not `acceptable` is refused by `migrate`.
    `of_own_too`: also of what the transaction made itself, which nobody else sees yet and so nobody waits for.
    """

    id: str
    wrong: str
    advice: str
    asked: Asked = Asked.EVERYWHERE
    because: str | None = None
    origin: Origin = Origin.SQUAWK
    acceptable: bool = True
    of_own_too: bool = False

    def is_asked(self, *, rollback: bool, outside: bool) -> bool:
        """Return whether it is asked of such a file: a rollback script, one that runs outside a transaction."""
        match self.asked:
            case Asked.EVERYWHERE:
                return True
            case Asked.FORWARD:
                return not rollback
            case Asked.OUTSIDE:
                return outside
            case Asked.NOWHERE:
                return False


def _by_id(rules: Iterable[Rule]) -> Mapping[str, Rule]:
    return {rule.id: rule for rule in rules}


# ------------------------------------------------------------------------------------------ our own

_REFUSED: Final = "write it as the message says; `migrate` refuses the file as it is"

FILE: Final = Rule("file", "the file cannot be a migration", _REFUSED, origin=Origin.OWN, acceptable=False)
DIRECTIVE: Final = Rule("directive", "the header is wrong", _REFUSED, origin=Origin.OWN, acceptable=False)
NEEDS_NO_TRANSACTION: Final = Rule(
    "needs-no-transaction",
    "the database refuses the statement inside a transaction",
    "put it into a file of its own with `-- migrate: no-transaction` at the top",
    origin=Origin.OWN,
    acceptable=False,
)
NO_ROLLBACK: Final = Rule(
    "no-rollback",
    "nothing undoes it",
    "write the rollback script; or say in the migration `-- migrate: irreversible because …`, or in the script"
    " `-- migrate: nothing-to-undo because …`",
    Asked.FORWARD,
    "a rollback script has none of its own",
    Origin.OWN,
)
SAME_NUMBER: Final = Rule(
    "same-number",
    "two migrations begin with the same number",
    "give the newer pair a timestamp of its own, unless it does not matter which of the two runs first",
    Asked.FORWARD,
    "said of the migration, whose name its rollback script shares",
    Origin.OWN,
)
IN_THE_FUTURE: Final = Rule(
    "in-the-future",
    "the timestamp is in the future",
    "rename the pair to the present time (UTC): what others make until then runs before it, and is out of order where"
    " it is applied already",
    Asked.FORWARD,
    "said of the migration, whose name its rollback script shares",
    Origin.OWN,
)
LOSES_DATA: Final = Rule(
    "loses-data",
    "data is lost, and no rollback brings it back",
    "in two phases: first release the application that no longer needs it and keep it for a while, under another name"
    " or in an archive table; take it away in a later migration, after a backup. Is it right so? Accept it, saying why",
    Asked.FORWARD,
    "a rollback takes away what the migration made, and says what is lost by it when it runs",
    Origin.OWN,
)
WRITES_UNDER_LOCK: Final = Rule(
    "writes-under-lock",
    "rows are written while the transaction holds ACCESS EXCLUSIVE: nobody reads the table until the file ends",
    "three files: (1) the ALTER TABLE, with the column nullable; (2) the rows in batches, in a file with"
    " `-- migrate: no-transaction`; (3) what needs them filled: CHECK (…) NOT VALID, and in a later file VALIDATE"
    " CONSTRAINT, SET NOT NULL and DROP CONSTRAINT",
    origin=Origin.OWN,
)
WHOLE_TABLE: Final = Rule(
    "whole-table",
    "every row of the table is written in one transaction that changes the schema too",
    "write the rows in a file of their own with `-- migrate: no-transaction`, in batches by key, so that no lock is"
    " held for long and vacuum keeps up",
    origin=Origin.OWN,
)
HIDDEN_INDEX: Final = Rule(
    "if-not-exists-concurrently",
    "IF NOT EXISTS takes an invalid index, left by a build that failed, for the real one",
    "leave IF NOT EXISTS out: `resume` drops an invalid index and builds it anew",
    origin=Origin.OWN,
)
NO_TIMEOUT: Final = Rule(
    "no-lock-timeout",
    "the file takes the limit off how long it waits for a lock, and everybody who comes later waits behind it",
    "leave it to the environment, or write `-- migrate: lock-timeout 10s` in the header: a file that did not get its"
    " locks is tried again",
    origin=Origin.OWN,
)
NEEDLESS: Final = Rule(
    "needless-no-transaction",
    "no statement of the file needs to stand outside a transaction, and a failure leaves the half of it",
    "take `-- migrate: no-transaction` out: then it is applied whole or not at all",
    origin=Origin.OWN,
)
VACUUM_FULL: Final = Rule(
    "vacuum-full",
    "the table is written anew, and nobody reads or writes it meanwhile",
    "plain VACUUM, where the room is used again; else the extension pg_repack, or REPACK (CONCURRENTLY) of"
    " PostgreSQL 19",
    origin=Origin.OWN,
)
ON_THE_SERVER: Final = Rule(
    "runs-on-the-server",
    "it runs a program, or loads a library, on the database's machine, with all that the server may do there",
    "do it before or after the migration, on a machine of your own; rows go into the file: COPY … FROM stdin",
    origin=Origin.OWN,
)
NOT_READ: Final = Rule(
    "too-long-for-squawk",
    "the file is too long for squawk, and was looked at by this tool's own rules only",
    "put the changes of the schema into a file apart from the data",
    origin=Origin.OWN,
)
SUBFOLDER: Final = Rule(
    "subfolder",
    "SQL files in a folder in the folder are not read",
    "move them up; or move the folder elsewhere, where they are no migrations",
    origin=Origin.OWN,
    acceptable=False,
)
UNKNOWN_ACCEPTANCE: Final = Rule(
    "unknown-acceptance",
    "the header accepts what no rule is called",
    "write the rule's name, or the subject, as it is printed",
    origin=Origin.OWN,
    acceptable=False,
)
UNUSED_ACCEPTANCE: Final = Rule(
    "unused-acceptance",
    "the header accepts what is not found here",
    "take it out: it would hide the next one",
    origin=Origin.OWN,
    acceptable=False,
)

OWN: Final = _by_id((
    FILE, DIRECTIVE, NEEDS_NO_TRANSACTION, NO_ROLLBACK, SAME_NUMBER, IN_THE_FUTURE, SUBFOLDER, LOSES_DATA,
    WRITES_UNDER_LOCK, WHOLE_TABLE, HIDDEN_INDEX, NO_TIMEOUT, NEEDLESS, VACUUM_FULL, ON_THE_SERVER, NOT_READ,
    UNKNOWN_ACCEPTANCE, UNUSED_ACCEPTANCE,
))  # fmt: skip

# What `prove` and `rehearse` find, whose acceptances stand in the same headers.
OF_OTHER_COMMANDS: Final = frozenset({
    "differs", "column-order", "constraint-names", "rows", "rollback-fails", "no-rollback", "up-again-fails",
    "up-again-differs", "migration-fails",
    "blocks-reads", "blocks-writes", "rewrites", "scans", "invalid-index", "fails",
})  # fmt: skip

# ------------------------------------------------------------------------------------------ squawk's

_CONCURRENTLY: Final = "with `-- migrate: no-transaction` at the top of a file that holds nothing else"
_VALIDATED: Final = "add it NOT VALID here, and VALIDATE CONSTRAINT in a later file: only that one reads the rows, and"
_TWO_PHASES: Final = "in two phases: first release the application that no longer uses it; drop it in a later migration"
_TAKES_BACK: Final = "a rollback takes away what its migration made"
_PUTS_BACK: Final = "a rollback puts back what was there before its migration"
_THREE_PHASES: Final = (
    "in three phases: (1) add {what}; (2) release the application that uses the new one;"
    " (3) drop the old one in a later migration"
)
_OPINION: Final = "an opinion about how to model, and no danger when it runs"
_OPT_IN: Final = "squawk leaves it off as well: everyday work, which neither blocks anybody nor loses anything"
_TIMEOUTS: Final = "the environment's lock_timeout and statement_timeout are set for every file, or the header's"
_SAID_BY_US: Final = "this tool's own file rules say it, with what the runner does about it"


def _off(name: str, wrong: str, because: str) -> Rule:
    return Rule(name, wrong, "nothing", Asked.NOWHERE, because)


def _forward(name: str, wrong: str, advice: str, because: str = _TAKES_BACK) -> Rule:
    return Rule(name, wrong, advice, Asked.FORWARD, because)


SYNTAX_ERROR: Final = Rule(
    "syntax-error",
    "squawk cannot read this: {said}",
    "mend it; where PostgreSQL takes it, because it is newer than squawk, accept it and say so. The other statements"
    " of the file were looked at",
    of_own_too=True,
)
ROBUST: Final = Rule(
    "prefer-robust-stmts",
    "run a second time it would fail",
    "put it into a file that is one transaction. Where it has to stay, IF EXISTS or IF NOT EXISTS lets"
    " `resume --again` run it after a crash of which nobody saw the end",
    Asked.OUTSIDE,
    "a file that is one transaction leaves nothing behind and is never run a second time; of statements that have to"
    " stand outside one, such as CREATE INDEX CONCURRENTLY, `resume` finds out by itself whether they ran",
)

SQUAWK: Final = _by_id((
    SYNTAX_ERROR,
    ROBUST,
    # -- locks, rewrites and scans: the same in both directions
    Rule(
        "require-concurrent-index-creation",
        "nobody writes to the table while the index is built",
        f"CREATE INDEX CONCURRENTLY, {_CONCURRENTLY}",
    ),
    Rule(
        "require-concurrent-index-deletion",
        "DROP INDEX waits for, and then blocks, everybody who uses the table",
        f"DROP INDEX CONCURRENTLY, {_CONCURRENTLY}",
    ),
    Rule(
        "require-concurrent-reindex",
        "the table is blocked while the index is built anew",
        f"REINDEX … CONCURRENTLY, {_CONCURRENTLY}",
    ),
    Rule(
        "require-concurrent-partition-detach",
        "nobody reads or writes the partitioned table while the lock is held",
        f"DETACH PARTITION … CONCURRENTLY, {_CONCURRENTLY}",
    ),
    Rule(
        "constraint-missing-not-valid",
        "every row is read for the new constraint, and nobody writes to the table meanwhile",
        f"{_VALIDATED} it lets others write",
    ),
    Rule(
        "adding-foreign-key-constraint",
        "every row is looked up for the new foreign key, and nobody writes to either table meanwhile",
        f"{_VALIDATED} it lets others write to both. A column of a new foreign key: the column first, the key after it",
    ),
    Rule(
        "disallowed-unique-constraint",
        "nobody reads or writes the table while the index of the constraint is built",
        f"two files: (1) CREATE UNIQUE INDEX CONCURRENTLY, {_CONCURRENTLY}; (2) ALTER TABLE … ADD CONSTRAINT … UNIQUE"
        " USING INDEX, which is quick",
    ),
    Rule(
        "adding-serial-primary-key-field",
        "nobody reads or writes the table while the index of the key is built",
        f"two files: (1) CREATE UNIQUE INDEX CONCURRENTLY, {_CONCURRENTLY}; (2) ALTER TABLE … ADD CONSTRAINT … PRIMARY"
        " KEY USING INDEX, on columns that are NOT NULL already",
    ),
    Rule(
        "adding-required-field",
        "a column that must not be NULL and has no default is refused on a table with rows, and breaks every client"
        " that does not fill it",
        "in steps: (1) add the column nullable; (2) release the application that fills it; (3) backfill in batches, in"
        " a file with `-- migrate: no-transaction`; (4) CHECK (… IS NOT NULL) NOT VALID; (5) in a later file VALIDATE"
        " CONSTRAINT, SET NOT NULL, DROP CONSTRAINT. Or give it a constant default",
    ),
    Rule(
        "adding-not-nullable-field",
        "every row is read for SET NOT NULL, and nobody reads or writes the table meanwhile",
        "in steps: (1) backfill in batches; (2) ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID; (3) in a later file"
        " VALIDATE CONSTRAINT, SET NOT NULL, which then reads no row, and DROP CONSTRAINT",
    ),
    Rule(
        "adding-field-with-default",
        "every row is written anew for a default that is computed for each, and nobody reads or writes meanwhile",
        "in steps: (1) add the column nullable; (2) ALTER COLUMN … SET DEFAULT, which is for new rows only; (3)"
        " backfill in batches, in a file with `-- migrate: no-transaction`. For a generated column: a plain one and a"
        " trigger. A constant default needs none of this",
    ),
    Rule(
        "changing-column-type",
        "every row is written anew in the new type, and nobody reads or writes the table meanwhile; clients may not"
        " understand the new one",
        "in steps: (1) add a new column of the new type, nullable, and a trigger that keeps it equal; (2) backfill in"
        " batches, in a file with `-- migrate: no-transaction`; (3) release the application that uses it, or swap the"
        " names; (4) drop the old one in a later migration",
    ),
    Rule(
        "ban-alter-domain-with-add-constraint",
        "every table with a column of this domain is read, and nobody writes to it meanwhile",
        "ADD CONSTRAINT … NOT VALID, and ALTER DOMAIN … VALIDATE CONSTRAINT in a later file; better, put the"
        " constraint on the columns",
    ),
    # -- losing more than is said
    Rule(
        "ban-truncate-cascade",
        "every table that refers to this one is emptied as well, whatever it is called",
        "name the tables that are to be emptied, without CASCADE; " + _TWO_PHASES,
    ),
    Rule("ban-drop-database", "a whole database is dropped", "leave databases to `db drop`, which asks first"),
    # -- slips
    Rule(
        "identifier-too-long",
        "{said}",
        "write a name of 63 bytes at most; PostgreSQL cuts it silently",
        of_own_too=True,
    ),
    Rule(
        "ban-duplicate-column-assignments",
        "{said}: PostgreSQL refuses that",
        "take one of the two out",
        of_own_too=True,
    ),
    Rule(
        "unused-ignore",
        "{said}: squawk has no such rule",
        "take the comment out; acceptances with a reason are written `-- migrate: accept RULE because …`",
        of_own_too=True,
    ),
    # -- clients that still use it
    _forward("ban-drop-column", "clients that still use the column break, and its data is gone", _TWO_PHASES),
    _forward("ban-drop-table", "clients that still use the table break, and its data is gone", _TWO_PHASES),
    _forward("ban-drop-schema", "clients that still use what is in the schema break", _TWO_PHASES),
    _forward("ban-drop-sequence", "clients that still take numbers from the sequence break", _TWO_PHASES),
    _forward("ban-drop-view", "clients that still read the view break", _TWO_PHASES),
    _forward("ban-drop-function", "clients that still call the function break", _TWO_PHASES),
    _forward("ban-drop-type", "clients that still use the type break", _TWO_PHASES),
    _forward("ban-drop-domain", "clients that still use the domain break", _TWO_PHASES),
    _forward("ban-drop-extension", "everything that the extension brought goes with it", _TWO_PHASES),
    _forward(
        "ban-drop-default",
        "clients that leave the column out write NULL from now on, or are refused",
        "in two phases: first release the application that fills the column itself; drop the default in a later"
        " migration",
    ),
    _forward(
        "ban-drop-not-null",
        "clients that have never seen a NULL there may break on the first one",
        "in two phases: first release the application that understands NULL; drop NOT NULL in a later migration",
    ),
    _forward(
        "ban-drop-generated-expression",
        "clients rely on the column being computed, and leave it out",
        "in two phases: first release the application that fills the column itself; drop the expression in a later"
        " migration",
    ),
    _forward(
        "ban-alter-identity",
        "clients that give the column a value, or leave it out, may be refused",
        "in two phases: first release the application that works both ways; change the identity in a later migration",
        _PUTS_BACK,
    ),
    _forward(
        "renaming-column",
        "clients that still use the old name break, in the moment of the COMMIT",
        _THREE_PHASES.format(
            what="a column of the new name, a trigger that keeps both equal, and in a file of its own the backfill in"
            " batches"
        ),
        _PUTS_BACK,
    ),
    _forward(
        "renaming-table",
        "clients that still use the old name break, in the moment of the COMMIT",
        "in three phases: (1) rename it and make a view of the old name in the same file, which a plain view lets be"
        " written through; (2) release the application that uses the new name; (3) drop the view in a later migration",
        _PUTS_BACK,
    ),
    _forward(
        "renaming-object",
        "clients that still use the old name break, in the moment of the COMMIT",
        _THREE_PHASES.format(what="one of the new name beside it"),
        _PUTS_BACK,
    ),
    _forward(
        "ban-set-schema",
        "clients that name the old schema, or do not have the new one in their search_path, break",
        "in three phases: (1) move it and leave a view in the old schema; (2) release the application that uses the new"
        " place; (3) drop the view in a later migration",
        _PUTS_BACK,
    ),
    # -- types that bite later
    Rule(
        "prefer-timestamp-tz",
        "a timestamp without time zone forgets which moment was meant",
        "timestamptz, which keeps the moment and shows it in the reader's zone",
        Asked.FORWARD,
        _PUTS_BACK,
        of_own_too=True,
    ),
    Rule(
        "ban-char-field",
        "char(n) pads with blanks, and compares without them",
        "text, with a CHECK on its length where one is needed",
        Asked.FORWARD,
        _PUTS_BACK,
        of_own_too=True,
    ),
    # -- asked nowhere
    _off("require-timeout-settings", "no timeout is set in the file", _TIMEOUTS),
    _off("require-lock-timeout", "no lock_timeout is set in the file", _TIMEOUTS),
    _off("require-statement-timeout", "no statement_timeout is set in the file", _TIMEOUTS),
    _off("prefer-repack", "VACUUM FULL and CLUSTER", "`vacuum-full` says it, and not only for PostgreSQL 19"),
    _off("transaction-nesting", "the file controls the transaction", _SAID_BY_US),
    _off("ban-uncommitted-transaction", "the file begins a transaction and does not end it", _SAID_BY_US),
    _off("ban-concurrent-index-creation-in-transaction", "CONCURRENTLY inside a transaction", _SAID_BY_US),
    _off(
        "ban-drop-constraint",
        "a guarantee goes",
        "the safe way to NOT NULL, and to any other constraint, ends by dropping a helper",
    ),
    _off("prefer-bigint-over-int", "an integer ends at 2 147 483 647", _OPINION),
    _off("prefer-bigint-over-smallint", "a smallint ends at 32 767", _OPINION),
    _off("prefer-identity", "serial is the older way", _OPINION),
    _off("prefer-text-field", "varchar(n) instead of text", f"{_OPINION}; to make n greater writes no row"),
    _off(
        "ban-create-domain-with-constraint",
        "a domain with a constraint is hard to change",
        f"{_OPINION}; what is dangerous, to add a constraint to one that is in use, has a rule of its own",
    ),
    _off("require-enum-value-ordering", "ADD VALUE without a place", f"{_OPINION}; the end is where most of them go"),
    _off("require-table-schema", "a name without its schema", f"{_OPINION}; `history_schema` and role settle it"),
    *(
        _off(name, wrong, _OPT_IN)
        for name, wrong in (
            ("ban-add-column", "rows get wider"),
            ("ban-add-composite-attribute", "values get wider"),
            ("ban-add-enum-value", "clients meet a value they do not know"),
            ("ban-alter-database-options", "settings of the database change"),
            ("ban-alter-extension", "an extension is updated"),
            ("ban-alter-function-options", "how a function runs changes"),
            ("ban-alter-generated-expression", "a column is computed in another way"),
            ("ban-alter-policy-condition", "who sees which rows changes"),
            ("ban-alter-policy-roles", "who sees which rows changes"),
            ("ban-alter-role-options", "what a role may do changes"),
            ("ban-alter-row-level-security", "who sees which rows changes"),
            ("ban-alter-sequence-values", "the next numbers are others"),
            ("ban-alter-system-options", "settings of the server change"),
            ("ban-alter-view-options", "how a view works changes"),
            ("ban-create-policy", "who sees which rows changes"),
            ("ban-detach-inheritance", "rows are no longer seen through the parent"),
            ("ban-disable-trigger", "a trigger no longer fires"),
            ("ban-drop-index", "queries may get slower"),
            ("ban-drop-policy", "who sees which rows changes"),
            ("ban-drop-trigger", "a trigger no longer fires"),
            ("ban-new-write-restriction", "writes that were taken may be refused"),
            ("ban-replace-view-function", "a view or function is another one"),
            ("ban-replica-identity", "what is replicated changes"),
            ("ban-revoke", "somebody may do less"),
            ("ban-set-default", "new rows get another value"),
        )
    ),
))  # fmt: skip

RULES: Final[Mapping[str, Rule]] = {**OWN, **SQUAWK}


def unknown(name: str) -> Rule:
    """Return a rule for what a newer squawk finds and nobody has written a record of: in squawk's own words."""
    return Rule(name, "{said}", "see squawk's page on it; or accept it, and say why", of_own_too=True)
