"""What a switch needs to stand in for a bank: what it may do, its key module, the bank's lists (X8)."""

from __future__ import annotations

from atm_sim.network.stand_in import StandInSettings
from atm_sim.scenario.participants import StandIn
from bank_host.host import Bank
from bank_host.hsm import PVK, TPK, Hsm
from bank_host.jst import jst_date
from bank_host.policy import Figures
from bank_host.rules.card_file import CardFile, card_file


class SwitchCrypto:
    """The switch's key module: compares a PIN with the value on the card file, and that is all it says."""

    def __init__(self, hsm: Hsm) -> None:
        self._hsm = hsm

    def card_id(self, pan: str) -> str:
        return self._hsm.card_id(pan)

    def pin_fits(self, pin_block: str, pan: str, pvv: str) -> bool:
        return self._hsm.verify_pin(TPK, pin_block, pan, PVK, pvv)


def settings_of(entry: StandIn, figures: Figures) -> StandInSettings:
    """A scenario's words as the switch takes them; tries and their answer are the bank's policy."""
    return StandInSettings(
        amount_cap_jpy=entry.amount_cap_jpy,
        count_cap=entry.count_cap,
        windows_us=tuple((window.begins_us, window.ends_us) for window in entry.windows),
        on_timeout=entry.on_timeout,
        on_sign_off=entry.on_sign_off,
        pin_tries=figures.pin_max_wrong,
        pin_block_code=figures.pin_block_code,
    )


def lists_of(bank: Bank, now_us: int) -> CardFile:
    """The lists as the bank would send them now."""
    store = bank.store
    return card_file(
        store.cards(), store.accounts(), store.raises(), bank.policy.on(jst_date(now_us)), now_us
    )
