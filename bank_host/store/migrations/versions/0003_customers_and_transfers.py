"""Customers, their transfers, card numbers, ID cards; a request id remembers what was asked under it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The transfer limit that the bank gave an account when it was opened (R62).
OLD_ACCOUNTS = """
INSERT INTO customer
SELECT account_id, '', '', '', '', NULL, '', '', false, 0, 0, 0, 0, 0,
       CASE WHEN kind = 'individual' AND opened >= '2015-01-15' THEN 300000 ELSE 3000000 END, 0, 0
FROM account
"""


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("emails", sa.Text(), nullable=False),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("login_id", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("password_lapsed", sa.Boolean(), nullable=False),
        sa.Column("login_fails", sa.Integer(), nullable=False),
        sa.Column("last_login_us", sa.BigInteger(), nullable=False),
        sa.Column("previous_login_us", sa.BigInteger(), nullable=False),
        sa.Column("failed_since_login", sa.Integer(), nullable=False),
        sa.Column("failed_before_login", sa.Integer(), nullable=False),
        sa.Column("transfer_limit_jpy", sa.BigInteger(), nullable=False),
        sa.Column("tokens_ordered", sa.Integer(), nullable=False),
        sa.Column("pin_warnings", sa.Integer(), nullable=False),
        sa.CheckConstraint("login_fails >= 0", name=op.f("ck_customer_login_fails")),
        sa.CheckConstraint("tokens_ordered >= 0", name=op.f("ck_customer_tokens_ordered")),
        sa.CheckConstraint("transfer_limit_jpy >= 0", name=op.f("ck_customer_transfer_limit")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_customer_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_customer")),
    )
    op.execute(OLD_ACCOUNTS)
    op.create_table(
        "transfer",
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("payee_bank", sa.Text(), nullable=False),
        sa.Column("payee_account", sa.Text(), nullable=False),
        sa.Column("payee_name", sa.Text(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("entered_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_transfer_amount")),
        sa.CheckConstraint(
            "state IN ('pending', 'dropped', 'reserved', 'executed', 'failed')",
            name=op.f("ck_transfer_state"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_transfer_account_id")),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_transfer")),
    )
    op.create_index("ix_transfer_account_id", "transfer", ["account_id", "day"])
    op.create_index("ix_transfer_state", "transfer", ["state", "due_us"])
    op.create_index("ix_authorisation_state", "authorisation", ["state", "at_us"])
    op.create_table(
        "card_number",
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("pan_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["card.card_id"], name=op.f("fk_card_number_card_id")),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_card_number")),
    )
    with op.batch_alter_table("act_result") as act_result:
        act_result.add_column(sa.Column("fingerprint", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("token") as token:
        token.add_column(sa.Column("device", sa.Text(), nullable=False, server_default="token"))
        token.add_column(sa.Column("state", sa.Text(), nullable=False, server_default="registered"))
        token.add_column(sa.Column("release_on", sa.Date(), nullable=True))
        token.create_check_constraint(op.f("ck_token_device"), "device IN ('token', 'id_card')")
        token.create_check_constraint(op.f("ck_token_state"), "state IN ('issued', 'registered', 'retired')")
