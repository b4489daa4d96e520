"""The side of a link that asks: real ISO 8583 connections to a host, as a sans-IO link and its asyncio driver.

`link.py` is one connection without any I/O, `keys.py` its keys, `connections.py` the only place with sockets.
"""
