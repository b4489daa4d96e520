"""The steps that a world is drawn from: one row a kind, with how often it comes. A new kind is one entry."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from atm_sim.fuzz.draft import NOTE_JPY, Draft, Mood, Request, Sketch
from atm_sim.fuzz.written import DAY_S, World, Written, quoted, yen
from atm_sim.scenario.steps import MISHAPS, MISHAPS_WITH_AMOUNT
from bank_host.iso8583.composite import replacement_text
from bank_host.written.values import amount_jpy as read_jpy

Draw = Callable[[Draft, Sketch], World]
"""Draws the keys of a step beside `at`, `who` and `do`."""


Possible = Callable[[Draft, Sketch], bool]


def _not_alone(draft: Draft, person: Sketch) -> bool:
    return len(draft.people) > 1


def _neighbours(draft: Draft, person: Sketch) -> bool:
    """Is somebody at another bank?"""
    return any(each.bank != person.bank for each in draft.people)


def _settled(draft: Draft) -> list[Request]:
    """The requests that have long been answered, or given up."""
    return [each for each in draft.requests if draft.at_s - each.at_s > ANSWERED_S]


def _something_settled(draft: Draft, person: Sketch) -> bool:
    return bool(_settled(draft))


class StepKind(NamedTuple):
    """`weight` is how often the kind comes among a hundred or so steps."""

    do: str
    weight: int
    draw: Draw
    at_atm: bool = False
    then: tuple[str, ...] = ()  # what the same person often does next
    possible: Possible = lambda draft, person: True
    nobody: bool = False  # a step without `who`


CHANNELS = ("pc", "smartphone", "mobile")
WRONG_PINS = ("wrong", "[wrong, right]", "[wrong, right]", "[wrong, wrong, right]", "[wrong, wrong, wrong]")
OTHER_CODES = ("previous", "used", "wrong", "none")
LIMITS_JPY = (0, 0, 10_000, 50_000, 100_000, 500_000, 501_000)
RAISES_JPY = (20_000, 80_000, 600_000, 600_000, 1_000_000, 1_000_000, 2_001_000)
REPEATS = ("0200", "0201")
OUT_OF_TURN = ("0210", "0220", "0221", "0230", "0420", "0421", "0430")
REVERSALS = ("0420", "0421")
ANSWERED_S = 300
NEW_PINS = ("2468", "1379", "0417", "8642")


def _at_atm(draft: Draft) -> World:
    step: World = {"atm": draft.one_of(draft.one_of(draft.sites).atms)}
    if draft.happens(draft.mood.wrong_pins):
        step["pin"] = draft.one_of(WRONG_PINS)
    if draft.happens(draft.mood.wrong_pins / 8):
        step["card"] = draft.one_of(("skimmed", "forged"))
    return step


def _withdraw(draft: Draft, person: Sketch) -> World:
    amount_jpy = draft.aimed_jpy(person)
    if draft.happens(0.03):
        amount_jpy += 500  # below the step of every machine
    step: World = {"amount": yen(amount_jpy)} | _at_atm(draft)
    if draft.happens(draft.mood.mishaps):
        step["device"] = _mishap(draft, amount_jpy)
    elif amount_jpy <= min(person.room_jpy, person.balance_jpy):
        person.used_jpy += amount_jpy
        person.balance_jpy -= amount_jpy
    return step


def _mishap(draft: Draft, amount_jpy: int) -> Written:
    """A jam, notes or a card left behind, no power; or only a part of the notes comes out, or is taken."""
    mishap = draft.one_of((*MISHAPS, *MISHAPS_WITH_AMOUNT, "partial"))
    if mishap in MISHAPS and (mishap not in MISHAPS_WITH_AMOUNT or draft.happens(0.5)):
        return mishap
    part_jpy = draft.random.randrange(amount_jpy // NOTE_JPY) * NOTE_JPY
    taken_jpy = amount_jpy if mishap == "power_loss" and draft.happens(0.3) else part_jpy
    return {mishap: yen(taken_jpy)}


def _deposit(draft: Draft, person: Sketch) -> World:
    notes: World = {"10000": str(draft.random.randrange(1, 8))}
    if draft.happens(0.5):
        notes[draft.one_of(("1000", "2000", "5000"))] = str(draft.random.randrange(1, 20))
    step: World = {"notes": notes} | _at_atm(draft)
    if draft.happens(draft.mood.mishaps / 3):
        step["device"] = draft.one_of(("power_loss", "card_not_taken"))
    return step


def _balance(draft: Draft, person: Sketch) -> World:
    return _at_atm(draft)


def _change_pin(draft: Draft, person: Sketch) -> World:
    return {"new_pin": quoted(draft.one_of(NEW_PINS))} | _at_atm(draft)


def _via(draft: Draft) -> World:
    return {"via": draft.one_of(CHANNELS)}


def _via_channel(draft: Draft, person: Sketch) -> World:
    return _via(draft)


def _with_code(draft: Draft) -> World:
    """Mostly the code that the display shows; at times an old or a wrong one, or none."""
    code = draft.one_of(OTHER_CODES) if draft.happens(draft.mood.wrong_codes) else "current"
    return _via(draft) if code == "none" else _via(draft) | {"otp": code}


def _with_code_alone(draft: Draft, person: Sketch) -> World:
    return _with_code(draft)


def _set_limit(draft: Draft, person: Sketch) -> World:
    """Often below what is used today: room is 0 then, and must not be the distance to the limit. Often 0 after a
    raise: the last explicit act wins."""
    aims = [jpy for jpy, aimed in ((0, person.raised), (person.used_jpy // 2_000 * 1_000, True)) if aimed]
    amount_jpy = draft.one_of(aims) if draft.happens(0.6) else draft.one_of(LIMITS_JPY)
    step: World = {"amount": yen(amount_jpy)} | _with_code(draft)
    if amount_jpy <= 500_000:
        person.limit_jpy = amount_jpy
    return step


def _raise_limit(draft: Draft, person: Sketch) -> World:
    amount_jpy = draft.one_of((*RAISES_JPY, person.limit_jpy, person.limit_jpy + 1_000))
    later = draft.one_of((0, 0, 0, 0, 0, 1, 2, 61))
    if later == 0 and person.limit_jpy < amount_jpy < 2_000_000:
        person.limit_jpy, person.raised = amount_jpy, True
    return {"amount": yen(amount_jpy), "on": draft.date(later)} | _with_code(draft)


def _cancel_raise(draft: Draft, person: Sketch) -> World:
    return {"on": draft.date(draft.one_of((0, 0, 1)))} | _with_code(draft)


def _transfer(draft: Draft, person: Sketch) -> World:
    payee = draft.one_of([each for each in draft.people if each is not person])
    amount_jpy = draft.one_of(
        (person.balance_jpy, person.balance_jpy + 1, 10_000, 1, draft.aimed_jpy(person))
    )
    amount_jpy = max(1, amount_jpy)
    step: World = {"to": payee.alias, "amount": yen(amount_jpy)} | _with_code(draft)
    if draft.happens(0.2):
        step["repeat_request"] = "true"
    elif draft.happens(0.1):
        step["ends"] = draft.one_of(("correct", "cancel", "welcome_page", "logout"))
    if "ends" not in step and amount_jpy <= person.balance_jpy:
        person.balance_jpy -= amount_jpy
        payee.balance_jpy += amount_jpy
    return step


def _set_transfer_limit(draft: Draft, person: Sketch) -> World:
    return {"amount": yen(draft.one_of((0, 100_000, 1_000_000)))} | _with_code(draft)


def _report_card(draft: Draft, person: Sketch) -> World:
    return {"as": draft.one_of(("lost", "stolen"))}


def _nothing_more(draft: Draft, person: Sketch) -> World:
    return {}


def _login(draft: Draft, person: Sketch) -> World:
    step = _via(draft)
    if draft.happens(0.5):
        step[draft.one_of(("password", "pin"))] = "wrong"
    return step


def _change_pin_online(draft: Draft, person: Sketch) -> World:
    return {"new_pin": quoted(draft.one_of(NEW_PINS))} | _with_code(draft)


def _unlock_token(draft: Draft, person: Sketch) -> World:
    return _with_code(draft) | ({"pin": "wrong"} if draft.happens(0.2) else {})


def _receive_transfer(draft: Draft, person: Sketch) -> World:
    senders = [each.alias for each in draft.people if each.bank != person.bank]
    amount_jpy = draft.one_of((1, 10_000, 300_000))
    person.balance_jpy += amount_jpy
    return {"from": draft.one_of(senders), "amount": yen(amount_jpy)}


def _count_cash(draft: Draft, person: Sketch) -> World:
    return {"atm": draft.one_of(draft.sites).alias}


def _send(draft: Draft, person: Sketch) -> World:
    """A repeat, an advice or an answer that no node would send now; at times with another amount in it, or a reversal
    that says what part stands."""
    settled = _settled(draft)
    about = draft.one_of(settled + [each for each in settled if each.mishap] * 3)
    ends = draft.one_of(((about.atm, about.operator), (about.operator, "switch"), ("switch", about.bank)))
    # A request that its bank has never seen would be approved, and nobody would be there to pay or to reverse it.
    mti = draft.one_of(OUT_OF_TURN + REPEATS * 2 if draft.mood.calm else OUT_OF_TURN)
    sender, receiver = reversed(ends) if mti[2] in "13" else ends
    step: World = {"from": sender, "to": receiver, "mti": quoted(mti), "about": str(about.step)}
    if draft.happens(0.2):
        step["elements"] = {"4": quoted("000000003000")}
    elif mti in REVERSALS and draft.happens(0.5):
        stands_jpy = draft.one_of((0, about.amount_jpy, about.amount_jpy + NOTE_JPY, NOTE_JPY, 500))
        step["elements"] = {"95": quoted(replacement_text(stands_jpy))}
    return step


STEP_KINDS: tuple[StepKind, ...] = (
    StepKind("withdraw", 30, _withdraw, at_atm=True, then=("withdraw", "set_limit", "send")),
    StepKind("deposit", 7, _deposit, at_atm=True),
    StepKind("balance", 4, _balance, at_atm=True),
    StepKind("change_pin", 2, _change_pin, at_atm=True),
    StepKind("set_limit", 12, _set_limit, then=("withdraw",)),
    StepKind("raise_limit", 8, _raise_limit, then=("withdraw", "set_limit", "set_limit")),
    StepKind("cancel_raise", 2, _cancel_raise),
    StepKind("lock_card", 4, _via_channel, then=("withdraw", "unlock_card")),
    StepKind("unlock_card", 4, _with_code_alone, then=("withdraw",)),
    StepKind("transfer", 6, _transfer, possible=_not_alone),
    StepKind("set_transfer_limit", 2, _set_transfer_limit),
    StepKind("report_card", 1, _report_card),
    StepKind("release_pin", 3, _nothing_more),
    StepKind("release_otp", 2, _nothing_more),
    StepKind("close_account", 1, _nothing_more),
    StepKind("login", 2, _login),
    StepKind("change_pin_online", 1, _change_pin_online),
    StepKind("lock_token", 1, _via_channel),
    StepKind("unlock_token", 1, _unlock_token),
    StepKind("count_cash", 2, _count_cash, nobody=True),
    StepKind("send", 7, _send, possible=_something_settled, nobody=True),
    StepKind("receive_transfer", 3, _receive_transfer, possible=_neighbours),
)


_BY_NAME = {kind.do: kind for kind in STEP_KINDS}

ALWAYS = "withdraw"
"""What every world is about."""


def mood(random: Random) -> Mood:
    """Which kinds of step a world has, and how often something goes wrong in it."""
    others = [kind.do for kind in STEP_KINDS if kind.do != ALWAYS]
    kinds = random.sample(others, random.randrange(1, len(others)))
    return Mood(
        frozenset((ALWAYS, *kinds)),
        random.choice((0.0, 0.0, 0.0, 0.15, 0.5)),
        random.choice((0.0, 0.2, 0.2, 0.6)),
        random.choice((0.0, 0.0, 0.2, 0.5)),
        random.random() < 0.25,
    )


def _possible(draft: Draft, person: Sketch) -> list[StepKind]:
    return [kind for kind in STEP_KINDS if kind.do in draft.mood.kinds and kind.possible(draft, person)]


def _next(draft: Draft) -> tuple[Sketch, StepKind]:
    """Who does what now: often what follows from the last step, otherwise anybody anything."""
    if draft.last is not None and draft.happens(0.4):
        person, done = draft.last
        following = [kind for kind in _possible(draft, person) if kind.do in _BY_NAME[done].then]
        if following:
            return person, draft.one_of(following)
    person = draft.person()
    kinds = _possible(draft, person)
    return person, draft.random.choices(kinds, [kind.weight for kind in kinds])[0]


def draw_step(draft: Draft) -> World:
    """One step at the draft's time."""
    for each in draft.people:
        each.begin_day(draft.at_s // DAY_S)
    person, kind = _next(draft)
    draft.last = person, kind.do
    more = kind.draw(draft, person)
    draft.acts_s.append(draft.at_s)
    if kind.at_atm:
        _remember_visit(draft, person, more)
    who: World = {} if kind.nobody else {"who": person.alias}
    return {"at": draft.moment(draft.at_s)} | who | {"do": kind.do} | more


def _remember_visit(draft: Draft, person: Sketch, step: World) -> None:
    atm = str(step["atm"])
    site = next(site for site in draft.sites if site.alias == atm.partition("/")[0])
    asked_jpy = read_jpy(str(step.get("amount", yen(0))))
    about = Request(
        len(draft.acts_s), atm, site.operator, person.bank, draft.at_s, asked_jpy, "device" in step
    )
    draft.visits_s.append((draft.at_s, atm))
    draft.requests.append(about)
