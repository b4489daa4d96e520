"""The tables of the bank, one schema for SQLite and PostgreSQL (SQLAlchemy 2 Core).

The constraints are the last net under the rules and the guarded writes: they hold even if both were wrong.
Triggers that keep journal, leg, audit and chain_link append-only (I6) are in the migrations, which make the
tables.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows by itself only in a column of exactly the type INTEGER, which holds 64 bits there.
RowNumber = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, **how: object) -> Column[str]:
    return Column(name, Text, nullable=False, **how)  # type: ignore[arg-type]


def _yen(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _row_number() -> Column[int]:
    return Column("seq", RowNumber, primary_key=True, autoincrement=True)


def _account_id(**how: object) -> Column[str]:
    return Column("account_id", Text, ForeignKey("account.account_id"), nullable=False, **how)  # type: ignore[arg-type]


account = Table(
    "account",
    metadata,
    Column("account_id", Text, primary_key=True),
    _text("kind"),
    _text("authenticator"),
    Column("opened", Date, nullable=False),
    _yen("standing_jpy"),
    _yen("posted_jpy"),
    _yen("held_jpy"),
    _flag("closed"),
    Column("zero_seq", BigInteger, nullable=False),
    _count("otp_fails"),
    _flag("otp_locked"),
    _flag("forced_low"),  # a forced posting explains an available balance below 0 (I4)
    CheckConstraint("kind IN ('individual', 'sole_proprietor', 'corporate')", "kind"),
    CheckConstraint("standing_jpy >= 0", "standing"),
    CheckConstraint("held_jpy >= 0", "held"),
    CheckConstraint("forced_low OR posted_jpy - held_jpy >= 0", "available"),
    CheckConstraint("otp_fails >= 0", "otp_fails"),
)

customer = Table(
    "customer",
    metadata,
    _account_id(primary_key=True),
    _text("name"),
    _text("address"),
    _text("phone"),
    _text("emails"),  # one a line
    Column("birthday", Date),
    _text("login_id"),
    _text("password_hash"),
    _flag("password_lapsed"),
    _count("login_fails"),
    Column("last_login_us", BigInteger, nullable=False),
    Column("previous_login_us", BigInteger, nullable=False),
    _count("failed_since_login"),
    _count("failed_before_login"),
    _yen("transfer_limit_jpy"),
    _count("tokens_ordered"),
    _count("pin_warnings"),
    CheckConstraint("login_fails >= 0", "login_fails"),
    CheckConstraint("transfer_limit_jpy >= 0", "transfer_limit"),
    CheckConstraint("tokens_ordered >= 0", "tokens_ordered"),
)

transfer = Table(
    "transfer",
    metadata,
    Column("transfer_id", Text, primary_key=True),
    _account_id(),
    _text("payee_bank"),
    _text("payee_account"),
    _text("payee_name"),
    _yen("amount_jpy"),
    _text("digest"),
    Column("entered_us", BigInteger, nullable=False),
    _text("state"),
    Column("day", Date),
    Column("due_us", BigInteger, nullable=False),
    CheckConstraint("amount_jpy > 0", "amount"),
    CheckConstraint("state IN ('pending', 'dropped', 'reserved', 'executed', 'failed')", "state"),
)
Index("ix_transfer_account_id", transfer.c.account_id, transfer.c.day)
Index("ix_transfer_state", transfer.c.state, transfer.c.due_us)

# Who sent what came in from another bank; those of this bank are found by the transfer.
sender = Table(
    "sender",
    metadata,
    Column("posting_key", Text, primary_key=True),
    _text("bank"),
    _text("name"),
)

card = Table(
    "card",
    metadata,
    Column("card_id", Text, primary_key=True),
    _text("alias"),
    _account_id(index=True),
    _text("expires"),
    _text("pvv"),
    _text("hot"),
    _flag("locked"),
    _count("pin_fails"),
    CheckConstraint("hot IN ('', 'lost', 'stolen')", "hot"),
    CheckConstraint("pin_fails >= 0", "pin_fails"),
)

# The number of a card, sealed; in a table of its own, because no ATM transaction needs it.
card_number = Table(
    "card_number",
    metadata,
    Column("card_id", Text, ForeignKey("card.card_id"), primary_key=True),
    Column("pan_sealed", LargeBinary, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("serial", Text, primary_key=True),
    _account_id(index=True),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("expires", Date, nullable=False),
    _count("drift_steps"),
    Column("last_step", BigInteger, nullable=False),
    _flag("locked"),
    _text("device"),
    _text("state"),
    Column("release_on", Date),
    CheckConstraint("device IN ('token', 'id_card')", "device"),
    CheckConstraint("state IN ('issued', 'registered', 'retired')", "state"),
)

atm_raise = Table(
    "atm_raise",
    metadata,
    _account_id(primary_key=True),
    Column("day", Date, primary_key=True),
    _yen("amount_jpy"),
    Column("seq", BigInteger, nullable=False),
    _flag("cancelled"),
    CheckConstraint("amount_jpy > 0", "amount"),
)

limit_use = Table(
    "limit_use",
    metadata,
    _account_id(primary_key=True),
    Column("day", Date, primary_key=True),
    Column("medium", Text, primary_key=True),
    _yen("used_jpy"),
    CheckConstraint("used_jpy >= 0", "used"),
)

month_use = Table(
    "month_use",
    metadata,
    _account_id(primary_key=True),
    Column("month", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    _count("uses"),
    CheckConstraint("uses >= 0", "uses"),
)

journal = Table(
    "journal",
    metadata,
    _row_number(),
    _text("key", unique=True),
    _text("kind"),
    Column("day", Date, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    _text("refers"),
    _flag("forced"),
    sqlite_autoincrement=True,
)

leg = Table(
    "leg",
    metadata,
    Column("journal_seq", RowNumber, ForeignKey("journal.seq"), primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    _text("book"),
    _yen("amount_jpy"),
    CheckConstraint("amount_jpy <> 0", "amount"),
)
# The bank's own books are only ever read whole, so the index has no entry for them; who looks for a customer's legs
# says this condition in the same words, or no database uses the index.
OF_CUSTOMER = text("substr(leg.book, 1, 9) = 'customer:'")
_OF_CUSTOMER = text("substr(book, 1, 9) = 'customer:'")
Index("ix_leg_book", leg.c.book, sqlite_where=_OF_CUSTOMER, postgresql_where=_OF_CUSTOMER)

# Ledger accounts other than the customers', whose cached balance is account.posted_jpy.
ledger_balance = Table(
    "ledger_balance",
    metadata,
    Column("book", Text, primary_key=True),
    _yen("balance_jpy"),
    CheckConstraint("book NOT LIKE 'customer:%'", "book"),
)

authorisation = Table(
    "authorisation",
    metadata,
    Column("original_key", Text, primary_key=True),
    _text("key"),
    _text("card_id"),
    _text("account_id"),
    _text("partner"),
    _text("atm"),
    _text("service"),
    _yen("amount_jpy"),
    _yen("fee_jpy"),
    _text("medium"),
    Column("limit_day", Date, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    _text("code"),
    _text("reason"),
    _text("state"),
    _yen("reversed_jpy"),
    _flag("forced"),
    CheckConstraint(
        "state IN ('declined', 'open', 'completed', 'settled', 'reversed', 'part_reversed', 'early',"
        " 'manual')",
        "state",
    ),
    CheckConstraint("reversed_jpy >= 0 AND reversed_jpy <= amount_jpy", "reversed"),
    CheckConstraint("fee_jpy >= 0", "fee"),
)
Index("ix_authorisation_state", authorisation.c.state, authorisation.c.at_us)

exchange = Table(
    "exchange",
    metadata,
    Column("key", Text, primary_key=True),
    _text("fingerprint"),
    Column("answer", LargeBinary, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)

act_result = Table(
    "act_result",
    metadata,
    Column("key", Text, primary_key=True),
    _text("fingerprint"),
    _text("outcome"),
    _text("reason"),
)

outbox = Table(
    "outbox",
    metadata,
    _row_number(),
    _text("key", unique=True),
    Column("at_us", BigInteger, nullable=False),
    _text("account_id", index=True),
    _text("kind"),
    _yen("amount_jpy"),
    _text("state", index=True),
    _text("address"),
    CheckConstraint("state IN ('waiting', 'addressed')", "state"),
    sqlite_autoincrement=True,
)

mail = Table(
    "mail",
    metadata,
    Column("seq", RowNumber, ForeignKey("outbox.seq"), primary_key=True, autoincrement=False),
    Column("address", Text, primary_key=True),
    _text("state", index=True),
    _count("attempts"),
    Column("next_at_us", BigInteger, nullable=False),
    _text("problem"),
    CheckConstraint("state IN ('waiting', 'sent', 'dead')", "state"),
    CheckConstraint("attempts >= 0", "attempts"),
)

audit = Table(
    "audit",
    metadata,
    _row_number(),
    Column("at_us", BigInteger, nullable=False),
    _text("actor"),
    _text("channel"),
    _text("account_id"),
    _text("what"),
    _text("before"),
    _text("after"),
    _text("reason"),
    sqlite_autoincrement=True,
)

exception_item = Table(
    "exception_item",
    metadata,
    _row_number(),
    _text("key", unique=True),
    Column("at_us", BigInteger, nullable=False),
    _text("kind"),
    _text("account_id"),
    _yen("amount_jpy"),
    _text("detail"),
    _text("state"),
    CheckConstraint("state IN ('open', 'closed')", "state"),
    sqlite_autoincrement=True,
)

# A host sequence number is the number of a row put in here: an insert is the form of a counter that both
# engines have and that makes nobody wait for another unit of work.
host_number = Table("host_number", metadata, _row_number(), sqlite_autoincrement=True)

chain_link = Table(
    "chain_link",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    _text("journal_seqs"),  # comma-separated numbers of the journal rows of this commit
    _text("audit_seqs"),
    _text("digest"),
)

# The tail mark stands apart from the links, so that cutting the end of a chain shows.
chain_tail = Table(
    "chain_tail",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("n", BigInteger, nullable=False),
    _text("digest"),
    _text("mark"),
)

# ---------------------------------------------------------------- the web bank

web_session = Table(
    "web_session",
    metadata,
    Column("id_hash", Text, primary_key=True),
    _text("account_id", index=True),
    _text("channel"),
    Column("began_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    _text("stamp"),
    _text("locked"),
)

# Browsers from which an account was entered before.
login_source = Table(
    "login_source",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("source_hash", Text, primary_key=True),
    Column("seen_us", BigInteger, nullable=False),
)

# Attempts to log in from anywhere else, by what was claimed: also of accounts that do not exist.
login_pace = Table(
    "login_pace",
    metadata,
    Column("key", Text, primary_key=True),
    _count("attempts"),
    Column("next_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    CheckConstraint("attempts >= 0", "attempts"),
)
