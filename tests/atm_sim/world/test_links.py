"""Lines between the machines: travel times, and what a faulty line does to a message on its way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.world.chance import Chance
from atm_sim.world.links import LATENCIES, REPEATED, LinkFault, Links, Passage, line_between
from bank_host.iso8583.fields import MATCHERS
from bank_host.iso8583.message import Message
from bank_host.written.values import Distribution

LINK = "switch-issuer"
ALWAYS_15_US = Distribution("fixed", 15.0)
REQUEST = Message(
    "0200",
    {
        3: "010000",
        4: "000000030000",
        7: "0115030021",
        11: "000123",
        37: "401512000123",
        41: "T0000001",
        49: "392",
    },
)
ANSWER = REQUEST.but({39: "00"}, mti="0210")


def fault(kind: str, **more: object) -> LinkFault:
    return LinkFault(LINK, kind, from_us=100, to_us=200, stream=f"fault/1/{kind}")._replace(**more)


DOWN = fault("down")


def links(*faults: LinkFault, latency: Distribution = ALWAYS_15_US, seed: int = 1) -> Links:
    return Links({**LATENCIES, LINK: latency}, faults, Chance(seed, 1))


def carried(line: Links, message: Message = REQUEST, now_us: int = 150, bank: str = "jnb") -> Passage:
    return line.carry(LINK, bank, message, now_us)


def times_us(passage: Passage) -> list[int]:
    return [arrival.after_us for arrival in passage.arrivals]


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("atm-acquirer", ("shop/1", "acquirer:seven_bank")),
        ("acquirer-switch", ("acquirer:seven_bank", "switch")),
        ("switch-issuer", ("switch", "issuer:jnb")),
    ],
)
def test_a_line_has_one_name_in_both_directions(line: str, ends: tuple[str, str]):
    assert line == line_between(*ends) == line_between(*reversed(ends))


@pytest.mark.parametrize(("now_us", "expected"), [(99, [15]), (100, []), (199, []), (200, [15])])
def test_a_line_is_down_from_the_start_of_its_window_until_just_before_the_end(
    now_us: int, expected: list[int]
):
    assert expected == times_us(carried(links(DOWN), now_us=now_us))


def test_a_slow_line_adds_its_delay_and_two_slow_windows_add_up():
    slow = fault("slow", delay_us=1_000)
    assert [1_015] == times_us(carried(links(slow)))
    assert [2_015] == times_us(carried(links(slow, slow)))


def test_a_fault_of_one_bank_leaves_the_others_alone():
    only = links(DOWN._replace(bank="foreign"))
    assert [] == times_us(carried(only, bank="foreign"))
    assert [15] == times_us(carried(only, bank="jnb"))


def test_a_fault_of_one_message_type_leaves_the_others_alone():
    only = links(DOWN._replace(mti="0210"))
    assert [15] == times_us(carried(only, REQUEST))
    assert [] == times_us(carried(only, ANSWER))


def test_a_fault_of_one_line_leaves_the_others_alone():
    passage = links(DOWN).carry("atm-acquirer", "", REQUEST, 150)
    assert [30_000] == times_us(passage)
    assert () == passage.struck


def test_a_fault_does_not_shift_the_travel_times_of_later_messages():
    """A lost message draws its travel time too: what comes later is the same with and without the fault."""
    uniform = Distribution("uniform", 0.0, 1_000_000.0)
    with_fault, without = links(DOWN, latency=uniform), links(latency=uniform)
    assert [] == times_us(carried(with_fault))
    carried(without)
    assert times_us(carried(without, now_us=300)) == times_us(carried(with_fault, now_us=300))


def test_a_message_on_a_duplicating_line_arrives_twice_the_second_time_later():
    passage = carried(links(fault("duplicating", delay_us=40)))
    assert [(15, REQUEST), (55, REQUEST)] == list(passage.arrivals)
    assert ("duplicating",) == passage.struck


def test_a_late_message_arrives_after_its_delay():
    assert [50_000_015] == times_us(carried(links(fault("late", delay_us=50_000_000))))


def test_messages_held_back_at_random_change_their_order():
    line = links(fault("reordering", delay_us=1_000))
    arrived = [now_us + times_us(carried(line, now_us=now_us))[0] for now_us in range(100, 200)]
    assert arrived != sorted(arrived)
    assert all(
        0 < at_us - now_us - 15 <= 1_000 for at_us, now_us in zip(arrived, range(100, 200), strict=True)
    )


def test_a_lossy_line_loses_about_its_share():
    line = links(fault("lossy", chance=0.3))
    lost = sum(not carried(line).arrivals for _ in range(2_000))
    assert 0.25 < lost / 2_000 < 0.35


def test_faults_of_one_line_add_up_in_the_order_of_the_file():
    passage = carried(links(fault("duplicating"), fault("late", delay_us=100)))
    assert ([115, 115], ("duplicating", "late")) == (times_us(passage), passage.struck)


def test_a_garbled_response_code_is_never_read_as_another():
    """A wrong code would turn a refusal into cash: only a message's authentication can tell, so it is refused."""
    for seed in range(50):
        (arrival,) = carried(links(fault("garbling", element=39), seed=seed), ANSWER).arrivals
        assert arrival.message is None


def test_a_garbled_request_is_unreadable():
    for seed in range(50):
        (arrival,) = carried(links(fault("garbling", element=4), seed=seed), REQUEST).arrivals
        assert arrival.message is None


def test_garbling_leaves_a_message_without_the_element_alone():
    passage = carried(links(fault("garbling", element=39)), REQUEST)
    assert ((REQUEST,), ()) == (tuple(a.message for a in passage.arrivals), passage.struck)


@given(element=st.sampled_from(REPEATED), seed=st.integers(0, 10_000))
def test_a_wrong_element_of_an_answer_is_well_formed_differs_and_is_the_only_one(element: int, seed: int):
    passage = carried(links(fault("garbling", element=element), seed=seed), ANSWER)
    ((_, message),) = passage.arrivals
    assert ("garbling",) == passage.struck
    if message is not None:
        assert MATCHERS[element].fullmatch(message[element])
        assert [element] == [de for de in ANSWER.fields if message[de] != ANSWER[de]]


@pytest.mark.parametrize("element", REPEATED)
def test_what_an_answer_repeats_can_arrive_wrong_and_can_arrive_unreadable(element: int):
    made = {
        arrival.message is None
        for seed in range(60)
        for arrival in carried(links(fault("garbling", element=element), seed=seed), ANSWER).arrivals
    }
    assert {True, False} == made


@given(
    kind=st.sampled_from(["lossy", "duplicating", "reordering", "late", "garbling"]),
    seed=st.integers(0, 2**53),
)
def test_the_same_seed_strikes_the_same_messages_in_the_same_way(kind: str, seed: int):
    struck = fault(kind, chance=0.5, delay_us=1_000, element=4)
    one, other = (links(struck, seed=seed) for _ in range(2))
    assert [carried(one, ANSWER) for _ in range(20)] == [carried(other, ANSWER) for _ in range(20)]


def test_one_fault_does_not_shift_what_another_strikes():
    lossy, late = fault("lossy", chance=0.5), fault("late", chance=0.5, delay_us=1_000, mti="0210")
    alone, both = links(lossy), links(late, lossy)
    for _ in range(100):
        carried(both, ANSWER), carried(alone, ANSWER)
        assert bool(carried(alone).arrivals) == bool(carried(both).arrivals)
