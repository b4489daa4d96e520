"""A peer that owes nothing to our codec and keys: pyiso8583 packs its messages, psec makes its PIN blocks and MACs.

What it knows of a network stands here by hand: the library's own table of ISO 8583:1987, and how the network lays the
elements out. `talk` is a conversation of this client with a real `bank-host serve`.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, NamedTuple

import iso8583
import psec
from iso8583.specs import default
from sqlalchemy import URL

from bank_host.iso8583.dialect import Dialect, load_dialect
from tests.bank_host.crash.load import Holder, open_accounts
from tests.bank_host.port.hosts import Host, running
from tests.bank_host.port.wire import PATIENCE_S

Document = dict[str, str]

PIN_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
MAC_KEY = bytes.fromhex("33445566778899AABBCCDDEEFF001122")
TERMINAL, ACQUIRER = "ATM00007", "00000000034"
SENT = "0115030000"  # DE7, noon in Japan

_NUMERIC = (2, 3, 4, 7, 11, 12, 13, 14, 15, 17, 18, 22, 23, 25, 26, 32, 33, 53, 70, 73, 90)


def spec_of(
    *, bitmap: str = "hex", binary: str = "hex", digits: str = "ascii", odd_variable: str = "right"
) -> dict[str, dict[str, Any]]:
    """pyiso8583's table with a network's forms."""
    spec: dict[str, dict[str, Any]] = deepcopy(default)
    if bitmap == "hex":
        for key in ("p", "1"):
            spec[key] |= {"data_enc": "ascii", "max_len": 16}
    if binary == "hex":
        for key in ("52", "64", "128"):
            spec[key] |= {"data_enc": "ascii", "max_len": 16}
    if digits == "bcd":
        for row in spec.values():
            row["len_enc"] = "bcd"
            row["len_type"] = (row["len_type"] + 1) // 2
        for key in ("t", *map(str, _NUMERIC)):
            side = odd_variable if spec[key]["len_type"] else "left"
            spec[key] |= {"data_enc": "b", "len_count": "nibbles", f"{side}_pad": "0"}
        spec["28"] |= {"data_enc": "b", "max_len": 5}  # the sign in a character, then 8 digits
    return spec


class Network(NamedTuple):
    """How a network speaks, as its peer has it."""

    spec: dict[str, dict[str, Any]]
    tpdu: bytes = b""  # before each message of ours
    tpdu_back: bytes = b""  # before each message of the bank
    balance: str = "311000"
    reversal: str = "0420"
    mac: Literal["", "hex", "raw"] = ""  # of business, and how it lies on the wire
    has_to_mac: bool = False  # also answers to what came without one
    dialect_file: str = ""  # of one that is not shipped

    @property
    def mac_bytes(self) -> int:
        return {"": 0, "hex": 16, "raw": 8}[self.mac]

    def mac_of(self, data: bytes) -> bytes:
        """The retail MAC as it lies on the wire."""
        mac = bytes(psec.mac.generate_retail_mac(MAC_KEY[:8], MAC_KEY[8:], data, 1)[:8])
        return mac if self.mac == "raw" else mac.hex().upper().encode("ascii")


NETWORKS = {
    "atm-sim": Network(spec_of()),
    "ascii-raw-bitmap": Network(spec_of(bitmap="raw", binary="raw"), mac="raw"),
    "bcd-tpdu": Network(
        spec_of(bitmap="raw", binary="raw", digits="bcd"),
        bytes.fromhex("6000121234"),
        bytes.fromhex("6012340012"),
    ),
    "cmf-like": Network(spec_of(), balance="301000", reversal="0400", mac="hex", has_to_mac=True),
    "packed": Network(
        spec_of(bitmap="raw", binary="raw", digits="bcd", odd_variable="left"),
        mac="raw",
        dialect_file="""
like = "bcd-tpdu"

[framing]
name = "len2"

