"""The ATM itself, sans-IO: card, cash, session, reversals; no clock, no randomness (requirements X1-X15)."""
