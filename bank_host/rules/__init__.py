"""What the bank decides, as pure functions of facts: no clock, no database, no randomness."""