[wire]
odd_variable = "left"
""",
    ),
}


class Exchange(NamedTuple):
    """One message and its answer as bytes, without what frames them, and what pyiso8583 reads in both."""

    request: bytes
    answer: bytes
    sent: Document
    heard: Document


class PlainClient:
    """One connection; what went over it is kept in order."""

    def __init__(self, network: Network, host: Host, holder: Holder) -> None:
        self.exchanges: list[Exchange] = []
        self._network = network
        self._holder = holder
        self._stan = 0
        self._socket = socket.create_connection(("127.0.0.1", host.port), PATIENCE_S)

    def close(self) -> None:
        self._socket.close()

    # ---------------- what it asks

    def manage(self, code: str) -> Document:
        return self.ask(self._stamped("0800") | {"70": code}, sealed=False)

    def withdraw(self, amount_jpy: int) -> Document:
        return self.ask(self._request("011000", amount_jpy))

    def balance_jpy(self) -> int:
        answer = self.ask(self._request(self._network.balance, 0))
        assert "00" == answer["39"]
        return int(answer["54"][-12:])

    def again(self) -> Document:
        """The last message once more, as a repeat."""
        last = {de: value for de, value in self.exchanges[-1].sent.items() if de.isdecimal() or de == "t"}
        return self.ask(_without_bitmap(last) | {"t": last["t"][:3] + "1"})

    def take_back(self, original: Document) -> Document:
        kept = ("2", "3", "4", "12", "13", "14", "18", "22", "25", "32", "37", "41", "42", "43", "49")
        quoted = f"0200{original['11']}{original['7']}{ACQUIRER}{'0' * 11}"
        stamp = self._stamped(self._network.reversal)
        document = {key: original[key] for key in kept} | {key: stamp[key] for key in ("t", "7", "11")}
        return self.ask(document | {"60": "timeout", "90": quoted})

    # ---------------- how it asks

    def ask(self, document: Document, *, sealed: bool = True) -> Document:
        network = self._network
        request = self._packed(document, sealed and bool(network.mac))
        frame = network.tpdu + request
        self._socket.sendall(len(frame).to_bytes(2, "big") + frame)
        answer = self._received(int.from_bytes(self._received(2), "big"))
        assert answer.startswith(network.tpdu_back)
        answer = answer[len(network.tpdu_back) :]
        sent, _ = iso8583.decode(request, network.spec)
        heard, _ = iso8583.decode(answer, network.spec)
        self.exchanges.append(Exchange(request, answer, sent, heard))
        return heard

    def _packed(self, document: Document, sealed: bool) -> bytes:
        if not sealed:
            return bytes(iso8583.encode(document, self._network.spec)[0])
        last = "128" if any(key.isdecimal() and int(key) > 64 for key in document) else "64"
        data = bytes(iso8583.encode(document | {last: "0" * 16}, self._network.spec)[0])
        covered = data[: -self._network.mac_bytes]
        return covered + self._network.mac_of(covered)

    def _received(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            assert more, "the bank closed the connection"
            data += more
        return data

    def _stamped(self, mti: str) -> Document:
        self._stan += 1
        return {"t": mti, "7": SENT, "11": f"{self._stan:06d}", "12": "120000", "13": "0115"}

    def _request(self, service: str, amount_jpy: int) -> Document:
        holder = self._holder
        block = psec.pinblock.encode_pinblock_iso_0(holder.pin, holder.pan)
        stamp = self._stamped("0200")
        return stamp | {
            "2": holder.pan,
            "3": service,
            "4": f"{amount_jpy:012d}",
            "14": holder.expires,
            "18": "6011",
            "22": "021",
            "25": "02",
            "26": "04",
            "32": ACQUIRER,
            "37": f"401512{stamp['11']}",
            "41": TERMINAL,
            "42": "SHIBUYA".ljust(15),
            "43": "SHIBUYA".ljust(25) + "TOKYO".ljust(13) + "JP",
            "49": "392",
            "52": psec.des.encrypt_tdes_ecb(PIN_KEY, block).hex().upper(),
        }


def _without_bitmap(document: Document) -> Document:
    """Without what the library and the MAC put there again."""
    return {key: value for key, value in document.items() if key not in ("p", "1", "64", "128")}


# ---------------------------------------------------------------- a conversation


class Talk(NamedTuple):
    """What was said on one connection."""

    network: Network
    dialect: Dialect
    exchanges: list[Exchange]
    codes: list[str]
    balances_jpy: list[int]
    database: URL

    def messages(self) -> Iterator[tuple[bytes, Document]]:
        """Everything that went over the line, in order, with what pyiso8583 reads in it."""
        for exchange in self.exchanges:
            yield exchange.request, exchange.sent
            yield exchange.answer, exchange.heard


def talk(name: str, database: URL, folder: Path) -> Talk:
    """Sign-on, two withdrawals, the second one taken back, both of these repeated, balances between, an echo."""
    network = NETWORKS[name]
    if network.dialect_file:
        (folder / f"{name}.toml").write_text(network.dialect_file, encoding="utf-8")
        name = f"{folder / name}.toml"
    holder = open_accounts(database, 1)[0]
    with running(folder / "host", "--database", f"{database}", "--dialect", name) as host:
        client = PlainClient(network, host, holder)
        answers = [client.manage("001")]
        balances_jpy = [client.balance_jpy()]
        answers += [client.withdraw(10_000), client.withdraw(20_000)]
        second = client.exchanges[-1].sent
        answers.append(client.again())
        balances_jpy.append(client.balance_jpy())
        answers += [client.take_back(second), client.again(), client.manage("301")]
        balances_jpy.append(client.balance_jpy())
        client.close()
        assert 0 == host.stop()
    codes = [answer["39"] for answer in answers]
    return Talk(network, load_dialect(name), client.exchanges, codes, balances_jpy, database)


_OUR_TYPES = {"0400": "0420", "0401": "0421", "0410": "0430"}
_OUR_SERVICES = {"301000": "311000"}


def in_our_terms(document: Document) -> Document:
    """What others read, in our names for types and services; packed signs in characters."""
    found = {key: text for key, text in document.items() if key == "t" or (key.isdecimal() and key != "1")}
    found["t"] = _OUR_TYPES.get(found["t"], found["t"])
    if "3" in found:
        found["3"] = _OUR_SERVICES.get(found["3"], found["3"])
    if len(found.get("28", "")) == 10:
        found["28"] = chr(int(found["28"][:2], 16)) + found["28"][2:]
    return found


def as_we_read(dialect: Dialect, data: bytes) -> Document:
    """Our own reading in the same form."""
    message = dialect.decode(data)
    return {"t": message.mti} | {str(de): text for de, text in message.fields.items()}
