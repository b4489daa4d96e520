"""Who and what takes part in a scenario: banks, people with their cards, places with their machines.

Amounts are integer yen; times are microseconds after midnight (JST).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from atm_sim.scenario.fields import (
    Alias,
    Birthday,
    Day,
    DenominationKey,
    DurationUs,
    Email,
    Flag,
    Jpy,
    LoginId,
    Month,
    Pan,
    Password,
    Pin,
    PolicyKey,
    Snake,
    Text,
    TimeUs,
    Whole,
    scalar,
    wrong,
)
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.vocabulary import DEFAULT_BANK, Authenticator, Cryptogram, HotAs, Kind, Medium
from bank_host.jst import DAY_US, MINUTE_US
from bank_host.written import values
from bank_host.written.card_numbers import TEST_BIN_PREFIX
from bank_host.written.problems import listed, nearest
from bank_host.written.source import Mapping, Scalar, Sequence

MOST_CASSETTE_NOTES = 20_000


def usual_fill() -> dict[int, int]:
    """Notes by denomination when a place does not say (assumed, within what bank ATMs hold)."""
    return {10_000: 2_600, 1_000: 2_000}


def _plain(node: Any) -> Any:
    """A policy value as plain data: numbers, amounts, switches, text, lists, maps. The policy checks what it means."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node]
    text = scalar(node, "a value")
    if text.quoted:
        return str(text)
    if text in ("true", "false"):
        return text == "true"
    for read in (values.integer, values.amount_jpy):
        try:
            return read(text)
        except ValueError:
            continue
    return str(text)


class PolicyOverride(Part):
    """A policy figure set for this scenario alone, with the reason."""

    value: Annotated[Any, BeforeValidator(_plain), WithJsonSchema({})]
    because: Text


def _read_bin(raw: Any) -> str:
    text = scalar(raw, 'a BIN in quotes such as "499911"')
    if not text.quoted or len(text) != 6 or not text.isascii() or not text.isdigit():
        raise wrong(
            f'a BIN is six digits in quotes that begin with {TEST_BIN_PREFIX}; write for example "499911"'
        )
    if not text.startswith(TEST_BIN_PREFIX):
        raise wrong(f"this BIN is outside the test range; use one that begins with {TEST_BIN_PREFIX}")
    return str(text)


class Window(Part):
    """Hours of the day; they may go over midnight."""

    begins_us: TimeUs = Field(alias="from")
    ends_us: TimeUs = Field(alias="to")

    def contradictions(self) -> Iterator[Contradiction]:
        if self.begins_us % DAY_US == self.ends_us % DAY_US:
            yield Contradiction(("to",), "the window is empty; to: is another time of day than from:")


class StandIn(Part):
    """What the switch may approve in the bank's place."""

    windows: tuple[Window, ...] = ()
    on_timeout: Flag = True
    on_sign_off: Flag = True
    negative_file_every_us: DurationUs = Field(default=15 * MINUTE_US, alias="negative_file_every")
    amount_cap_jpy: Jpy = Field(default=50_000, alias="amount_cap")
    count_cap: Annotated[int, Whole(0, 1_000)] = 3

    def contradictions(self) -> Iterator[Contradiction]:
        if self.negative_file_every_us < MINUTE_US:
            yield Contradiction(
                ("negative_file_every",), "lists come at most once a minute; write 1 min or more"
            )


class Bank(Part):
    """Another issuing bank (or other policy for ours)."""

    bin: Annotated[
        str,
        BeforeValidator(_read_bin),
        WithJsonSchema({"type": "string", "pattern": f"^{TEST_BIN_PREFIX}[0-9]{{2}}$"}),
    ]
    policy: dict[PolicyKey, PolicyOverride] = Field(default_factory=dict)
    reachable: Flag = True
    atms: tuple[
        Snake, ...
    ] = ()  # operators whose ATMs are the bank's own: its cards do not go over the switch
    stand_in: StandIn | None = None


