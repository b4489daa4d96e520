"""A customer's hardware token as the command `atm-sim token` shows it: in the terminal, or on a page of its own."""
