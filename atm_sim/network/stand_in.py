"""Stand-in: what a switch may approve in the place of an issuer that does not answer (X8).

The issuer hands the switch two lists (`bank_host.rules.card_file`) and sets two caps for each card and JST day, one of
yen and one of approvals. Within them the switch answers a withdrawal by itself, with an approval code of its own, and
tells the issuer afterwards. Everything else it leaves alone: a balance it does not know, notes it has nobody to credit
to, a PIN it may not change. So it never pays more than cap x cards, and the age of its lists is the risk that is left.

The order of checks is the issuer's: card known 14, negative file 41, 43, 62 ..., expiry 54, tries used up 75, PIN 55,
amount 13, cap of yen 61, cap of approvals 65. Wrong PINs are counted here, beside the issuer's own count, and start
again once the issuer has approved something for the card itself.

What was answered is kept for each card, and the caps are counted from that alone. So a message that comes twice, a
restart between two requests and a clock that is set back change nothing: the same request has the same answer, and a
day's approvals are within the caps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from atm_sim.sansio.effects import Effect, Forget, Keep
from bank_host.iso8583.composite import YEN, amount_jpy, service_of
from bank_host.iso8583.identity import identity
from bank_host.iso8583.message import Message
from bank_host.jst import DAY_US, civil, jst_date, time_of_day_us
from bank_host.rules.card import NOTE_STEP_JPY
from bank_host.rules.card_file import CardFile
from bank_host.rules.reasons import APPROVED, CODES, PIN_BLOCKED

STOOD_IN_FOR: Final = "withdraw"
REMEMBERED_US: Final = 2 * DAY_US  # longer than a day, and than any clock is wrong by

_NUMBER, _FILE, _CARD = "stand_in/number", "stand_in/file/", "stand_in/card/"


class StandInSettings(NamedTuple):
    """What one issuer lets the switch do in its place."""

    amount_cap_jpy: int  # approved at most, for each card and JST day
    count_cap: int
    windows_us: tuple[tuple[int, int], ...] = ()  # planned: time of day, from and to; may go over midnight
    on_timeout: bool = True  # no answer, or none that can be used
    on_sign_off: bool = True  # signed off, or out of reach
    pin_tries: int = 3
    pin_block_code: str = "75"

    def is_planned(self, now_us: int) -> bool:
        """Whether a planned window is open."""
        return any(_within(time_of_day_us(now_us), *window) for window in self.windows_us)

    def window_left_us(self, now_us: int) -> int:
        """How long the open windows last; 0 outside them."""
        time_us = time_of_day_us(now_us)
        return max(
            ((to - time_us) % DAY_US for at, to in self.windows_us if _within(time_us, at, to)), default=0
        )

    def allows(self, why: str) -> bool:
        """`why` is `planned`, `timeout`, `invalid_answer` or `sign_off`."""
        return {"planned": True, "sign_off": self.on_sign_off}.get(why, self.on_timeout)


class Crypto(Protocol):
    """What the switch's key module has to offer."""

    def card_id(self, pan: str) -> str:
        """The name of a card in the issuer's lists."""

    def pin_fits(self, pin_block: str, pan: str, pvv: str) -> bool: ...


class Answered(NamedTuple):
    """A request that was answered in stand-in."""

    identity: str
    amount_jpy: int
    code: str
    approval_code: str
    at_us: int


class CardUse(NamedTuple):
    """What the switch remembers of one card."""

    issuer: str
    card_id: str
    wrong_pins: int = 0  # in a row
    answered: tuple[Answered, ...] = ()

    @property
    def key(self) -> str:
        """Where the disk holds it."""
        return f"{_CARD}{self.issuer}/{self.card_id}"

    def approved_on_the_day(self, now_us: int) -> list[Answered]:
        """What was approved for the card on the JST day of `now_us`."""
        day = jst_date(now_us)
        return [each for each in self.answered if each.code == APPROVED and jst_date(each.at_us) == day]

    def recent(self, now_us: int) -> tuple[Answered, ...]:
        return tuple(each for each in self.answered if now_us - each.at_us < REMEMBERED_US)


