"""From a seed to a world: people, places and banks, steps aimed at the edges, faults aimed at the steps.

The same seed gives the same world, whatever else is drawn beside it. What a world can hold stands in two tables,
`step_kinds` and `fault_kinds`.
"""

from __future__ import annotations

from datetime import date
from random import Random

from atm_sim.fuzz.draft import Draft, Site, Sketch
from atm_sim.fuzz.fault_kinds import LINES, draw_faults
from atm_sim.fuzz.step_kinds import draw_step, mood
from atm_sim.fuzz.written import DAY_S, World, Written, quoted, yen
from atm_sim.scenario.vocabulary import DEFAULT_BANK, DEFAULT_BIN

DAYS = (date(2014, 1, 15), date(2014, 1, 15), date(2014, 1, 31), date(2014, 3, 31), date(2016, 2, 29))
NAMES = (("hanako", "山田 花子"), ("taro", "鈴木 太郎"), ("yuki", "佐藤 由紀"), ("sakura", "さくら商事"))
OPERATORS = ("seven_bank", "seven_bank", "lawson", "japan_post", "smbc", "e_net", "aeon")
PLACES = ("shibuya", "ebisu", "ueno")
BALANCES_JPY = (1_000, 30_000, 60_000, 100_157, 300_000, 600_000, 2_000_000, 2_000_000)
STANDING_JPY = (10_000, 50_000, 50_000, 100_000, 100_000, 500_000)
CASSETTES = ("{10000: 2, 1000: 5}", "{10000: 6, 1000: 3}", "{1000: 30}", "{10000: 40, 1000: 40}")
OTHER_BANK = "sakura"
CARDS: tuple[World, ...] = (
    {"medium": "stripe"},
    {"medium": "stripe"},
    {"expires": "2013-12"},
    {"hot": "lost"},
)

MOST_STEPS = 16
HABITS: World = {
    "insert": "3 s",
    "pin": "8 s",
    "choose": "10 s",
    "dispense": "12 s",
    "take_card": "4 s",
    "take_cash": "6 s",
}
"""Everybody equally fast, so that faults can be aimed at the seconds of a visit."""

PACES: tuple[World, ...] = (
    {"most_tries": "1"},
    {"most_tries": "2", "answer_wait": "20 s", "first_delay": "5 s"},
    {"most_tries": "4"},
    {"longest_age": "3 min"},
    {"longest_age": "1 h", "first_delay": "10 s", "longest_delay": "10 s"},
    {"capacity": "1"},
    {"gap": "1 min"},
)
LATER_DAYS = (1, 1, 1, 3, 9, 101)
"""The last is longer than the bank goes back for a reversal; once is enough."""

GAPS_S = (0, 0, 1, 5, 20, 40, 60, 60, 180, 600, 3600)


def world(seed: int) -> World:
    """The world of a seed."""
    random = Random(f"fuzz/{seed}")
    draft = Draft(random, random.choice(DAYS), random.choice((3, 10, 10, 22)) * 3600, mood(random))
    made: World = {
        "scenario": f"fuzz seed {seed}",
        "version": "1",
        "day": str(draft.day),
        "seed": str(seed),
        "rest": "required",
    }
    if draft.happens(0.1):
        made["policy"] = {"pin.pin_block_code": {"value": quoted("38"), "because": "cards are kept then"}}
    made |= _banks(draft)
    made["cast"] = _cast(draft)
    made["places"] = _places(draft)
    if draft.happens(0.8):
        made["habits"] = dict(HABITS)
    if draft.happens(0.35):
        made["links"] = {draft.one_of(LINES): draft.one_of(("1 s", "2 s", "4 s", "9 s"))}
    steps = _steps(draft)
    made |= _network(draft)
    if not draft.mood.calm and (faults := draw_faults(draft)):
        made["faults"] = faults
    made["steps"] = steps
    return made


def _network(draft: Draft) -> World:
    """Links that echo, change keys, are signed off or cut over in the midst of things; queues that give up soon."""
    starts_s = [at_s for at_s, _ in draft.visits_s] or draft.acts_s
    network: World = {}
    if draft.happens(0.3) and not draft.mood.calm:
        begins_s = draft.one_of(starts_s) + draft.one_of((-60, 0, 20, 21))
        window: World = {
            "from": draft.moment(begins_s),
            "to": draft.moment(begins_s + draft.one_of((30, 600))),
        }
        network["sign_off"] = [{"bank": draft.one_of(draft.banks)} | window]
    for key in ("cut_over", "key_exchange"):
        if draft.happens(0.2):
            network[key] = [draft.moment(draft.one_of(starts_s) + draft.one_of((-5, 20, 21, 30)))]
    if draft.happens(0.15) and draft.at_s < DAY_S:  # not for days: an echo costs as much as a request
        network["echo_every"] = draft.one_of(("20 min", "1 h", "3 h"))
    if draft.happens(0.5):
        network["saf"] = dict(draft.one_of(PACES))
    return {"network": network} if network else {}


