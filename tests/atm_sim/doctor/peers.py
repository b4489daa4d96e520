"""Peers with one thing wrong, as data, and a small host that behaves like one of them on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from bank_host.iso8583 import build
from bank_host.iso8583.dialect import Dialect, load_dialect, make_dialect
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.framing import Frame, FrameError, Framing
from bank_host.iso8583.message import Message
from bank_host.iso8583.plain import PlainCodec
from bank_host.iso8583.settings import Settings

PATIENCE_S = 20.0


class Peer(NamedTuple):
    """What a peer is meant to speak, what it does otherwise, and the cause that has to be named first."""

    dialect: str
    cause: str
    framing: Mapping[str, Any] = {}  # attributes of the framing
    wire: Mapping[str, str] = {}  # settings below [wire]
    answer: Callable[[Message], Message] = lambda message: message
    payload: Callable[[bytes], bytes] = lambda payload: payload
    frame: Callable[[bytes, Frame], bytes] = lambda framed, request: framed
    answers_only: bool = False  # what is otherwise holds for its answers, not for what it reads

    @property
    def meant(self) -> Dialect:
        return load_dialect(self.dialect)

    @property
    def spoken(self) -> Dialect:
        settings = self.meant.settings
        wire = settings.wire.model_copy(update=dict(self.wire))
        return make_dialect(self.dialect, Settings.model_validate({**dict(settings), "wire": wire}))

    @property
    def spoken_framing(self) -> Framing:
        return self.meant.framing._replace(**self.framing)

    def request(self, message: Message) -> bytes:
        """A request as it would have to be for this peer to understand it."""
        dialect, framing = self._reads()
        return framing.wrap(dialect.encode(message))

    def reply(self, frame: Frame) -> bytes:
        """The answer to a frame; FormatError if the peer cannot read it."""
        message = self._reads()[0].decode(frame.payload)
        answer = self.answer(build.answer(message, "00"))
        plain = self.spoken.plain
        codec = PlainCodec(plain.forms.values(), plain.wire, {*plain.message_types, "0811", "0431"})
        payload = self.payload(codec.write(answer.mti, answer.fields).encode("latin-1"))
        return self.frame(self.spoken_framing.wrap(payload, reply_to=frame), frame)

    def frames(self, data: bytes) -> list[Frame]:
        return self._reads()[1].reader().feed(data)

    def _reads(self) -> tuple[Dialect, Framing]:
        if self.answers_only:
            return self.meant, self.meant.framing
        return self.spoken, self.spoken_framing


def unchanged(dialect: str) -> Peer:
    return Peer(dialect, "")


def _to_ebcdic(payload: bytes) -> bytes:
    return payload.decode("latin-1").encode("cp500")


def _low_byte_first(framed: bytes, request: Frame) -> bytes:
    return framed[1::-1] + framed[2:]


def _tpdu_as_it_came(framed: bytes, request: Frame) -> bytes:
    return framed[:2] + request.tpdu + framed[7:]


MISCONFIGURED: dict[str, Peer] = {
    "length counts itself": Peer("atm-sim", "framing.counts_itself", framing={"counts_itself": True}),
    "length of answers counts itself": Peer(
        "atm-sim", "framing.counts_itself", framing={"counts_itself": True}, answers_only=True
    ),
    "length does not count the TPDU": Peer("bcd-tpdu", "framing.counts_tpdu", framing={"counts_tpdu": False}),
    "no TPDU": Peer("bcd-tpdu", "framing.tpdu", framing={"tpdu": False}),
    "a TPDU that nobody expects": Peer("atm-sim", "framing.tpdu", framing={"tpdu": True}),
    "addresses of the TPDU not exchanged": Peer("bcd-tpdu", "answer.tpdu", frame=_tpdu_as_it_came),
    "length of four bytes": Peer("atm-sim", "framing.length", framing={"length_bytes": 4}),
    "length in BCD": Peer("ascii-raw-bitmap", "framing.length", framing={"form": "bcd"}),
    "length low byte first": Peer("atm-sim", "framing.disagrees", frame=_low_byte_first),
    "raw bitmap": Peer("atm-sim", "wire.bitmap", wire={"bitmap": "raw"}),
    "hexadecimal bitmap": Peer("bcd-tpdu", "wire.bitmap", wire={"bitmap": "hex"}),
    "BCD digits": Peer("ascii-raw-bitmap", "wire.digits", wire={"digits": "bcd"}),
    "ASCII digits": Peer("bcd-tpdu", "wire.digits", wire={"digits": "ascii"}),
    "lengths of elements in ASCII": Peer("bcd-length", "wire.lengths", wire={"lengths": "ascii"}),
    "lengths of elements in BCD": Peer("atm-sim", "wire.lengths", wire={"lengths": "bcd"}),
    "odd digits filled on the other side": Peer(
        "bcd-tpdu", "wire.odd_variable", wire={"odd_variable": "left"}, answers_only=True
    ),
    "odd fixed digits filled on the other side": Peer(
        "bcd-length", "wire.odd_fixed", wire={"odd_fixed": "right"}, answers_only=True
    ),
    "EBCDIC": Peer("atm-sim", "wire.characters", payload=_to_ebcdic),
    "bytes behind the last element": Peer(
        "atm-sim", "message.trailing_data", payload=lambda payload: payload + b"\0\0\0"
    ),
    "bytes behind the frame": Peer(
        "ascii-length4", "framing.rest", frame=lambda framed, request: framed + b"\r\n"
    ),
    "DE41 absent": Peer("atm-sim", "echo.absent.41", answer=lambda answer: answer.but({41: None})),
    "DE41 altered": Peer("bcd-tpdu", "echo.altered.41", answer=lambda answer: answer.but({41: "OTHER001"})),
    "DE7 altered": Peer("atm-sim", "echo.altered.7", answer=lambda answer: answer.but({7: "0101000000"})),
    "DE11 altered": Peer("cmf-like", "echo.altered.11", answer=lambda answer: answer.but({11: "999999"})),
    "DE32 absent": Peer("bcd-length", "echo.absent.32", answer=lambda answer: answer.but({32: None})),
    "DE39 absent": Peer("atm-sim", "presence.missing.0810.39", answer=lambda answer: answer.but({39: None})),
    "0800 answered 0811": Peer("atm-sim", "answer.mti.0811", answer=lambda answer: answer.but(mti="0811")),
    "echo refused": Peer("ascii-length4", "answer.code", answer=lambda answer: answer.but({39: "12"})),
}


@contextmanager
def listening(answer: Callable[[bytes], tuple[bytes, bool]], greeting: bytes = b"") -> Iterator[int]:
    """A host that gives all bytes of a connection so far to `answer`: bytes to send, and whether to close. Its port."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(PATIENCE_S)
                heard = b""
                if greeting:
                    _sent(connection, greeting)
                while piece := _received(connection):
                    heard += piece
                    said, closing = answer(heard)
                    if said:
                        heard = b""
                        closing = not _sent(connection, said) or closing
                    if closing:
                        break

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
            thread.join(PATIENCE_S)


def _sent(connection: socket.socket, data: bytes) -> bool:
    """False where the other side has heard enough and gone."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except OSError:
        return b""


def as_host(peer: Peer) -> Callable[[bytes], tuple[bytes, bool]]:
    """The peer as a host: it answers what it can read and closes the connection at anything else."""

    def answer(heard: bytes) -> tuple[bytes, bool]:
        try:
            return b"".join(peer.reply(frame) for frame in peer.frames(heard)), False
        except (FrameError, FormatError):
            return b"", True

    return answer