class Verdict(NamedTuple):
    """What the switch answers in the issuer's place."""

    code: str  # DE39
    reason: str = ""  # CAPITALS, as the issuer would say; '' when approved
    approval_code: str = ""
    list_age_us: int = 0  # how old the issuer's lists are


def look(
    request: Message,
    lists: CardFile,
    use: CardUse,
    settings: StandInSettings,
    crypto: Crypto,
    now_us: int,
) -> tuple[Verdict, int]:
    """The decision, and the wrong PINs in a row that the card then has."""
    reason = _refused_before_pin(lists, use, settings, now_us)
    if reason:
        return _refused(reason, lists, use, settings), use.wrong_pins
    if not crypto.pin_fits(request.get(52), request[2], lists.cards[use.card_id].pvv):
        tries = use.wrong_pins + 1
        reason = PIN_BLOCKED if tries >= settings.pin_tries else "PIN_WRONG"
        return _refused(reason, lists, use, settings), tries
    reason = _over_caps(request, use, settings, now_us)
    return (_refused(reason, lists, use, settings) if reason else Verdict(APPROVED)), 0


def _refused_before_pin(lists: CardFile, use: CardUse, settings: StandInSettings, now_us: int) -> str:
    card = lists.cards.get(use.card_id)
    if card is None:
        return "CARD_UNKNOWN"
    if use.card_id in lists.negative:
        return lists.negative[use.card_id].reason
    if card.expires < f"{civil(now_us):%y%m}":
        return "CARD_EXPIRED"
    return PIN_BLOCKED if use.wrong_pins >= settings.pin_tries else ""


def _over_caps(request: Message, use: CardUse, settings: StandInSettings, now_us: int) -> str:
    """Exactly the cap is allowed."""
    asked_jpy = amount_jpy(request[4])
    if request.get(49) != YEN:
        return "BAD_CURRENCY"
    if asked_jpy <= 0 or asked_jpy % NOTE_STEP_JPY:
        return "BAD_AMOUNT"
    today = use.approved_on_the_day(now_us)
    if sum(each.amount_jpy for each in today) + asked_jpy > settings.amount_cap_jpy:
        return "STAND_IN_AMOUNT_CAP"
    return "STAND_IN_COUNT_CAP" if len(today) >= settings.count_cap else ""


def _refused(reason: str, lists: CardFile, use: CardUse, settings: StandInSettings) -> Verdict:
    if use.card_id in lists.negative:
        return Verdict(lists.negative[use.card_id].code, reason)
    code = settings.pin_block_code if reason == PIN_BLOCKED else CAP_CODES.get(reason) or CODES[reason]
    return Verdict(code, reason)


CAP_CODES: Final = {"STAND_IN_AMOUNT_CAP": "61", "STAND_IN_COUNT_CAP": "65"}
NOT_STOOD_IN: Final = Verdict("91", "NOT_STOOD_IN")


