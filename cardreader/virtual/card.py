"""A chip card as a sans-IO machine: command bytes in, answer bytes out (EMV Books 1 and 3; ISO 7816-4).

It knows PSE and PPSE, SELECT by whole or partial name, processing options, records, counters, cryptograms with CVN 10
and 18, and the bank's answer to them. On T=0 it hands answers over in two steps (61xx, 6Cxx), as such cards do.
A fault may change or withhold any answer. It keeps a log of all that arrived, so that a test can tell what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from cardreader import apdu
from cardreader.apdu import Command, Response, read_command
from cardreader.emv import tlv
from cardreader.emv.cryptogram import METHODS, arpc_1, arpc_2, authenticated_data, cryptogram, session_key
from cardreader.emv.des import Des3
from cardreader.emv.dol import read_dol
from cardreader.emv.tlv import Tlv
from cardreader.guard import PPSE, PSE
from cardreader.virtual.profile import Application, Profile, directory_entries, file_control

Fault = Callable[[int, Command, Response], Response | bytes | None]
"""From the number of the command, the command and the right answer: the answer that is given, or None for silence."""


class Pulled(Exception):
    """A fault: the card is pulled out at this moment."""


_DONE: Final = Response(b"", apdu.OK)
_DIRECTORY_FILE: Final = 1
_AAC, _TC, _ARQC, _KIND = 0x00, 0x40, 0x80, 0xC0
_LANGUAGES: Final = b"jaen"


def _refuse(status: int) -> Response:
    return Response(b"", status)


class VirtualCard:
    """One card. What lasts over a reset is its transaction counter; all else begins anew."""

    def __init__(
        self, profile: Profile, fault: Fault | None = None, challenge: Callable[[int], bytes] = bytes
    ) -> None:
        self.profile = profile
        self.atr = profile.atr
        self.protocol = profile.protocol
        self.log: list[bytes] = []
        self._fault = fault
        self._challenge = challenge
        self._atc = profile.transactions
        self.reset()

    def reset(self) -> None:
        """As when power comes on."""
        self._ready = b""
        self._directory: bytes | None = None
        self._application: Application | None = None
        self._forget_transaction()

    def _forget_transaction(self) -> None:
        self._opened = False
        self._kinds: list[int] = []
        self._arqc = b""
        self._issuer: bool | None = None  # whether the bank's answer was right; None as long as there is none

    def answer(self, command: bytes) -> bytes | None:
        """The answer, None for silence; a fault may raise `Pulled`."""
        self.log.append(command)
        try:
            asked = read_command(command)
        except ValueError:
            return bytes(_refuse(0x6700))
        if (asked.cla, asked.ins) == (0x00, apdu.GET_RESPONSE):
            return self._rest(asked)
        self._ready = b""
        right = self._process(asked)
        given = self._fault(len(self.log), asked, right) if self._fault else right
        return self._framed(asked, given) if isinstance(given, Response) else given

    # ---------------------------------------------------------------- T=0 and T=1

    def _framed(self, asked: Command, response: Response) -> bytes:
        """T=0 carries data one way at a time, and tells the length before it gives them."""
        count = len(response.data)
        if self.protocol == "T=1" or not count or count > 256:
            return bytes(response)
        if asked.data:
            self._ready = bytes(response)
            return bytes(_refuse(0x6100 | count & 0xFF))
        if asked.expects != count:
            return bytes(_refuse(0x6C00 | count & 0xFF))
        return bytes(response)

    def _rest(self, asked: Command) -> bytes:
        ready = self._ready
        if not ready:
            return bytes(_refuse(apdu.NOT_SATISFIED))
        if asked.expects not in (256, len(ready) - 2):
            return bytes(_refuse(0x6C00 | len(ready) - 2 & 0xFF))
        self._ready = b""
        return ready

    # ---------------------------------------------------------------- commands

    def _process(self, asked: Command) -> Response:
        if (asked.cla, asked.ins) == (0xFF, apdu.GET_UID):
            return self._identifier(asked)
        steps = {
            (0x00, apdu.SELECT): self._select,
            (0x00, apdu.READ_RECORD): self._read_record,
            (0x80, apdu.GET_DATA): self._get_data,
            (0x80, apdu.GET_PROCESSING_OPTIONS): self._options,
            (0x80, apdu.GENERATE_AC): self._generate,
            (0x00, apdu.EXTERNAL_AUTHENTICATE): self._issuer_authentication,
            (0x00, apdu.GET_CHALLENGE): self._random,
        }
        if asked.cla not in (0x00, 0x80):
            return _refuse(0x6E00)
        step = steps.get((asked.cla, asked.ins))
        return step(asked) if step else _refuse(0x6D00)

    def _identifier(self, asked: Command) -> Response:
        """What a contactless reader answers in the card's place; a card with contacts knows no such class."""
        if self.profile.interface != "contactless":
            return _refuse(0x6E00)
        return Response(self.profile.history if asked.p1 else self.profile.uid, apdu.OK)

    def _select(self, asked: Command) -> Response:
        if asked.p1 != 0x04:
            return _refuse(0x6A86)
        following = asked.p2 == 0x02
        before = self._application
        self._directory, self._application = None, None
        self._forget_transaction()
        directory = PSE if self.profile.interface == "contact" else PPSE
        if asked.data == directory and self.profile.directory and not following:
            self._directory = directory
            return Response(self._directory_control(), apdu.OK)
        named = [one for one in self.profile.applications if asked.data and one.aid.startswith(asked.data)]
        if following:
            named = named[named.index(before) + 1 :] if before in named else []
        if not named:
            return _refuse(apdu.NOT_FOUND)
        self._application = named[0]
        return Response(_application_control(named[0]), apdu.OK)

    def _directory_control(self) -> bytes:
        if self.profile.interface == "contact":
            return file_control(PSE, (Tlv("88", bytes([_DIRECTORY_FILE])), Tlv("5F2D", _LANGUAGES)))
        entries = directory_entries(self.profile.applications)
        return file_control(PPSE, (Tlv("BF0C", parts=entries),))

    def _read_record(self, asked: Command) -> Response:
        sfi, number = asked.p2 >> 3, asked.p1
        if asked.p2 & 0x07 != 0x04:
            return _refuse(0x6A86)
        if self._directory == PSE and sfi == _DIRECTORY_FILE:
            entries = directory_entries(self.profile.applications)
            if 1 <= number <= len(entries):
                return Response(tlv.write([Tlv("70", parts=(entries[number - 1],))]), apdu.OK)
        if self._application is not None:
            for record in self._application.records:
                if (record.sfi, record.number) == (sfi, number):
                    return Response(bytes(record), apdu.OK)
        return _refuse(apdu.NO_MORE_RECORDS)

    def _get_data(self, asked: Command) -> Response:
        if self._application is None:
            return _refuse(apdu.NOT_SATISFIED)
        tag = f"{asked.p1:02X}{asked.p2:02X}"
        known = {"9F36": self._atc.to_bytes(2), "9F13": b"\0\0", "9F17": bytes([self.profile.tries_left])}
        if tag not in known:
            return _refuse(apdu.DATA_NOT_FOUND)
        return Response(tlv.write([Tlv(tag, known[tag])]), apdu.OK)

    def _options(self, asked: Command) -> Response:
        application = self._application
        if application is None or self._opened:
            return _refuse(apdu.NOT_SATISFIED)
        wanted = sum(wish.length for wish in read_dol(bytes.fromhex(application.pdol)))
        if asked.data[:2] != bytes((0x83, wanted)) or len(asked.data) != 2 + wanted:
            return _refuse(0x6700)
        self._atc = (self._atc + 1) & 0xFFFF
        self._opened = True
        files = b"".join(bytes(entry) for entry in application.files())
        if not application.template_77:
            return Response(tlv.write([Tlv("80", application.interchange + files)]), apdu.OK)
        parts = (Tlv("82", application.interchange), Tlv("94", files))
        return Response(tlv.write([Tlv("77", parts=parts)]), apdu.OK)

    def _random(self, asked: Command) -> Response:
        return Response(self._challenge(8), apdu.OK)

    # ---------------------------------------------------------------- a transaction

    def _generate(self, asked: Command) -> Response:
        """An online-only card: what is asked for approval goes online first, and is refused offline."""
        application = self._application
        if application is None or not self._opened or len(self._kinds) >= 2:
            return _refuse(apdu.NOT_SATISFIED)
        asked_kind = asked.p1 & _KIND
        if not self._kinds:
            kind = _AAC if asked_kind == _AAC else _ARQC
        else:
            kind = _TC if asked_kind == _TC and self._kinds[0] == _ARQC and self._issuer else _AAC
        values = self._values(application, asked.data)
        issuer_data = self._issuer_data(application, kind)
        data = authenticated_data(
            values | {"82": application.interchange, "9F36": self._atc.to_bytes(2), "9F10": issuer_data},
            application.cvn,
        )
        if data is None:
            return _refuse(0x6700)
        made = cryptogram(self._key(application), data, METHODS[application.cvn].padding)
        if kind == _ARQC:
            self._arqc = made
        self._kinds.append(kind)
        parts = (
            Tlv("9F27", bytes([kind])),
            Tlv("9F36", self._atc.to_bytes(2)),
            Tlv("9F26", made),
            Tlv("9F10", issuer_data),
        )
        return Response(tlv.write([Tlv("77", parts=parts)]), apdu.OK)

    def _values(self, application: Application, filled: bytes) -> dict[str, bytes]:
        """The terminal's values by tag, cut as the first or second list of the card says."""
        tag = "8D" if self._kinds else "8C"
        wishes = read_dol(_element(application, tag))
        values, at = {}, 0
        for wish in wishes:
            values[wish.tag] = filled[at : at + wish.length]
            at += wish.length
        return values if at == len(filled) else {}

    def _issuer_data(self, application: Application, kind: int) -> bytes:
        """9F10: key index, cryptogram version, and the results of card verification for this cryptogram."""
        # The kind of the second one, 80 for not asked for yet, then of the first one.
        results = kind | self._kinds[0] >> 2 if self._kinds else 0x80 | kind >> 2
        if self._issuer is False:
            results |= 0x08
        return bytes((0x06, application.key_index, application.cvn, 0x03, results, 0x00, 0x00))

    def _issuer_authentication(self, asked: Command) -> Response:
        """The bank's answer to the ARQC: right, or the card refuses the transaction."""
        application = self._application
        if application is None or not self._arqc or self._issuer is not None:
            return _refuse(apdu.NOT_SATISFIED)
        key, given = self._key(application), asked.data
        if METHODS[application.cvn].arpc == 1:
            right = len(given) == 10 and given[:8] == arpc_1(key, self._arqc, given[8:])
        else:
            right = 8 <= len(given) <= 16 and given[:4] == arpc_2(key, self._arqc, given[4:8], given[8:])
        self._issuer = right
        return _DONE if right else _refuse(0x6300)

    def _key(self, application: Application) -> Des3:
        if not METHODS[application.cvn].session_key:
            return application.key
        return Des3(session_key(application.key, self._atc.to_bytes(2)))


def _application_control(application: Application) -> bytes:
    parts: Sequence[Tlv] = (
        Tlv("50", application.label.encode("ascii")),
        Tlv("87", bytes([application.priority])),
        Tlv("5F2D", _LANGUAGES),
    )
    if application.pdol:
        parts = (*parts, Tlv("9F38", bytes.fromhex(application.pdol)))
    return file_control(application.aid, parts)


def _element(application: Application, tag: str) -> bytes:
    return tlv.first((element for record in application.records for element in record.elements), tag) or b""
