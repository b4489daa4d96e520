"""Notices know their address, and each has a row per address on its way there (R103)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_constraint(op.f("ck_outbox_state"), type_="check")
        outbox.add_column(sa.Column("address", sa.Text(), nullable=False, server_default=""))
    # Nothing has ever sent a notice before this migration, so every row still waits.
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("address", server_default=None)
        outbox.create_check_constraint(op.f("ck_outbox_state"), "state IN ('waiting', 'addressed')")
        outbox.create_index(op.f("ix_outbox_state"), ["state"])
    op.create_table(
        "mail",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at_us", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_mail_attempts")),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'dead')", name=op.f("ck_mail_state")),
        sa.ForeignKeyConstraint(["seq"], ["outbox.seq"], name=op.f("fk_mail_seq")),
        sa.PrimaryKeyConstraint("seq", "address", name=op.f("pk_mail")),
    )
    op.create_index(op.f("ix_mail_state"), "mail", ["state"], unique=False)
