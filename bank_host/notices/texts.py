"""What a customer is told, one entry per kind of event (requirements R104-R108, R20).

A new kind is one entry here and one `Notify` in a rule. No text names a balance, a number of a card or an
account, or an address to click on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bank_host.rules.languages import Words


class NoticeText(NamedTuple):
    subject: Words
    body: Words  # {amount} is the event's amount
    urgent: bool = True  # what is not waits for the end of the quiet hours (R108)


TEXTS: Mapping[str, NoticeText] = {
    "atm_withdrawal": NoticeText(
        Words("Cash withdrawal at an ATM", "ATM出金のお知らせ"),
        Words("{amount} was withdrawn at an ATM.", "ATMで{amount}の出金がありました。"),
    ),
    "atm_deposit": NoticeText(
        Words("Cash deposit at an ATM", "ATM入金のお知らせ"),
        Words("{amount} was deposited at an ATM.", "ATMで{amount}の入金がありました。"),
    ),
    "atm_withdrawal_refused": NoticeText(
        Words("Withdrawal refused at an ATM", "ATM出金をお断りしました"),
        Words(
            "A withdrawal of {amount} at an ATM was refused.",
            "ATMでの{amount}の出金のご依頼をお断りしました。",
        ),
    ),
    "incoming_transfer": NoticeText(
        Words("Transfer received", "振込入金のお知らせ"),
        Words("A transfer of {amount} has been received.", "{amount}の振り込みがありました。"),
    ),
    "transfer_failed": NoticeText(
        Words("Reserved transfer not executed", "予約振込ができませんでした"),
        Words(
            "Your reserved transfer of {amount} could not be executed.",
            "ご予約の{amount}の振り込みができませんでした。",
        ),
    ),
    "password_lapsed": NoticeText(
        Words("Login password lapsed", "ログインパスワード失効のお知らせ"),
        Words(
            "Your login password lapsed after repeated wrong entries.",
            "誤った入力が続いたため、ログインパスワードが失効しました。",
        ),
    ),
    "otp_locked": NoticeText(
        Words("One-time passwords locked", "ワンタイムパスワードのロック"),
        Words(
            "Operations with a one-time password were locked after repeated wrong entries.",
            "誤った入力が続いたため、ワンタイムパスワードを使うお取引をロックしました。",
        ),
    ),
    "otp_unlocked": NoticeText(
        Words("One-time passwords released", "ワンタイムパスワードのロック解除"),
        Words(
            "Operations with a one-time password have been released.",
            "ワンタイムパスワードを使うお取引のロックを解除しました。",
        ),
        urgent=False,
    ),
    "card_locked": NoticeText(
        Words("Cash card locked", "キャッシュカードのロック"),
        Words("Your cash card has been locked.", "キャッシュカードをロックしました。"),
        urgent=False,
    ),
    "card_unlocked": NoticeText(
        Words("Cash card unlocked", "キャッシュカードのロック解除"),
        Words("The lock of your cash card has been released.", "キャッシュカードのロックを解除しました。"),
    ),
    "token_locked": NoticeText(
        Words("Token locked", "トークンのロック"),
        Words("A token of your account has been locked.", "トークンをロックしました。"),
        urgent=False,
    ),
    "token_unlocked": NoticeText(
        Words("Token unlocked", "トークンのロック解除"),
        Words("The lock of a token of your account has been released.", "トークンのロックを解除しました。"),
    ),
    "token_registered": NoticeText(
        Words("Token registered", "トークン登録のお知らせ"),
        Words("A token has been registered to your account.", "口座にトークンを登録しました。"),
    ),
    "id_card_locked": NoticeText(
        Words("ID card locked", "IDカードのロック"),
        Words("Your ID card has been locked.", "IDカードをロックしました。"),
        urgent=False,
    ),
    "id_card_unlocked": NoticeText(
        Words("ID card unlocked", "IDカードのロック解除"),
        Words("The lock of your ID card has been released.", "IDカードのロックを解除しました。"),
    ),
    "limit_raised": NoticeText(
        Words("ATM withdrawal limit raised", "ATM出金限度額の引き上げ"),
        Words(
            "The ATM withdrawal limit was raised to {amount}.", "ATM出金限度額を{amount}に引き上げました。"
        ),
    ),
    "transfer_limit_raised": NoticeText(
        Words("Transfer limit raised", "振込限度額の引き上げ"),
        Words(
            "The daily transfer limit was raised to {amount}.",
            "1日あたりの振込限度額を{amount}に引き上げました。",
        ),
    ),
    "email_changed": NoticeText(
        Words("E-mail address changed", "メールアドレス変更のお知らせ"),
        Words(
            "The registered e-mail addresses of your account were changed.",
            "登録メールアドレスが変更されました。",
        ),
    ),
}

CLOSING = Words(
    "If this was not you, lock your card or token in internet banking at once and call the bank.",
    "お心当たりのない場合は、すぐにインターネットバンキングでカードやトークンをロックし、銀行へお電話ください。",
)
