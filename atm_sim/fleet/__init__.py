"""Fleets: machines by the thousand, customers by the million; one event a session, the bank's rules and ledger."""
