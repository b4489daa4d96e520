"""Between terminals and banks: acquirer, switch and the issuer's place; no I/O and no clock of its own."""
