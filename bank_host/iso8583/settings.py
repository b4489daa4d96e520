"""What a dialect file may say: every setting with its default and its words (docs/reference/dialects.md).

The defaults are the dialect `atm-sim`. Sections of the file are the classes here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bank_host.iso8583.codes import NETWORK_BY_NAME
from bank_host.iso8583.composite import PLACE_WIDTHS
from bank_host.iso8583.fields import FIXED, LL, LLL, Kind
from bank_host.iso8583.wire import Bits, Data, Digits, Lengths, Side

TwoDigits = Annotated[str, Field(pattern="^[0-9]{2}$")]
ThreeDigits = Annotated[str, Field(pattern="^[0-9]{3}$")]
ClassType = Literal["0100", "0200", "0600"]
NEEDED = frozenset({3, 4, 11, 39, 41, 70, 90})
"""Elements without which no request is decided, found again or answered: no dialect can leave them out."""
DATA_OF_KIND: dict[Kind, tuple[Data, ...]] = {
    "n": ("text", "bcd"),
    "an": ("text",),
    "ans": ("text",),
    "z": ("text", "bcd"),
    "b": ("text", "raw"),
    "x+n": ("text", "signed_bcd"),
}
PREFIXES = {"": FIXED, "LL": LL, "LLL": LLL}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Frames(_Section):
    """How messages are cut out of the stream."""

    name: Literal["len2", "len2_tpdu", "len2_incl", "len4", "ascii4", "bcd2", "hex4"] = Field(
        "len2", description="the length before a message"
    )
    tpdu: bool | None = Field(
        None, description="5 bytes of TPDU behind the length; answers swap its addresses"
    )
    counts_tpdu: bool = Field(True, description="whether the length counts the TPDU")
    own_tpdu: Annotated[str, Field(pattern="^[0-9A-F]{10}$")] = Field(
        "6000000000", description="the TPDU of a message that answers nothing, in hexadecimal"
    )
    keep_alive: bool | None = Field(None, description="a length of 0 is a sign of life and is echoed")


class WireForms(_Section):
    """How elements lie on the wire."""

    digits: Digits = Field("ascii", description="message type, numeric elements, track 2")
    lengths: Lengths = Field(
        "ascii", description="lengths of variable elements: 2 or 3 digits, or 1 or 2 bytes"
    )
    bitmap: Bits = Field("hex", description="16 hexadecimal digits or 8 bytes for each half")
    binary: Bits = Field("hex", description="DE52, DE64, DE128: hexadecimal digits or bytes")
    chip: Bits = Field("hex", description="DE55: hexadecimal digits or bytes")
    chip_max: Annotated[int, Field(ge=1, le=255)] = Field(255, description="most bytes of chip data")
    odd_fixed: Side = Field("left", description="BCD: side of the half byte that fills a fixed element")
    odd_variable: Side = Field("left", description="BCD: side of the half byte that fills a variable element")
    pad: Annotated[str, Field(pattern="^[0-9A-F]$")] = Field("0", description="BCD: that half byte")
    track_separator: Literal["any", "=", "D"] = Field(
        "any", description="DE35 as text; any: = and D are both read, and written as they came. BCD has D"
    )


class Element(_Section):
    """An element that is not as in our table, or that only this network has."""

    absent: bool = Field(False, description="the network does not have the element: then no message needs it")
    ignored: bool = Field(False, description="read and checked, but no part of our message; never written")
    kind: Kind | None = Field(None, description="as the standard writes it")
    prefix: Literal["", "LL", "LLL"] | None = Field(None, description="empty for a fixed length")
    length: Annotated[int, Field(ge=1, le=999)] | None = Field(
        None, description="characters; hexadecimal digits for b; the most where a prefix stands before it"
    )
    data: Data | None = Field(None, description="how it lies, whatever [wire] says")
    odd: Side | None = Field(None, description="side of the filling half byte, whatever [wire] says")
    lengths: Lengths | None = Field(None, description="the length before it, whatever [wire] says")


class Services(_Section):
    """DE3 and the message types of services on which networks differ."""

    balance: TwoDigits = Field("31", description="DE3 of a balance enquiry, first two digits")
    change_pin: TwoDigits = Field("92", description="DE3 of a PIN change, first two digits")
    balance_mti: ClassType = Field("0200", description="message type of a balance enquiry")
    change_pin_mti: ClassType = Field("0200", description="message type of a PIN change")
    reversal_mti: Literal["0420", "0400"] = Field("0420", description="message type of a reversal")


class Layouts(_Section):
    """Inner layouts of elements."""

    balances: Literal[20, 14] = Field(20, description="DE54: characters of an item")
    replacement: Literal["standard", "mastercard"] = Field(
        "standard", description="DE95: two amounts and two fees, or three amounts and six zeros"
    )
    original: Literal["lenient", "strict"] = Field(
        "lenient", description="DE90: 42 characters of any kind, or digits only"
    )
    place: tuple[int, int, int, int] = Field(
        PLACE_WIDTHS, description="DE43: characters of name, city, region, country"
    )
    pan_from_track: bool = Field(False, description="take DE2 from DE35 where it is missing")

    @field_validator("place")
    @classmethod
    def _place_is_whole(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if sum(widths) != sum(PLACE_WIDTHS) or min(widths) < 0:
            raise ValueError(f"the four widths make {sum(PLACE_WIDTHS)} characters together")
        return widths


class Codes(_Section):
    """Codes that the network calls differently; what is not named stays as it is."""

    response_in: dict[str, str] = Field({}, description="DE39 as it comes = DE39 of ours")
    response_out: dict[str, str] = Field({}, description="DE39 of ours = DE39 as it goes")
    network: dict[str, ThreeDigits] = Field({}, description="DE70 of each act: " + ", ".join(NETWORK_BY_NAME))


class Mac(_Section):
    """The message authentication code."""

    algorithm: Literal["by_key", "retail", "aes-cmac"] = Field(
        "by_key",
        description="what a MAC key has to be for: a TDES key makes retail MACs, an AES key AES-CMACs",
    )
    element: Literal["last", "128"] = Field(
        "last", description="last: DE128 with a second bitmap, else DE64; or always DE128"
    )
    mandatory: bool = Field(False, description="refuse (63) business without a MAC")


class Link(_Section):
    """What the port does on a connection."""

    echo_interval_s: Annotated[int, Field(ge=1, le=3600)] = Field(
        30, description="seconds of silence before an echo"
    )
    garbage: Literal["answer", "drop"] = Field(
        "answer", description="a message that cannot be read: 30 where type and trace can be, or nothing"
    )
    key_element: Literal[48, 53] = Field(48, description="where a key exchange has its key block")
    identity: Literal["local_time", "transmission_time"] = Field(
        "local_time", description="what tells two requests apart beside the trace number: DE12 and 13, or DE7"
    )
    match: dict[str, tuple[Literal[7, 11, 32, 41], ...]] = Field(
        {}, description="elements that join an answer to a request, by request type; else 7, 11, 32, 41"
    )


class Settings(_Section):
    """A whole dialect file."""

    summary: str = Field("", description="one line for `bank-host dialects`")
    like: str = Field(
        "", description="name of a shipped dialect whose settings hold where this file is silent"
    )
    framing: Frames = Frames()
    wire: WireForms = WireForms()
    elements: dict[str, Element] = {}
    services: Services = Services()
    layouts: Layouts = Layouts()
    codes: Codes = Codes()
    mac: Mac = Mac()
    link: Link = Link()
