"""Requests and their answers compared: message type, echoed elements, response code, TPDU (ISO 8583:1987).

Elements are compared as they lie on the wire, so a dialect's own codes make no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from atm_sim.doctor.capture import Way
from atm_sim.doctor.finding import Finding
from atm_sim.doctor.framings import swapped
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.dialect import Dialect
from bank_host.iso8583.fields import BY_DE
from bank_host.iso8583.mti import is_network, is_response, request_mti, response_mti


class Read(NamedTuple):
    """A message that could be read. Of one that was read in part, what is absent says nothing."""

    number: int
    way: Way
    mti: str
    values: dict[int, str]
    tpdu: bytes = b""
    whole: bool = True


class Pair(NamedTuple):
    """A request and its answer."""

    request: Read
    answer: Read


_MATCHED: Final = (11, 41, 7, 32)
_ALWAYS: Final = (37, 3, 4)  # business: the reference that links a chain, and what was asked
_IF_THERE: Final = (12, 13, 42, 49, 70)
"""Echoed where the answer has them; in this order they are looked at, after what answers are matched by."""

_WHY: Final = {
    11: "by which answers are matched",
    41: "by which answers are matched",
    7: "by which answers are matched",
    32: "by which answers are matched",
    37: "which links a withdrawal and its reversal",
}
_TELLING: Final = (11, 37, 7, 41, 4)


def pairs(messages: Sequence[Read]) -> tuple[list[Pair], list[Read]]:
    """Each answer with the request it fits best, and the answers that fit none."""
    open_requests = [message for message in messages if not is_response(message.mti)]
    found: list[Pair] = []
    alone: list[Read] = []
    for answer in (message for message in messages if is_response(message.mti)):
        candidates = [request for request in open_requests if _may_answer(answer, request)]
        best = max(candidates, key=lambda request: _alike(answer, request), default=None)
        if best is None or (not _alike(answer, best) and len(candidates) > 1):
            alone.append(answer)
            continue
        open_requests.remove(best)
        found.append(Pair(best, answer))
    return found, alone


def _may_answer(answer: Read, request: Read) -> bool:
    opposite = not answer.way or answer.way != request.way
    return opposite and request_mti(answer.mti)[:3] == request_mti(request.mti)[:3]


def _alike(answer: Read, request: Read) -> int:
    return sum(de in answer.values and answer.values[de] == request.values.get(de) for de in _TELLING)


def findings(messages: Sequence[Read], dialect: Dialect) -> Iterator[Finding]:
    """What is wrong with the answers, gravest first: what keeps an answer from being matched stands before the rest."""
    matched, alone = pairs(messages)
    yield from _reflected(messages)
    yield from _types(matched, alone)
    for pair in matched:
        yield from _tpdu(pair)
    for de in _MATCHED + _ALWAYS + _IF_THERE:
        for pair in matched:
            yield from _echo(de, pair, dialect)
    for pair in matched:
        yield from _code(pair)


def _reflected(messages: Sequence[Read]) -> Iterator[Finding]:
    sent = [(message.mti, message.values) for message in messages if message.way == "sent"]
    for message in messages:
        if (
            message.way == "received"
            and not is_response(message.mti)
            and (message.mti, message.values) in sent
        ):
            yield Finding(
                "answer.reflected",
                f"the peer sends our {message.mti} back as it was: it repeats bytes and is no ISO 8583 host",
                "look at the port number, and at loops and echo servers on the way",
                message.number,
            )


def _types(matched: Iterable[Pair], alone: Iterable[Read]) -> Iterator[Finding]:
    for request, answer in matched:
        wanted = response_mti(request.mti)
        if answer.mti != wanted:
            yield _wrong_type(answer, f"{request.mti} is answered {answer.mti}; {wanted} answers it", wanted)
    for answer in alone:
        if answer.mti[3] != "0":
            wanted = answer.mti[:3] + "0"
            yield _wrong_type(answer, f"an answer has the type {answer.mti}; it has to be {wanted}", wanted)


def _wrong_type(answer: Read, what: str, wanted: str) -> Finding:
    return Finding(
        f"answer.mti.{answer.mti}",
        f"{what}: the repeat digit of a request is not part of its answer",
        f"have the peer answer {wanted}: third digit plus one, last digit 0",
        answer.number,
        offset=0,
    )


def _tpdu(pair: Pair) -> Iterator[Finding]:
    request, answer = pair.request.tpdu, pair.answer.tpdu
    wanted = swapped(request)
    if not request or not answer or answer == wanted:
        return
    if answer == request:
        what = f"the TPDU of the answer is the request's, {answer.hex(' ')}: its addresses are not exchanged"
    else:
        what = f"the TPDU of the answer is {answer.hex(' ')}; with exchanged addresses it would be {wanted.hex(' ')}"
    yield Finding(
        "answer.tpdu",
        what,
        "have the peer exchange destination (bytes 1-2) and source (bytes 3-4) in its answers",
        pair.answer.number,
    )


def _echo(de: int, pair: Pair, dialect: Dialect) -> Iterator[Finding]:
    request, answer = pair
    asked, given = request.values.get(de), answer.values.get(de)
    needed = _needed(de, request.mti, dialect)
    if asked is None or not needed or (given is not None and given.rstrip() == asked.rstrip()):
        return
    name = BY_DE[de].name_en
    why = f", {_WHY[de]}," if de in _WHY else ""
    if given is None:
        if answer.whole and needed == "always":
            yield Finding(
                f"echo.absent.{de}",
                f"DE{de} {name}{why} is absent in {answer.mti}; the {request.mti} has {asked.rstrip()!r}",
                f"have the peer copy DE{de} of the request into its answer{_or_match(de)}",
                answer.number,
                de,
            )
        return
    yield Finding(
        f"echo.altered.{de}",
        f"DE{de} {name}{why} is {given.rstrip()!r} in {answer.mti}; the {request.mti} has {asked.rstrip()!r}",
        f"have the peer copy DE{de} of the request into its answer unchanged{_or_match(de)}",
        answer.number,
        de,
    )


def _or_match(de: int) -> str:
    return f", or leave {de} out of match under [link] of the dialect file" if de in _MATCHED else ""


def _needed(de: int, mti: str, dialect: Dialect) -> str:
    """How much an answer needs the element of its request: always, if it has it, or not at all."""
    if de in _MATCHED:
        by = dialect.settings.link.match.get(request_mti(mti), _MATCHED)
        return "always" if de in by else ""
    if de in _ALWAYS:
        return "" if is_network(mti) and de != 37 else "if there" if is_network(mti) else "always"
    return "if there"


def _code(pair: Pair) -> Iterator[Finding]:
    code = pair.answer.values.get(39, "")
    if is_network(pair.request.mti) and code not in ("", "00"):
        asked = pair.request.values.get(70, "")
        yield Finding(
            "answer.code",
            f"the peer answers the {pair.request.mti} with code {asked} by {code}, {response_code(code).name_en}",
            "look up the peer's DE70 codes and whether it wants a sign-on before (--sign-on)",
            pair.answer.number,
            39,
        )
