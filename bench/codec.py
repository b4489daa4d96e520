"""What a message costs on the wire side: `python -m bench.codec` (goal: at least 8 times as fast as pyiso8583).

One withdrawal as the bank host meets it: read the 0200, build the 0210, write it. Ours does it with every strictness
check (one encoding, the form of each element, the elements of the type); the baseline is pyiso8583 with the same
element table and none of them. Both give the same bytes.
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable

import iso8583

from bank_host.iso8583 import build, codec
from bank_host.iso8583.fields import FIELDS
from bench.command import quick, tell_result

ROUNDS, CALLS = 101, 100
NOW_US = 1_760_000_000_000_000
PAN = "9990010000000017"
REQUEST = build.financial_request(
    "withdraw",
    pan=PAN,
    amount_jpy=30_000,
    stan=7,
    now_us=NOW_US,
    acceptor=build.Acceptor("ATM1", "OPERATOR1", "9001", name="Shibuya", city="Tokyo"),
    track2=PAN + "=30122010000000000000",
    pin_block="0123456789ABCDEF",
)
BALANCE = "1002392C000000123456"


def _ascii(prefix: int, length: int) -> dict[str, object]:
    return {"data_enc": "ascii", "len_enc": "ascii", "len_type": prefix, "max_len": length, "desc": ""}


SPEC = {
    **{name: _ascii(0, length) for name, length in (("h", 0), ("t", 4), ("p", 16), ("1", 16))},
    **{str(field.de): _ascii(field.prefix, field.length) for field in FIELDS},
}
ECHOED = [str(de) for de in build.ECHOED]


def with_pyiso8583(data: bytes) -> bytes:
    request, _ = iso8583.decode(data, SPEC)
    answer = {de: request[de] for de in ECHOED if de in request}
    answer |= {"t": "0210", "38": "A00001", "39": "00", "54": BALANCE}
    return bytes(iso8583.encode(answer, SPEC)[0])


def with_ours(data: bytes) -> bytes:
    request = codec.decode(data)
    return codec.encode(build.answer(request, "00", {38: "A00001", 54: BALANCE}))


def microseconds(call: Callable[[bytes], bytes], data: bytes, calls: int) -> float:
    return timeit.timeit(lambda: call(data), number=calls) / calls * 1e6


def main(rounds: int = ROUNDS, calls: int = CALLS) -> None:
    data = codec.encode(REQUEST)
    if with_ours(data) != with_pyiso8583(data):
        raise SystemExit("bench.codec: the two answers differ")
    times: dict[str, list[float]] = {"ours": [], "pyiso8583": []}
    for _ in range(rounds):  # interleaved, so that a busy moment touches both alike
        times["ours"].append(microseconds(with_ours, data, calls))
        times["pyiso8583"].append(microseconds(with_pyiso8583, data, calls))
    print(
        f"{rounds} interleaved rounds of {calls} calls each: 0200 of {len(REQUEST.fields)} elements, {len(data)} bytes,"
    )
    print("decoded; 0210 built and encoded. Ours with all strictness checks, pyiso8583 without.")
    print(f"{'':<12}{'median us':>10}{'best us':>10}")
    for name, figures in times.items():
        print(f"{name:<12}{statistics.median(figures):>10.2f}{min(figures):>10.2f}")
    value, baseline = statistics.median(times["ours"]), statistics.median(times["pyiso8583"])
    tell_result(
        "codec", value, "us per 0200 decoded and 0210 built and encoded", baseline, less_is_better=True
    )


if __name__ == "__main__":
    if quick():
        main(rounds=1, calls=2)
    else:
        main()
