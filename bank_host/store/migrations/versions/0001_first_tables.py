"""The bank's first tables, and the triggers that keep its history append-only (I6)."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("journal", "leg", "audit", "chain_link")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("authenticator", sa.Text(), nullable=False),
        sa.Column("opened", sa.Date(), nullable=False),
        sa.Column("standing_jpy", sa.BigInteger(), nullable=False),
        sa.Column("posted_jpy", sa.BigInteger(), nullable=False),
        sa.Column("held_jpy", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("zero_seq", sa.BigInteger(), nullable=False),
        sa.Column("otp_fails", sa.Integer(), nullable=False),
        sa.Column("otp_locked", sa.Boolean(), nullable=False),
        sa.Column("forced_low", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('individual', 'sole_proprietor', 'corporate')", name=op.f("ck_account_kind")
        ),
        sa.CheckConstraint("forced_low OR posted_jpy - held_jpy >= 0", name=op.f("ck_account_available")),
        sa.CheckConstraint("held_jpy >= 0", name=op.f("ck_account_held")),
        sa.CheckConstraint("otp_fails >= 0", name=op.f("ck_account_otp_fails")),
        sa.CheckConstraint("standing_jpy >= 0", name=op.f("ck_account_standing")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account")),
    )
    op.create_table(
        "act_result",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_act_result")),
    )
    op.create_table(
        "audit",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "authorisation",
        sa.Column("original_key", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("atm", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("fee_jpy", sa.BigInteger(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("limit_day", sa.Date(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reversed_jpy", sa.BigInteger(), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "state IN ('declined', 'open', 'completed', 'settled', 'reversed', 'part_reversed', 'early',"
            " 'manual')",
            name=op.f("ck_authorisation_state"),
        ),
        sa.CheckConstraint("fee_jpy >= 0", name=op.f("ck_authorisation_fee")),
        sa.CheckConstraint(
            "reversed_jpy >= 0 AND reversed_jpy <= amount_jpy", name=op.f("ck_authorisation_reversed")
        ),
        sa.PrimaryKeyConstraint("original_key", name=op.f("pk_authorisation")),
    )
    op.create_index("ix_authorisation_account_id", "authorisation", ["account_id", "limit_day"], unique=False)
    op.create_table(
        "chain_link",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("journal_seqs", sa.Text(), nullable=False),
        sa.Column("audit_seqs", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "n", name=op.f("pk_chain_link")),
    )
    op.create_table(
        "chain_tail",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_chain_tail")),
    )
    op.create_table(
        "exception_item",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_exception_item_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_exception_item")),
        sa.UniqueConstraint("key", name=op.f("uq_exception_item_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "exchange",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_exchange")),
    )
    op.create_table(
        "host_number",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_host_number")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "journal",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("refers", sa.Text(), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
        sa.UniqueConstraint("key", name=op.f("uq_journal_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ledger_balance",
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("balance_jpy", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("book NOT LIKE 'customer:%'", name=op.f("ck_ledger_balance_book")),
        sa.PrimaryKeyConstraint("book", name=op.f("pk_ledger_balance")),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'dead')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "atm_raise",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_atm_raise_amount")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_atm_raise_account_id")),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_atm_raise")),
    )
    op.create_table(
        "card",
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.Column("pvv", sa.Text(), nullable=False),
        sa.Column("hot", sa.Text(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("pin_fails", sa.Integer(), nullable=False),
        sa.CheckConstraint("hot IN ('', 'lost', 'stolen')", name=op.f("ck_card_hot")),
        sa.CheckConstraint("pin_fails >= 0", name=op.f("ck_card_pin_fails")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_card_account_id")),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_card")),
    )
    op.create_index(op.f("ix_card_account_id"), "card", ["account_id"], unique=False)
    op.create_table(
        "leg",
        sa.Column(
            "journal_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_jpy <> 0", name=op.f("ck_leg_amount")),
        sa.ForeignKeyConstraint(["journal_seq"], ["journal.seq"], name=op.f("fk_leg_journal_seq")),
        sa.PrimaryKeyConstraint("journal_seq", "n", name=op.f("pk_leg")),
    )
    op.create_index(op.f("ix_leg_book"), "leg", ["book"], unique=False)
    op.create_table(
        "limit_use",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("used_jpy", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used_jpy >= 0", name=op.f("ck_limit_use_used")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_limit_use_account_id")),
        sa.PrimaryKeyConstraint("account_id", "day", "medium", name=op.f("pk_limit_use")),
    )
    op.create_table(
        "month_use",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.CheckConstraint("uses >= 0", name=op.f("ck_month_use_uses")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_month_use_account_id")),
        sa.PrimaryKeyConstraint("account_id", "month", "service", name=op.f("pk_month_use")),
    )
    op.create_table(
        "token",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.Date(), nullable=False),
        sa.Column("drift_steps", sa.Integer(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_token_account_id")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_token")),
    )
    op.create_index(op.f("ix_token_account_id"), "token", ["account_id"], unique=False)

    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _sqlite_triggers() -> None:
    for table in APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _postgresql_triggers() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