def _banks(draft: Draft) -> World:
    draft.banks = [DEFAULT_BANK]
    banks: World = {}
    if draft.happens(0.25):
        draft.banks.append(OTHER_BANK)
        banks[OTHER_BANK] = {"bin": quoted("499911")}
        if draft.happens(0.1) and not draft.mood.calm:
            banks[OTHER_BANK] = {"bin": quoted("499911"), "reachable": "false"}
    ours: World = {"bin": quoted(DEFAULT_BIN)}
    if draft.happens(0.15):  # its cards go straight to it from its own ATMs, not over the switch
        ours["atms"] = [draft.one_of(OPERATORS)]
    if draft.happens(0.3):
        ours["stand_in"] = _stand_in(draft)
    if len(ours) > 1:
        banks[DEFAULT_BANK] = ours
    return {"banks": banks} if banks else {}


def _stand_in(draft: Draft) -> World:
    """What the switch approves in our bank's place: in planned hours, or whenever the bank does not answer."""
    stand_in: World = {
        "amount_cap": draft.one_of(("¥10_000", "¥50_000", "¥500_000")),
        "count_cap": draft.one_of(("1", "3", "10")),
        "negative_file_every": draft.one_of(("15 min", "12 h")),
    }
    if draft.happens(0.4):
        hour = draft.at_s // 3600
        stand_in["windows"] = [
            {"from": f"{hour:02d}:00", "to": draft.one_of((f"{hour:02d}:01", f"{hour + 1:02d}:00"))}
        ]
    if draft.happens(0.2):
        stand_in[draft.one_of(("on_timeout", "on_sign_off"))] = "false"
    return stand_in


def _cast(draft: Draft) -> World:
    cast: World = {}
    for number in range(draft.one_of((1, 1, 2, 2, 3, 4))):
        alias, name = NAMES[number]
        kind = "corporate" if alias == "sakura" else draft.one_of(("individual", "sole_proprietor"))
        bank = draft.banks[-1] if number == 1 else DEFAULT_BANK
        balance_jpy, limit_jpy = draft.one_of(BALANCES_JPY), draft.one_of(STANDING_JPY)
        person: World = {"name": name, "balance": yen(balance_jpy), "atm_limit": yen(limit_jpy)}
        if kind != "individual":
            person["kind"] = kind
        if bank != DEFAULT_BANK:
            person["bank"] = bank
        if id_card := draft.happens(0.1):
            person["authenticator"] = "id_card"
        if draft.happens(0.15):
            person["card"] = draft.one_of(CARDS)
        cast[alias] = person
        draft.people.append(Sketch(alias, bank, kind, balance_jpy, limit_jpy, id_card))
    return cast


def _places(draft: Draft) -> World:
    places: World = {}
    for alias in PLACES[: draft.one_of((1, 1, 2, 3))]:
        site = Site(alias, draft.one_of(OPERATORS), draft.one_of((1, 1, 1, 2)))
        place: World = {"operator": site.operator}
        if site.machines > 1:
            place["machines"] = str(site.machines)
        if draft.happens(0.15):
            place["cassettes"] = draft.one_of(CASSETTES)
        if draft.happens(0.1):
            place["amount_step"] = "¥100"  # finer than the bank's own, so that the bank has to refuse
        if draft.happens(0.1):
            place["retains_card_on_break"] = "true"
        places[alias] = place
        draft.sites.append(site)
    return places


def _steps(draft: Draft) -> list[Written]:
    """In the order of their times: close together, hours apart, or just before midnight and over it. In the end staff
    mostly count the cash."""
    steps: list[Written] = []
    for _ in range(draft.random.randrange(3, MOST_STEPS)):
        steps.append(draw_step(draft))
        if draft.happens(0.08):
            draft.at_s = max(draft.at_s, (draft.at_s // DAY_S + 1) * DAY_S - draft.one_of((60, 30, 20, 5)))
        elif draft.happens(0.04):
            draft.at_s += draft.one_of(LATER_DAYS if draft.at_s < DAY_S else LATER_DAYS[:-1]) * DAY_S
        else:
            draft.at_s += draft.one_of(GAPS_S)
    if draft.happens(0.8):
        at = draft.moment(draft.at_s + 3600)
        steps += [{"at": at, "do": "count_cash", "atm": site.alias} for site in draft.sites]
    return steps
