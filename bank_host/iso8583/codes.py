"""Response codes (DE39) and what an ATM does with them, advice reasons (DE60), link codes (DE70).

The terminal acts on these rows, descriptions and reports speak their words. Above 75 the public lists
disagree, so that only 90 to 96 carry a meaning of their own there; any code without a row is a decline.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

AtmAction = Literal["pay", "decline", "ask_pin", "retain_card"]
Offer = Literal["", "balance", "smaller_amount", "other_amount", "unlock", "later"]


class ResponseCode(NamedTuple):
    """One DE39 value and what the ATM does on an answer that carries it."""

    code: str
    name_en: str
    name_ja: str
    action: AtmAction = "decline"
    offer: Offer = ""  # what the screen proposes next
    reverse: bool = False  # the host may have posted: send a reversal although nothing was paid
    alarm: bool = False  # tell the operator
    acknowledges: bool = False  # on 0230 and 0430: the sender may stop repeating


RESPONSE_CODES: tuple[ResponseCode, ...] = (
    ResponseCode("00", "approved", "承認", "pay", acknowledges=True),
    ResponseCode("05", "do not honour", "取扱不可"),
    ResponseCode("12", "invalid transaction", "取引誤り"),
    ResponseCode("13", "invalid amount", "金額誤り", offer="other_amount"),
    ResponseCode("14", "no such card", "カード番号誤り"),
    ResponseCode("25", "original not found", "元取引なし", acknowledges=True),
    ResponseCode("30", "format error", "電文形式誤り", alarm=True),
    ResponseCode("33", "expired card, pick up", "期限切れ・回収"),
    ResponseCode("34", "suspected fraud, pick up", "不正の疑い・回収"),
    ResponseCode("35", "contact acquirer, pick up", "取扱機関に照会・回収"),
    ResponseCode("36", "restricted card, pick up", "利用制限・回収"),
    ResponseCode("37", "call security, pick up", "保安部門に照会・回収"),
    ResponseCode("38", "PIN tries used up, pick up", "暗証番号回数超過・回収"),
    ResponseCode("41", "lost card", "紛失カード", "retain_card"),
    ResponseCode("43", "stolen card", "盗難カード", "retain_card"),
    ResponseCode("51", "insufficient funds", "残高不足", offer="balance"),
    ResponseCode("52", "no current account", "当座預金なし"),
    ResponseCode("53", "no savings account", "普通預金なし"),
    ResponseCode("54", "expired card", "有効期限切れ"),
    ResponseCode("55", "wrong PIN", "暗証番号相違", "ask_pin"),
    ResponseCode("57", "not permitted to this cardholder", "このカードでは取扱不可"),
    ResponseCode("58", "not permitted to this terminal", "この端末では取扱不可"),
    ResponseCode("61", "over the amount limit", "限度額超過", offer="smaller_amount"),
    ResponseCode("62", "locked by its holder", "ご本人によるロック中", offer="unlock"),
    ResponseCode("63", "security violation", "認証エラー", alarm=True),
    ResponseCode("65", "over the count limit", "回数超過"),
    ResponseCode("68", "answer came too late", "応答遅延", reverse=True),
    ResponseCode("75", "PIN tries used up", "暗証番号回数超過"),
    ResponseCode("90", "cut-over in progress", "日付切替中", offer="later"),
    ResponseCode("91", "issuer not available", "発行銀行応答なし", offer="later"),
    ResponseCode("92", "no route to the issuer", "経路なし", offer="later"),
    ResponseCode("94", "duplicate", "取引重複", reverse=True, acknowledges=True),
    ResponseCode("96", "system malfunction", "システム障害", reverse=True),
)

_RESPONSES = {row.code: row for row in RESPONSE_CODES}


def response_code(code: str) -> ResponseCode:
    """The row of a DE39 value; a code we have no row for is a decline."""
    return _RESPONSES.get(code) or ResponseCode(code, "unknown code", "不明な応答コード")


class Code(NamedTuple):
    """A value, the name by which code and scenarios call it, and its words."""

    value: str
    name: str
    name_en: str
    name_ja: str


COMPLETION = "completion"  # the 0220 that says the cash was taken; any other 0220 tells of stand-in

# DE60 of an advice or reversal holds the name itself: in our dialect value and name are one.
ADVICE_REASONS: tuple[Code, ...] = tuple(
    Code(name, name, name_en, name_ja)
    for name, name_en, name_ja in (
        (COMPLETION, "the transaction was completed", "取引完了"),
        ("stand_in", "approved on the issuer's behalf", "代行承認"),
        ("stand_in_planned", "approved in the issuer's planned absence", "代行承認(計画停止)"),
        ("stand_in_timeout", "approved because the issuer did not answer in time", "代行承認(応答時間切れ)"),
        (
            "stand_in_invalid_answer",
            "approved because the issuer's answer could not be used",
            "代行承認(応答不正)",
        ),
        ("stand_in_sign_off", "approved because the issuer was out of reach", "代行承認(閉局・回線断)"),
        ("timeout", "no answer in time", "応答時間切れ"),
        ("invalid_answer", "the answer could not be used", "応答不正"),
        ("no_confirmation", "the answer leaves open what was posted", "成否不明"),
        ("customer_cancel", "the customer cancelled", "お客さまによる取消"),
        ("hardware_error", "nothing was dispensed", "機器障害・未払出"),
        ("part_dispense", "only a part was dispensed", "一部払出"),
        ("suspect", "it is unknown what was dispensed", "払出不明"),
        ("mac_failure", "the answer's MAC was wrong", "MAC不一致"),
        ("card_refused", "the card does not accept the answer as its bank's", "カードによる応答拒否"),
    )
)

NETWORK_CODES: tuple[Code, ...] = (
    Code("001", "sign_on", "sign-on", "開局"),
    Code("002", "sign_off", "sign-off", "閉局"),
    Code("161", "key_exchange", "key exchange", "鍵交換"),
    Code("162", "key_verification", "key verification", "鍵確認"),
    Code("201", "cutover_begin", "cut-over begins", "日付切替開始"),
    Code("202", "cutover_end", "cut-over ends", "日付切替終了"),
    Code("301", "echo", "echo", "回線確認"),
)

REASON_BY_NAME = {row.name: row for row in ADVICE_REASONS}
NETWORK_BY_NAME = {row.name: row.value for row in NETWORK_CODES}
