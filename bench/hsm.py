"""What the key module's calls cost: `python -m bench.hsm` (a MAC over 320 bytes has to stay far below 59 microseconds).

The baseline is the retail MAC as the standard tells it: a cipher context for the chain, one for each of its last two
steps, all made for this message. Every call is checked once before the clock starts.
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from bank_host.hsm import CVK, IMK_AC, PVK, TPK, ZAK, ZMK, Hsm, Key
from bank_host.hsm.keys import SIMULATION_KEYS
from bank_host.secrets import Secret
from bench.command import quick, tell_result
from cardreader.emv.cryptogram import METHODS, cryptogram, transaction_key
from cardreader.emv.des import Des3

ROUNDS, CALLS = 9, 2_000
PAN, EXPIRY, SERVICE_CODE = "4999001234567894", "3012", "201"
MESSAGE = bytes(range(64)) * 5
ATC, CHIP_DATA = b"\0\x1c", bytes(range(40))


def plain_retail_mac(key: bytes, data: bytes) -> bytes:
    """ISO 9797-1 algorithm 3, padding 1, without any of the product's short cuts."""
    left, right = (TripleDES(half * 3) for half in (key[:8], key[8:]))
    chain = Cipher(left, modes.CBC(bytes(8))).encryptor()
    last = chain.update(data + bytes(-len(data) % 8))[-8:]
    last = Cipher(right, modes.ECB()).decryptor().update(last)
    return Cipher(left, modes.ECB()).encryptor().update(last)


def cases() -> dict[str, Callable[[], object]]:
    """Each call with its outcome checked; the two baselines are among them."""
    hsm = Hsm({**SIMULATION_KEYS, "zak-aes": Key("zone_mac", Secret("2B7E151628AED2A6" * 2), "AES")})
    zak, imk = (bytes.fromhex(SIMULATION_KEYS[handle].value.reveal()) for handle in (ZAK, IMK_AC))
    block = hsm.encrypt_pin_block(TPK, "4071", PAN)
    pvv = hsm.new_pvv(TPK, block, PAN, PVK).pvv
    cvv = hsm.cvv(CVK, PAN, EXPIRY, SERVICE_CODE)
    mac, aes_mac = hsm.mac(ZAK, MESSAGE), hsm.mac("zak-aes", MESSAGE)
    arqc = {
        cvn: cryptogram(transaction_key(Des3(imk), PAN, "00", ATC, cvn), CHIP_DATA, method.padding)
        for cvn, method in METHODS.items()
    }
    truths = {
        "PIN block, made": lambda: hsm.encrypt_pin_block(TPK, "4071", PAN) == block,
        "PIN verification (PVV)": lambda: hsm.verify_pin(TPK, block, PAN, PVK, pvv),
        "CVV verification": lambda: hsm.verify_cvv(CVK, cvv, PAN, EXPIRY, SERVICE_CODE),
        "retail MAC, made": lambda: hsm.mac(ZAK, MESSAGE) == mac,
        "retail MAC, verified": lambda: hsm.verify_mac(ZAK, MESSAGE, mac),
        "AES-CMAC, verified": lambda: hsm.verify_mac("zak-aes", MESSAGE, aes_mac),
        "ARQC, CVN 10": lambda: hsm.verify_arqc(IMK_AC, PAN, "00", ATC, CHIP_DATA, arqc[10], 10),
        "ARQC, CVN 18": lambda: hsm.verify_arqc(IMK_AC, PAN, "00", ATC, CHIP_DATA, arqc[18], 18),
        "card id": lambda: len(hsm.card_id(PAN)) == 32,
        "key exchange": lambda: len(hsm.make_key(ZMK, "link/mac", "zone_mac")) == 38,
        "baseline": lambda: plain_retail_mac(zak, MESSAGE).hex().upper() == mac,
    }
    wrong = [name for name, holds in truths.items() if not holds()]
    if wrong:
        raise SystemExit(f"bench.hsm: {', '.join(wrong)}: not what it has to be")
    return dict(truths)


def main(rounds: int = ROUNDS, calls: int = CALLS) -> None:
    timed = cases()
    times: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):  # interleaved, so that a busy moment touches every case alike
        for name, call in timed.items():
            times[name].append(timeit.timeit(call, number=calls) / calls * 1e6)

    print(
        f"{rounds} interleaved rounds of {calls:,} calls each; keys loaded, {len(MESSAGE)} bytes a message."
    )
    print(f"{'call':<24}{'median us':>10}{'best us':>10}")
    for name, figures in times.items():
        print(f"{name:<24}{statistics.median(figures):>10.1f}{min(figures):>10.1f}")
    value, baseline = (statistics.median(times[name]) for name in ("retail MAC, verified", "baseline"))
    tell_result("hsm", value, "us per retail MAC over 320 bytes", baseline, less_is_better=True)


if __name__ == "__main__":
    if quick():
        main(rounds=1, calls=2)
    else:
        main()
