"""ISO 8583:1987 messages: the frozen message, its field table, the strict codec, its description."""
