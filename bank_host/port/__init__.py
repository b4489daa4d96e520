"""The bank on the wire: ISO 8583 over TCP, and the address where it is looked after (asyncio lives here only)."""