class StandIn:
    """The lists, counters and answers of one switch, for every issuer that has it stand in."""

    __slots__ = ("_answers", "_crypto", "_lists", "_number", "_uses", "issuers")

    def __init__(
        self,
        issuers: Mapping[str, StandInSettings] | None = None,
        crypto: Crypto | None = None,
        disk: Mapping[str, Any] | None = None,
    ) -> None:
        """`issuers` by node, those that the switch stands in for; `disk` is what an earlier run of it kept."""
        if issuers and crypto is None:
            raise ValueError("standing in needs a key module to check PINs with; give the switch one")
        stored = disk or {}
        self.issuers = issuers or {}
        self._crypto = crypto
        self._number: int = stored.get(_NUMBER, 0)
        self._lists: dict[str, CardFile] = {
            key.removeprefix(_FILE): lists for key, lists in stored.items() if key.startswith(_FILE)
        }
        self._uses: dict[str, CardUse] = {key: use for key, use in stored.items() if key.startswith(_CARD)}
        self._answers = {each.identity: each for use in self._uses.values() for each in use.answered}

    def lists_came(self, issuer: str, lists: CardFile, now_us: int) -> list[Effect]:
        """New lists of an issuer; what is too old to matter is forgotten on the occasion."""
        self._lists[issuer] = lists
        effects: list[Effect] = [Keep(_FILE + issuer, lists)]
        for use in [use for use in self._uses.values() if use.issuer == issuer and not use.wrong_pins]:
            if not use.recent(now_us):
                del self._uses[use.key]
                self._forget(use.answered)
                effects.append(Forget(use.key))
        return effects

    def answered(self, request: Message) -> Verdict | None:
        """The answer that this request, or the one it repeats, has had; None if it was not stood in for. Another
        amount under the same identity is no repeat (X7)."""
        known = self._answers.get(identity(request)) if self._answers else None
        if known is None:
            return None
        if known.amount_jpy != amount_jpy(request[4]):
            return Verdict(CODES["IDENTITY_REUSED"], "IDENTITY_REUSED")
        return Verdict(known.code, "", known.approval_code)

    def decide(
        self, issuer: str, request: Message, why: str, now_us: int
    ) -> tuple[Verdict, list[Effect]] | None:
        """The answer in the issuer's place, and what to keep of it; None where the issuer wants none."""
        settings = self.issuers.get(issuer)
        if settings is None or not settings.allows(why):
            return None
        assert self._crypto is not None, "whoever stands in has a key module"
        use = CardUse(issuer, self._crypto.card_id(request[2]))
        use = self._uses.get(use.key, use)
        lists, verdict, wrong_pins = self._lists.get(issuer), NOT_STOOD_IN, use.wrong_pins
        if lists is not None and service_of(request[3]) == STOOD_IN_FOR:
            verdict, wrong_pins = look(request, lists, use, settings, self._crypto, now_us)
            verdict = verdict._replace(list_age_us=now_us - lists.as_of_us)
        effects: list[Effect] = []
        if verdict.code == APPROVED:
            self._number += 1
            verdict = verdict._replace(approval_code=f"S{self._number % 100_000:05d}")
            effects.append(Keep(_NUMBER, self._number))
        effects.append(self._keep(use, wrong_pins, request, verdict, now_us))
        return verdict, effects

    def approved_by_issuer(self, issuer: str, request: Message) -> list[Effect]:
        """The issuer itself has seen the right PIN: what was wrong before counts no more."""
        if issuer not in self.issuers or self._crypto is None or not self._uses:
            return []
        use = self._uses.get(CardUse(issuer, self._crypto.card_id(request[2])).key)
        if use is None or not use.wrong_pins:
            return []
        self._uses[use.key] = use = use._replace(wrong_pins=0)
        return [Keep(use.key, use)]

    # ---------------- inside

    def _keep(self, use: CardUse, wrong_pins: int, request: Message, verdict: Verdict, now_us: int) -> Keep:
        """Remember the answer, refusals too: the first one is final, whatever the next lists say (X7)."""
        mine = Answered(
            identity(request), amount_jpy(request[4]), verdict.code, verdict.approval_code, now_us
        )
        recent = use.recent(now_us)
        self._forget(each for each in use.answered if each not in recent)
        self._answers[mine.identity] = mine
        kept = use._replace(wrong_pins=wrong_pins, answered=(*recent, mine))
        self._uses[kept.key] = kept
        return Keep(kept.key, kept)

    def _forget(self, answered: Iterable[Answered]) -> None:
        for each in answered:
            self._answers.pop(each.identity, None)


def _within(time_us: int, from_us: int, to_us: int) -> bool:
    if from_us <= to_us:
        return from_us <= time_us < to_us
    return time_us >= from_us or time_us < to_us
