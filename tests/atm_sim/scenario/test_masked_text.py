"""The text that reports show: secrets dotted, everything else to the letter."""

from __future__ import annotations

from atm_sim.scenario import loads, masked_text

TEXT = """\
scenario: Secrets
version: 1
day: 2014-01-15
cast:
  hanako: {name: 山田 花子, pin: "0417", card: {pan: "4999000000000014"}}   # her PIN is 0417
  taro: {name: 鈴木 太郎, password: "momiji-77", login_id: 'taro2014'}   # not taro2014 any more
places: {shibuya: {operator: smbc}}
steps:
  - {at: 12:00, who: hanako, do: change_pin, new_pin: $new, atm: shibuya}
  - {at: 12:10, who: hanako, do: unlock_card, via: pc, otp: "123456"}
  - {at: 12:15, who: taro, do: login, via: pc, password: wrong, login_id: none}
  - {at: 12:20, who: hanako, do: balance, atm: shibuya, pin: [wrong, right]}
cases:
  - {case: one, new: "9753"}
  - {case: two, new: '8642'}
"""


def test_pins_codes_and_card_numbers_are_dotted_wherever_they_come_from():
    masked = masked_text(loads(TEXT))
    for secret in ("0417", "4999000000000014", "123456", "9753", "8642", "momiji-77", "taro2014"):
        assert secret not in masked


def test_everything_else_keeps_its_place():
    masked = masked_text(loads(TEXT))
    assert len(TEXT) == len(masked)
    differing = [(a, b) for a, b in zip(TEXT, masked, strict=True) if a != b]
    assert all(a not in "\"' " and b == "•" for a, b in differing)
    assert "password: wrong, login_id: none" in masked
    assert "pin: [wrong, right]" in masked
    assert "day: 2014-01-15" in masked


def test_records_do_not_show_secrets_either():
    shown = repr(loads(TEXT))
    for secret in ("0417", "4999000000000014", "123456", "9753", "momiji-77", "taro2014"):
        assert secret not in shown
