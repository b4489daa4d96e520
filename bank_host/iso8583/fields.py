"""The one table of data elements of the default dialect: name, format, pattern, secrecy (ISO 8583:1987).

Codec, strict checks, descriptions and docs/reference/messages.md read this table. Default dialect: ASCII
data, hexadecimal bitmap, binary elements as upper-case hexadecimal on the wire. An element that is not here
is refused.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["n", "an", "ans", "z", "b", "x+n"]
Secrecy = Literal["", "mask", "hide"]

FIXED, LL, LLL = 0, 2, 3  # digits of the length prefix


class Field(NamedTuple):
    """One data element. `length` counts characters on the wire (hexadecimal digits for a binary element)."""

    de: int
    name_en: str
    name_ja: str
    kind: Kind
    prefix: int  # FIXED, LL or LLL
    length: int  # exact when FIXED, otherwise the most that is accepted
    pattern: str  # ASCII, matched against the whole value
    secrecy: Secrecy = ""  # mask: first 6 and last 4 may be shown; hide: never shown, logged or stored
    note: str = ""

    @property
    def format(self) -> str:
        """The standard's notation, e.g. `n12`, `ans..999`, `b64`."""
        if self.kind == "x+n":
            return f"x+n{self.length - 1}"
        if self.kind == "b":
            return f"b{self.length * 4}" if self.prefix == FIXED else f"b..{self.length // 2}"
        return f"{self.kind}{'..' if self.prefix else ''}{self.length}"


def _digits(length: int) -> str:
    return f"[0-9]{{{length}}}"


def _text(longest: int) -> str:
    return f"[ -~]{{1,{longest}}}"


_MONTH_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_TIME = "(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]"
_YEAR_MONTH = "[0-9]{2}(?:0[1-9]|1[0-2])"
_FEE = "[CD][0-9]{8}"
_REPLACEMENT = "[0-9]{24}" + _FEE + _FEE
_BALANCE = "[0-9]{7}[CD][0-9]{12}"
_HEX64 = "[0-9A-F]{16}"

FIELDS: tuple[Field, ...] = (
    Field(2, "Primary account number", "カード番号", "n", LL, 19, "[0-9]{12,19}", "mask"),
    Field(3, "Processing code", "処理コード", "n", FIXED, 6, _digits(6), "", "type, from, to account"),
    Field(4, "Amount", "取引金額", "n", FIXED, 12, _digits(12), "", "yen have no minor unit"),
    Field(7, "Transmission time", "送信日時", "n", FIXED, 10, _MONTH_DAY + _TIME, "", "UTC"),
    Field(11, "Trace number (STAN)", "取引通番", "n", FIXED, 6, _digits(6), "", "per terminal and day"),
    Field(12, "Local time", "現地時刻", "n", FIXED, 6, _TIME, "", "the terminal's clock, JST"),
    Field(13, "Local date", "現地日付", "n", FIXED, 4, _MONTH_DAY, "", "the terminal's clock, JST"),
    Field(14, "Expiry date", "有効期限", "n", FIXED, 4, _YEAR_MONTH, "", "YYMM"),
    Field(15, "Settlement date", "決済日", "n", FIXED, 4, _MONTH_DAY),
    Field(17, "Capture date", "計上日", "n", FIXED, 4, _MONTH_DAY),
    Field(18, "Merchant type", "加盟店業種", "n", FIXED, 4, _digits(4), "", "6011 = cash dispenser"),
    Field(22, "Entry mode", "カード読取方法", "n", FIXED, 3, _digits(3)),
    Field(23, "Card sequence number", "カード連番", "n", FIXED, 3, _digits(3), "", "chip only"),
    Field(25, "Condition code", "取引条件", "n", FIXED, 2, _digits(2), "", "02 = customer operates it"),
    Field(26, "PIN capture length", "暗証番号最大桁数", "n", FIXED, 2, _digits(2)),
    Field(28, "Transaction fee", "手数料", "x+n", FIXED, 9, _FEE, "", "D = the customer pays"),
    Field(32, "Acquirer", "取扱機関番号", "n", LL, 11, "[0-9]{1,11}", "", "part of the identity"),
    Field(33, "Forwarder", "中継機関番号", "n", LL, 11, "[0-9]{1,11}"),
    Field(35, "Track 2", "磁気第2トラック", "z", LL, 37, "[0-9]{12,19}[=D][0-9]{7,24}", "hide"),
    Field(37, "Retrieval reference", "照会番号", "an", FIXED, 12, "[0-9A-Za-z]{12}", "", "links a chain"),
    Field(38, "Approval code", "承認番号", "an", FIXED, 6, "[0-9A-Za-z ]{6}"),
    Field(39, "Response code", "応答コード", "an", FIXED, 2, "[0-9A-Z]{2}"),
    Field(41, "Terminal", "端末番号", "ans", FIXED, 8, "[!-~][ -~]{7}", "", "part of the identity"),
    Field(42, "Card acceptor", "設置者番号", "ans", FIXED, 15, "[ -~]{15}"),
    Field(43, "Acceptor's place", "設置場所", "ans", FIXED, 40, "[ -~]{40}", "", "25 + 13 + 2"),
    Field(48, "Keys, new PIN block", "鍵など", "ans", LLL, 999, _text(999), "hide"),
    Field(49, "Currency", "通貨", "n", FIXED, 3, _digits(3), "", "392 = yen"),
    Field(52, "PIN block", "暗証番号ブロック", "b", FIXED, 16, _HEX64, "hide", "requests only; never stored"),
    Field(53, "Security control", "暗号制御情報", "n", FIXED, 16, _digits(16)),
    Field(54, "Additional amounts", "残高等", "an", LLL, 120, f"(?:{_BALANCE}){{1,6}}", "", "balances"),
    Field(55, "Chip data", "ICデータ", "b", LLL, 510, "(?:[0-9A-F]{2}){1,255}", "hide", "EMV TLV"),
    Field(60, "Reason", "取消・通知理由", "ans", LLL, 999, _text(999), "", "of an advice or reversal"),
    Field(63, "Private data", "個別データ", "ans", LLL, 999, _text(999)),
    Field(64, "MAC", "メッセージ認証コード", "b", FIXED, 16, _HEX64, "hide", "without a second bitmap"),
    Field(70, "Network management code", "回線制御コード", "n", FIXED, 3, _digits(3)),
    Field(73, "Action date", "実施日", "n", FIXED, 6, _digits(6), "", "YYMMDD"),
    Field(90, "Original data", "元取引情報", "n", FIXED, 42, "[0-9A-Za-z ]{42}", "", "read leniently"),
    Field(95, "Replacement amounts", "確定金額", "an", FIXED, 42, _REPLACEMENT, "", "what stands"),
    Field(102, "Account from", "出金口座", "ans", LL, 28, _text(28)),
    Field(103, "Account to", "入金口座", "ans", LL, 28, _text(28)),
    Field(128, "MAC", "メッセージ認証コード", "b", FIXED, 16, _HEX64, "hide", "with a second bitmap"),
)

BY_DE: dict[int, Field] = {field.de: field for field in FIELDS}

MATCHERS: dict[int, re.Pattern[str]] = {field.de: re.compile(field.pattern, re.ASCII) for field in FIELDS}
