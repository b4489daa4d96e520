"""The pure parts of the card standard (EMV Book 3): what cards and DE55 say, without a reader, a clock or a bank."""
