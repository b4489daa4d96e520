"""`python -m bank_host.cli`."""

from bank_host.cli import main

main(prog_name="bank-host")
