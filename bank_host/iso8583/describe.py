"""A message in words, English or Japanese, and masked for logs: no PAN, track, PIN block, key or chip data.

A value that does not have its element's form is described by its length only, so that damaged messages can be
shown too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

from bank_host.iso8583 import codes, composite, identity
from bank_host.iso8583.codec import check, read_elements
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.fields import BY_DE, MATCHERS
from bank_host.iso8583.message import Message
from bank_host.iso8583.message_types import BY_MTI
from bank_host.secrets import mask_pan

Lang = Literal["en", "ja"]

HIDDEN = "•"
_PRESENT_HIDDEN = {"en": "present, hidden", "ja": "あり(非表示)"}


def masked_fields(message: Message) -> dict[int, str]:
    """The elements as they may be logged: PAN as first 6 and last 4, secret elements as a dot."""
    return {de: _masked(de, value) for de, value in message.fields.items()}


def _masked(de: int, value: str) -> str:
    secrecy = BY_DE[de].secrecy if de in BY_DE else "hide"
    if secrecy == "mask":
        return mask_pan(value)
    return HIDDEN if secrecy == "hide" else value


def describe(message: Message, lang: Lang = "en") -> list[tuple[int, str, str]]:
    """Each element as (number, name, value in words)."""
    return [(de, _name(de, lang), _words(de, value, lang)) for de, value in message.fields.items()]


def describe_text(message: Message, lang: Lang = "en") -> str:
    """The message as a block of text: its type, then a line for each element."""
    lines = describe(message, lang)
    width = max((_columns(name) for _, name, _ in lines), default=0)
    rows = [f"  DE{de:<4}{_pad(name, width)}  {words}" for de, name, words in lines]
    return "\n".join([title(message.mti, lang), *rows])


def title(mti: str, lang: Lang = "en") -> str:
    """The message type with its name: `0420 Reversal advice`."""
    row = BY_MTI.get(mti)
    if row is None:
        return mti
    return f"{mti} {row.name_en if lang == 'en' else row.name_ja}"


# ---------------------------------------------------------------- from bytes

_HEX = re.compile("(?:[0-9A-Fa-f]{2})+", re.ASCII)
_LENGTH_BYTES = 2


def describe_hex(text: str, lang: Lang = "en") -> str:
    """Words for wire bytes in hexadecimal (spaces and a 2-byte length allowed) or for the ASCII message.

    A message that reads well but that its type does not allow is described, with the objection below it.
    """
    message = read_elements(_wire_bytes(text))
    try:
        check(message)
    except FormatError as objection:
        return f"{describe_text(message, lang)}\n  {objection}"
    return describe_text(message, lang)


def _wire_bytes(text: str) -> bytes:
    line = text.strip("\r\n")
    if line[:4] in BY_MTI:  # no message type looks like the start of a hexadecimal dump
        if not line.isascii():
            raise FormatError("not_hexadecimal")
        return line.encode("ascii")
    digits = "".join(text.split())
    if _HEX.fullmatch(digits) is None:
        raise FormatError("not_hexadecimal")
    data = bytes.fromhex(digits)
    framed = int.from_bytes(data[:_LENGTH_BYTES], "big") == len(data) - _LENGTH_BYTES
    return data[_LENGTH_BYTES:] if framed else data


# ---------------------------------------------------------------- words


def _name(de: int, lang: Lang) -> str:
    field = BY_DE.get(de)
    if field is None:
        return "unknown element" if lang == "en" else "未定義の項目"
    return field.name_en if lang == "en" else field.name_ja


def _words(de: int, value: str, lang: Lang) -> str:
    field = BY_DE.get(de)
    if field is not None and field.secrecy == "hide":
        return _PRESENT_HIDDEN[lang]
    if field is None or MATCHERS[de].fullmatch(value) is None:
        return f"not well formed, {len(value)} characters" if lang == "en" else f"形式不正({len(value)}文字)"
    words = _WORDS.get(de)
    return words(value, lang) if words else value.rstrip()


def _either(lang: Lang, english: str, japanese: str) -> str:
    return english if lang == "en" else japanese


def yen(amount_jpy: int) -> str:
    """¥30,000, with the sign before the ¥."""
    return f"{'-' if amount_jpy < 0 else ''}¥{abs(amount_jpy):,}"


def _account(code: str, lang: Lang) -> str:
    names = composite.ACCOUNT_TYPES.get(code)
    return _either(lang, *names) if names else code


def _processing_code(value: str, lang: Lang) -> str:
    service = composite.service_row(value)
    if service is None:
        return f"{value} {_either(lang, 'unknown service', '不明な取引')}"
    return f"{value} {_either(lang, service.name_en, service.name_ja)}"


def _utc(value: str, lang: Lang) -> str:
    return f"{_month_day(value[:4], lang)} {_time(value[4:], lang)} UTC"


def _time(value: str, lang: Lang) -> str:
    return f"{value[:2]}:{value[2:4]}:{value[4:]}"


def _month_day(value: str, lang: Lang) -> str:
    return f"{value[:2]}-{value[2:]}" if lang == "en" else f"{int(value[:2])}月{int(value[2:])}日"


def _expiry(value: str, lang: Lang) -> str:
    return f"20{value[:2]}-{value[2:]}" if lang == "en" else f"20{value[:2]}年{int(value[2:])}月"


def _fee(value: str, lang: Lang) -> str:
    amount = composite.fee_jpy(value)
    if amount < 0:
        return _either(lang, f"{yen(-amount)} given back to the customer", f"{yen(-amount)} お客さまへ返金")
    return _either(lang, f"{yen(amount)} paid by the customer", f"{yen(amount)} お客さま負担")


_ENTRY_MODES = {
    "021": ("magnetic stripe and PIN", "磁気ストライプ・暗証番号"),
    "051": ("chip and PIN", "ICチップ・暗証番号"),
    "801": ("magnetic stripe of a chip card, and PIN", "ICカードの磁気読取・暗証番号"),
    "901": ("full magnetic stripe and PIN", "磁気ストライプ全体・暗証番号"),
}
_MERCHANT_TYPES = {"6011": ("cash dispenser", "現金自動支払機")}
_CURRENCIES = {"392": ("yen", "円")}
_CONDITIONS = {"00": ("normal", "通常"), "02": ("the customer operates the device", "お客さま操作")}


def _from_table(table: dict[str, tuple[str, str]]) -> Callable[[str, Lang], str]:
    """Words for elements whose values stand in a table: the value, and its words where it has some."""

    def words(value: str, lang: Lang) -> str:
        names = table.get(value)
        return f"{value} {_either(lang, *names)}" if names else value

    return words


def _response(value: str, lang: Lang) -> str:
    row = codes.response_code(value)
    return f"{value} {_either(lang, row.name_en, row.name_ja)}"


def _place(value: str, lang: Lang) -> str:
    return ", ".join(part for part in composite.parse_place(value) if part)


_AMOUNT_KINDS = {
    "ledger": ("ledger", "元帳残高"),
    "available": ("available", "引出可能額"),
    "cash": ("cash", "現金"),
}


def _balances(value: str, lang: Lang) -> str:
    items = []
    for item in composite.parse_balances(value):
        kind = _either(lang, *_AMOUNT_KINDS.get(item.kind, (item.kind, item.kind)))
        amount = (
            yen(item.amount_jpy) if item.currency == composite.YEN else f"{item.amount_jpy} {item.currency}"
        )
        items.append(f"{kind} {amount}, {_account(item.account_type, lang)}")
    return "; ".join(items)


def _reason(value: str, lang: Lang) -> str:
    row = codes.REASON_BY_NAME.get(value)
    return f"{value}: {_either(lang, row.name_en, row.name_ja)}" if row else value


def _original(value: str, lang: Lang) -> str:
    quoted = identity.parse_original(value)
    if not quoted.standard:
        return _either(lang, "not in the standard layout", "標準外の形式")
    sent = _utc(quoted.transmitted, lang)
    parts = [
        title(quoted.mti, lang),
        f"{_either(lang, 'trace', '通番')} {quoted.stan}",
        f"{_either(lang, 'sent', '送信')} {sent}",
        f"{_either(lang, 'acquirer', '取扱機関')} {quoted.acquirer}",
    ]
    if quoted.forwarder:
        parts.append(f"{_either(lang, 'forwarder', '中継機関')} {quoted.forwarder}")
    return ", ".join(parts)


def _replacement(value: str, lang: Lang) -> str:
    stands = composite.parse_replacement(value)
    fee = (
        _either(lang, f", fee {yen(stands.fee_jpy)}", f"、手数料{yen(stands.fee_jpy)}")
        if stands.fee_jpy
        else ""
    )
    return _either(lang, f"{yen(stands.amount_jpy)} stands", f"{yen(stands.amount_jpy)}を確定") + fee


_WORDS: dict[int, Callable[[str, Lang], str]] = {
    2: lambda value, lang: mask_pan(value),
    3: _processing_code,
    4: lambda value, lang: yen(composite.amount_jpy(value)),
    7: _utc,
    12: _time,
    13: _month_day,
    14: _expiry,
    15: _month_day,
    17: _month_day,
    18: _from_table(_MERCHANT_TYPES),
    22: _from_table(_ENTRY_MODES),
    25: _from_table(_CONDITIONS),
    28: _fee,
    39: _response,
    43: _place,
    49: _from_table(_CURRENCIES),
    54: _balances,
    60: _reason,
    70: _from_table({row.value: (row.name_en, row.name_ja) for row in codes.NETWORK_CODES}),
    90: _original,
    95: _replacement,
}


# ---------------------------------------------------------------- columns


def _columns(text: str) -> int:
    """Screen columns: Japanese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
