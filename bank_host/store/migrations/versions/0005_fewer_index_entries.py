"""Fewer pages for each posting: no index that nothing is found by.

Legs are looked for by customer only, so the bank's own books leave their index; authorisations are found by their key
or by their state, never by their account.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    of_customer = sa.text("substr(book, 1, 9) = 'customer:'")
    op.drop_index(op.f("ix_leg_book"), "leg")
    op.create_index(
        op.f("ix_leg_book"), "leg", ["book"], sqlite_where=of_customer, postgresql_where=of_customer
    )
    op.drop_index(op.f("ix_authorisation_account_id"), "authorisation")