class CardOptions(Part):
    """What is special about a person's card."""

    pan: Pan = Field(default="", repr=False)
    expires: Month | None = None
    hot: HotAs | Literal[""] = ""
    medium: Medium = "chip"
    forged: Flag = False
    cryptogram: Cryptogram | Literal[""] = ""
    reader: Flag = False

    @property
    def cvn(self) -> int:
        """The cryptogram version of its chip; 0 for a card whose chip is not asked."""
        return int(self.cryptogram.removeprefix("cvn_") or 0)

    def contradictions(self) -> Iterator[Contradiction]:
        if self.cryptogram and self.medium == "stripe":
            yield Contradiction(
                ("cryptogram",), "a stripe computes nothing; leave medium: or cryptogram: out"
            )

        for key in ("medium", "forged", "cryptogram"):
            if self.reader and key in self.model_fields_set:
                text = f"the card in the reader is what it is; leave reader: or {key}: out"
                yield Contradiction((key,), text)

    @property
    def expires_yymm(self) -> str:
        """The expiry as DE14 carries it; '' when the scenario leaves it open."""
        return f"{self.expires[0] % 100:02d}{self.expires[1]:02d}" if self.expires else ""


CARD_WORDS: Final = {
    "chip": CardOptions(cryptogram="cvn_18"),
    "reader": CardOptions().model_copy(update={"reader": True}),
}
"""What may stand for a card as a whole, instead of a map."""


def _read_card(raw: Any) -> Any:
    if not isinstance(raw, Scalar) or raw.is_empty:
        return raw
    if raw in CARD_WORDS:
        return CARD_WORDS[str(raw)]
    text = f"expected {listed(CARD_WORDS)}, or a map of what is special about the card"
    raise wrong(text, suggestion=nearest(raw, list(CARD_WORDS)))


class Person(Part):
    """A customer, or `count` alike customers `alias/1` to `alias/count`."""

    name: Text
    kind: Kind = "individual"
    authenticator: Authenticator = "token"
    bank: Alias = DEFAULT_BANK
    balance_jpy: Jpy = Field(default=0, alias="balance")
    atm_limit_jpy: Jpy | None = Field(default=None, alias="atm_limit")
    opened: Day | None = None
    pin: Pin = Field(default="", repr=False)
    count: Annotated[int, Whole(1, 100_000)] = 1
    card: Annotated[
        CardOptions,
        BeforeValidator(
            _read_card,
            json_schema_input_type=Literal["chip", "reader"] | CardOptions,
        ),
    ] = CardOptions()
    closed: Flag = False
    tokens: Annotated[int, Whole(0, 2)] = 1
    token_expires: Day | None = None
    token_ahead_us: DurationUs = Field(default=0, alias="token_ahead")
    token_behind_us: DurationUs = Field(default=0, alias="token_behind")
    password: Password = Field(default="", repr=False)
    login_id: LoginId = Field(default="", repr=False)
    transfer_limit_jpy: Jpy | None = Field(default=None, alias="transfer_limit")
    address: Text = ""
    phone: Text = ""
    emails: tuple[Email, ...] = ()
    birthday: Birthday | None = None

    @property
    def is_group(self) -> bool:
        return "count" in self.model_fields_set

    def contradictions(self) -> Iterator[Contradiction]:
        if self.is_group and self.card.pan:
            yield Contradiction(
                ("card", "pan"), "a group's people have different cards; leave the card number out"
            )
        if self.is_group and self.card.reader:
            yield Contradiction(("card",), "a group's people have different cards, and a reader holds one")
        if self.token_ahead_us and self.token_behind_us:
            yield Contradiction(("token_behind",), "a token's clock runs ahead or behind, not both")


class Place(Part):
    """A site with one or more ATMs of one operator. `cassettes`: notes by denomination in yen."""

    operator: Snake
    machines: Annotated[int, Whole(1, 1_000)] = 1
    cassettes: dict[DenominationKey, Annotated[int, Whole(0, MOST_CASSETTE_NOTES)]] = Field(
        default_factory=usual_fill
    )
    near_end: Annotated[int, Whole(0, MOST_CASSETTE_NOTES)] = 200
    amount_step_jpy: Jpy = Field(default=1_000, alias="amount_step")  # what the keypad lets a person key
    hours_us: tuple[TimeUs, TimeUs] | None = Field(default=None, alias="hours")
    retains_card_on_break: Flag = False

    def contradictions(self) -> Iterator[Contradiction]:
        if self.hours_us is not None and self.hours_us[0] >= self.hours_us[1]:
            yield Contradiction(
                ("hours", 1), "the place closes before it opens; write hours: [opens, closes]"
            )
        if not self.cassettes:
            yield Contradiction(("cassettes",), "no cassette; write for example {10000: 200, 1000: 500}")
