"""From a network's codes and layouts to ours and back, element by element; nothing to do where they are the same.

A message of the network comes in with its elements as they lay on the wire, and leaves in our terms: our message types,
DE3 of our services, DE54 in items of 20 characters. What has no counterpart is a FormatError that names the element.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bank_host.iso8583 import composite
from bank_host.iso8583.codes import NETWORK_BY_NAME
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.message_types import BY_MTI
from bank_host.iso8583.settings import Settings

Change = Callable[[str], str]
"""A value of one element in the other side's terms; FormatError is raised by the caller where it raises ValueError."""

_SEPARATOR = "="
_CARD_SERVICES = ("balance", "change_pin")


class Translation:
    """Both directions for one dialect. `elements` are those whose values may differ."""

    def __init__(self, settings: Settings, *, packed_track: bool) -> None:
        self._settings = settings
        self._inward, self._outward = _changes(settings, packed_track)
        self._classes = {
            service: mti
            for service, mti in zip(
                _CARD_SERVICES, (settings.services.balance_mti, settings.services.change_pin_mti), strict=True
            )
            if mti != "0200"
        }
        self._ignored = frozenset(int(de) for de, row in settings.elements.items() if row.ignored)
        self._move_key = settings.link.key_element != 48

    @property
    def elements(self) -> frozenset[int]:
        return frozenset(self._inward) | ({2} if self._settings.layouts.pan_from_track else frozenset())

    @property
    def active(self) -> bool:
        """Whether anything at all differs."""
        renames = self._settings.services.reversal_mti != "0420" or bool(self._classes)
        return bool(renames or self.elements or self._ignored or self._move_key)

    def wire_types(self) -> frozenset[str]:
        """The message types that the network uses, in its terms."""
        types = {self._reversal(mti, outward=True) for mti in BY_MTI}
        for mti in self._classes.values():
            types |= {mti, mti[:3] + "1", mti[:2] + "10"}
        return frozenset(types)

    # ---------------- in

    def inward(self, mti: str, values: dict[int, str]) -> tuple[str, dict[int, str]]:
        """Message type and elements of the network in our terms."""
        fields = {de: value for de, value in values.items() if de not in self._ignored}
        for de in self._inward.keys() & fields.keys():
            fields[de] = _changed(self._inward[de], de, fields[de])
        if self._move_key and mti[1] == "8" and 53 in fields:
            fields[48] = fields.pop(53)
        if self._settings.layouts.pan_from_track and 2 not in fields and 35 in fields:
            fields[2] = fields[35].partition(_SEPARATOR)[0]
        return self._our_type(mti, fields), dict(sorted(fields.items()))

    def _our_type(self, mti: str, fields: Mapping[int, str]) -> str:
        mti = self._reversal(mti, outward=False)
        if mti in BY_MTI:
            return mti
        service = composite.service_of(fields.get(3, ""))
        if 3 in fields and self._classes.get(service, "")[:2] != mti[:2]:
            raise FormatError("unknown_mti", offset=0)  # the type is spoken, but not for this service
        return "02" + mti[2:]

    # ---------------- out

    def outward(self, mti: str, values: Mapping[int, str]) -> tuple[str, dict[int, str]]:
        """Message type and elements of ours in the network's terms."""
        fields = dict(values)
        service = composite.service_of(fields.get(3, ""))
        for de in self._outward.keys() & fields.keys():
            fields[de] = _changed(self._outward[de], de, fields[de])
        if self._move_key and mti[1] == "8" and 48 in fields:
            fields[53] = fields.pop(48)
        if mti in ("0200", "0201", "0210") and service in self._classes:
            mti = self._classes[service][:2] + mti[2:]
        return self._reversal(mti, outward=True), dict(sorted(fields.items()))

    def _reversal(self, mti: str, *, outward: bool) -> str:
        """0420, 0421, 0430 where the network has 0400, 0401, 0410."""
        if self._settings.services.reversal_mti == "0420" or mti[1] != "4":
            return mti
        function = int(mti[2]) + (-2 if outward else 2)
        return f"04{function}{mti[3]}"


def _changed(change: Change, de: int, value: str) -> str:
    fault: FormatError | None = None
    try:
        return change(value)
    except ValueError:
        fault = FormatError("bad_value", de)
    raise fault  # outside the handler: the other error quotes the value


# ---------------------------------------------------------------- the elements


def _changes(settings: Settings, packed_track: bool) -> tuple[dict[int, Change], dict[int, Change]]:
    inward: dict[int, Change] = {}
    outward: dict[int, Change] = {}
    services, layouts, codes = settings.services, settings.layouts, settings.codes
    types = {"31": services.balance, "92": services.change_pin}
    if any(ours != theirs for ours, theirs in types.items()):
        inward[3], outward[3] = _renamed_head(_reverse(types)), _renamed_head(types)
    if packed_track or settings.wire.track_separator == "D":
        inward[35] = lambda value: value.replace("D", _SEPARATOR)
        outward[35] = lambda value: value.replace(_SEPARATOR, "D")
    if codes.response_in or codes.response_out:
        inward[39], outward[39] = _named(codes.response_in), _named(codes.response_out)
    if tuple(layouts.place) != composite.PLACE_WIDTHS:
        theirs = layouts.place
        inward[43] = lambda value: composite.place_text(composite.parse_place(value, theirs))
        outward[43] = lambda value: composite.place_text(composite.parse_place(value), theirs)
    if layouts.balances == 14:
        inward[54], outward[54] = _balances_in, _balances_out
    network = {NETWORK_BY_NAME[name]: code for name, code in codes.network.items()}
    if any(ours != theirs for ours, theirs in network.items()):
        inward[70], outward[70] = _renamed_head(_reverse(network), 3), _renamed_head(network, 3)
    if layouts.replacement == "mastercard":
        inward[95], outward[95] = _replacement_in, _replacement_out
    return inward, outward


def _reverse(table: Mapping[str, str]) -> dict[str, str]:
    return {theirs: ours for ours, theirs in table.items()}


def _renamed_head(table: Mapping[str, str], length: int = 2) -> Change:
    """Renames the first characters. A code that the other side has under a new name only is not a code any more."""
    gone = set(table.values()) - set(table)

    def change(value: str) -> str:
        head = value[:length]
        if head in gone:
            raise ValueError(f"{head} is not used")
        return table.get(head, head) + value[length:]

    return change


def _named(table: Mapping[str, str]) -> Change:
    return lambda value: table.get(value, value)


def _balances_in(value: str) -> str:
    """Items of amount type and amount: no account, no currency, never below zero."""
    items = (value[start : start + 14] for start in range(0, len(value), 14))
    return "".join(f"10{item[:2]}{composite.YEN}C{item[2:]}" for item in items)


def _balances_out(value: str) -> str:
    """An overdrawn balance is told as 0, because the layout has no sign."""
    items = (value[start : start + 20] for start in range(0, len(value), 20))
    return "".join(item[2:4] + (item[8:] if item[7] == "C" else "0" * 12) for item in items)


def _replacement_in(value: str) -> str:
    return composite.replacement_text(composite.amount_jpy(value[:12]))


def _replacement_out(value: str) -> str:
    """Three amounts and six zeros: a fee that stands has no place here."""
    return composite.amount_text(composite.parse_replacement(value).amount_jpy) + "0" * 30
