"""Alembic environment of the bank's store, run on the connection that `bank_host.store.migrate` hands in."""

from alembic import context

from bank_host.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True
)
context.run_migrations()
