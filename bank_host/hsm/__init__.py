"""The software PIN module: PIN blocks, verification values, card ids; no clear PIN or key leaves it."""
