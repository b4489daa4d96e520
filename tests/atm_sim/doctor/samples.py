"""A conversation of a withdrawal that times out, is reversed twice and answered, as a dialect has it."""

from __future__ import annotations

from bank_host.iso8583 import build
from bank_host.iso8583.message import Message

NOON_US = 1_480_000_000_000_000
PAN = "4999010000000000005"
"""19 digits, of the test range."""
ACCEPTOR = build.Acceptor("ATM00007", "SHIBUYA", "34567", name="SHIBUYA", city="TOKYO")


def withdrawal(stan: int = 1, pan: str = PAN) -> Message:
    return build.financial_request(
        "withdraw",
        pan=pan,
        amount_jpy=10_000,
        stan=stan,
        now_us=NOON_US,
        acceptor=ACCEPTOR,
        expiry_yymm="2912",
        track2=f"{pan[:16]}=29122010000000000",
        pin_block="0123456789ABCDEF",
        icc_data="9F3303604020",
    )


def conversation() -> list[Message]:
    request = withdrawal()
    reversal = build.reversal_advice(request, "timeout", stan=2, now_us=NOON_US + 45_000_000)
    return [
        request,
        build.answer(request, "00", {38: "123456"}),
        reversal,
        build.as_repeat(reversal),
        build.answer(build.as_repeat(reversal), "00"),
    ]
