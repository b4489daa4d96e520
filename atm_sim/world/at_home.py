"""A step at home, or of the bank's staff: what is asked of the bank, one act after the other, and what is looked at.

`at_home` is a generator, as a visit to an ATM is: it yields what is asked or seen and is sent each outcome. It knows no
clock but the one it is given; a code is read off its device only when it is typed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from atm_sim.checks.values import yen
from atm_sim.scenario import Step
from atm_sim.scenario import claim_steps as claims
from atm_sim.scenario import online_steps as online
from atm_sim.scenario import staff_steps as staff
from atm_sim.world.cast import Person, sent
from atm_sim.world.codes import token_of, typed
from atm_sim.world.people import wrong_pin
from bank_host.host import Bank
from bank_host.jst import MINUTE_US, jst_date
from bank_host.policy import Figures
from bank_host.rules.changes import Outcome
from bank_host.rules.compensation import Assessment, Claim, Loss, assess, reported
from bank_host.rules.contacts import Contact, contact
from bank_host.rules.facts import Act, Payee
from bank_host.secrets import Pin, Secret

OPERATOR, HOST = "operator", "host"
NOBODYS_ACCOUNT = "0019999999"
WRONG_PASSWORD = Secret("not the password 0")
WRONG_LOGIN_ID = "nobody00"


class Ask(NamedTuple):
    """The bank is asked to do this, after a while."""

    act: Act
    after_us: int = 0


class Seen(NamedTuple):
    """Something is read: what it is, and what it says."""

    what: str
    text: str
    amount_jpy: int = 0


class Offices(NamedTuple):
    """Who decides loss claims, and who takes complaints; proofs hand in others."""

    assess: Callable[[Claim, Figures], Assessment] = assess
    contact: Callable[[str, Figures, str], Contact] = contact


OFFICES = Offices()


Script: TypeAlias = Generator[Ask | Seen, Outcome | None, None]


@dataclass(frozen=True, slots=True)
class Home:
    """Who acts, through which channel, and everybody and everything that may be needed for it."""

    label: str
    channel: str
    person: Person
    people: Mapping[str, Person]
    read_us: int | None = None  # when a code was read that is typed later
    losses_us: tuple[int, ...] = ()  # of a claim: when each of them was

    def act(self, kind: str, part: str = "") -> Act:
        """The request as it begins; a step that asks several things has a request id for each. Ids go by account: in a
        class many people of one name do the same step at one bank, and none of them repeats another's."""
        person = self.person
        key = f"{person.account_id}/{self.label}{part}"
        return Act(key, kind, person.account_id, self.channel, person.card_id)


def at_home(
    step: Step, home: Home, bank: Bank, now_us: Callable[[], int], offices: Offices = OFFICES
) -> Script:
    """Everything that the step comes to."""
    match step:
        case online.Transfer():
            yield from _transfer(step, home, bank, now_us)
        case online.Login():
            yield from _login(step, home, bank)
        case online.Statement():
            yield from _statement(step, home, bank, now_us())
        case online.SecurityReport():
            for line in bank.security_report(home.person.account_id, now_us()):
                yield Seen("active" if line.active else "inactive", line.name)
        case staff.IssueToken():
            yield from _issue(home, now_us())
        case claims.Claim():
            yield from _claim(step, home, bank, now_us(), offices)
        case claims.Complaint():
            office = offices.contact(step.about, _figures(bank, now_us()), "en")
            yield Seen("contact", office.name)
            yield Seen("role", office.role)
            for number in office.telephone:
                yield Seen("telephone", number)
        case _:
            outcome = yield Ask(_asked(step, home, bank, now_us()))
            if outcome is not None and outcome.outcome == "done":
                _remember(step, home.person)


# ---------------------------------------------------------------- one act


def _asked(step: Step, home: Home, bank: Bank, now_us: int) -> Act:
    """The act as the bank is asked for it."""
    act, person = home.act(step.do), home.person
    if isinstance(step, online.WithCode):
        act = act._replace(otp=_code(step, home, bank, now_us))
    match step:
        case online.SetLimit() | online.SetTransferLimit():
            return act._replace(amount_jpy=step.amount_jpy)
        case online.RaiseLimit():
            return act._replace(amount_jpy=step.amount_jpy, day=step.on)
        case online.CancelRaise():
            return act._replace(day=step.on)
        case online.LockToken():
            return act._replace(serial=_serial(person, step.token))
        case online.UnlockToken() | online.RegisterToken():
            return act._replace(serial=_serial(person, step.token), pin_block=_pin(person, step.pin, bank))
        case online.ResyncToken():
            token = token_of(person, step.token)
            codes = ("", "") if token is None else (token.display(now_us - MINUTE_US), token.display(now_us))
            return act._replace(serial=_serial(person, step.token), otp=codes[0], second_otp=codes[1])
        case online.ExchangeToken():
            return act._replace(serial=_serial(person, step.token), detail=step.because)
        case online.SetLoginId():
            return act._replace(login_id=step.login_id)
        case online.ChangePassword():
            old = Secret(person.password) if step.password == "right" else WRONG_PASSWORD
            return act._replace(password=old, new_password=Secret(step.new_password))
        case online.FileClaim():
            loss = reported.Reported(
                step.cause,
                step.on,
                step.amount_jpy,
                stolen_on=step.stolen_on,
                after_lock=step.after_lock,
                declared=step.declares,
            )
            return act._replace(**reported.fields(loss))
        case online.ChangePinOnline():
            return act._replace(new_pin_block=bank.pin_block(person.account_id, Pin(step.new_pin)))
        case online.ChangeData():
            return act._replace(kind="change_customer_data", data=step.data)
        case staff.ReportCard():
            return act._replace(detail=step.reported_as)
        case staff.ReissuePassword():
            return act._replace(password=Secret(step.password))
        case staff.ChangeAuthenticator():
            return act._replace(detail=step.authenticator)
        case staff.ReceiveTransfer():
            sender = home.people[step.sender]
            payee = Payee(sender.bank, sender.account_id, sender.name)
            return act._replace(amount_jpy=step.amount_jpy, payee=payee)
    return act


def _remember(step: Step, person: Person) -> None:
    """What the person knows from now on."""
    match step:
        case online.SetLoginId():
            person.login_id = step.login_id
        case online.ChangePassword():
            person.password = step.new_password
        case online.ChangePinOnline():
            person.pin = step.new_pin
        case staff.ReissuePassword():
            person.password = step.password


def _code(step: online.WithCode, home: Home, bank: Bank, now_us: int) -> str:
    """A new token is registered with its own code, a locked one released with that of the other."""
    usual = 1
    if isinstance(step, online.RegisterToken):
        usual = step.token
    elif isinstance(step, online.UnlockToken):
        usual = 2 if step.token == 1 else 1
    read_us = now_us if home.read_us is None else home.read_us
    return typed(step, home.person, home.people, bank, read_us, usual=usual)


def _serial(person: Person, number: int) -> str:
    """What is printed on the token of that number; a number that is on none where there is no such token."""
    token = token_of(person, number)
    return f"TK-none-{number}" if token is None else token.serial


def _pin(person: Person, entry: str, bank: Bank) -> str:
    pin = person.pin if entry == "right" else wrong_pin(person.pin)
    return bank.pin_block(person.account_id, Pin(pin))


# ---------------------------------------------------------------- several


def _login(step: online.Login, home: Home, bank: Bank) -> Script:
    """The three or four items; who is let in sees the Welcome Page."""
    person = home.person
    login_ids = {"right": person.login_id, "wrong": WRONG_LOGIN_ID, "none": ""}
    outcome = yield Ask(
        home.act(step.do)._replace(
            account_id=person.account_id if step.account == "right" else NOBODYS_ACCOUNT,
            login_id=login_ids[step.login_id],
            password=Secret(person.password) if step.password == "right" else WRONG_PASSWORD,
            pin_block=_pin(person, step.pin, bank),
        )
    )
    if outcome is not None and outcome.outcome == "done":
        page = bank.welcome(person.account_id)
        yield Seen("previous_login", _second(page.previous_login) if page.previous_login else "none")
        yield Seen("failed_logins", str(page.failed_since_then))


def _transfer(step: online.Transfer, home: Home, bank: Bank, now_us: Callable[[], int]) -> Script:
    """Entered; then the confirm screen, which is left in one of five ways."""
    person, payee = home.person, home.people[step.to]
    to = Payee("" if payee.bank == person.bank else payee.bank, payee.account_id, payee.name)
    entry = home.act("enter_transfer")._replace(amount_jpy=step.amount_jpy, payee=to)
    outcome = yield Ask(entry)
    if outcome is None or outcome.outcome != "done":
        return
    ending = home.act("", "/end")._replace(transfer=entry.key, amount_jpy=step.amount_jpy)
    match step.ends:
        case "transfer":
            code = _code(step, home, bank, now_us())
            confirmation = ending._replace(kind="confirm_transfer", otp=code)
            yield Ask(confirmation, step.wait_us)
            if step.repeat_request:
                yield Ask(confirmation)
        case "correct" | "cancel":
            _code(step, home, bank, now_us())  # typed, and not sent
            yield Ask(ending._replace(kind=f"{step.ends}_transfer"), step.wait_us)
        case _:
            _code(step, home, bank, now_us())
    stored = bank.transfer(entry.key)
    yield Seen("transfer", stored.state if stored else "unknown")


def _issue(home: Home, now_us: int) -> Script:
    """The bank sends a token; the person has it from then on."""
    person = home.person
    assert person.random is not None, "everybody in the cast has a random stream of their own"
    number = len(person.tokens) + 1
    device, token = sent(person.account_id, number, person.random, None, jst_date(now_us))
    outcome = yield Ask(home.act("issue_token")._replace(token=token))
    if outcome is not None and outcome.outcome == "done":
        person.tokens.append(device)


def _statement(step: online.Statement, home: Home, bank: Bank, now_us: int) -> Script:
    today = jst_date(now_us)
    first, last = step.first_day or today, step.last_day or today
    for line in bank.statement(home.person.account_id, first, last):
        yield Seen("statement", f"{_second(line.at)} {line.kind} {_signed(line.amount_jpy)}", line.amount_jpy)


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _signed(amount_jpy: int) -> str:
    return f"{'+' if amount_jpy >= 0 else '-'}{yen(abs(amount_jpy))}"


# ---------------------------------------------------------------- claims


def _claim(step: claims.Claim, home: Home, bank: Bank, now_us: int, offices: Offices) -> Script:
    """The decision with every check that led to it."""
    losses = tuple(
        Loss(at_us, line.amount_jpy, line.after_lock, line.above_limit)
        for at_us, line in zip(home.losses_us, step.losses, strict=True)
    )
    claim = Claim(
        f"{home.person.alias}/{home.label}",
        home.person.kind,
        step.cause,
        losses,
        now_us,
        step.stolen_on,
        step.proved,
        step.delay_days,
    )
    assessment = offices.assess(claim, _figures(bank, now_us))
    yield Seen("decision", assessment.outcome, assessment.loss_jpy)
    for each in assessment.decided:
        for check in each.trail:
            found = "yes" if check.found else "no"
            yield Seen("trail", f"{check.rule} {check.fact} {found} {check.effect or 'on'}")
        if each.share is not None:
            yield Seen("share", f"{float(each.share)}")
        yield Seen("payer", each.payer, each.amount_jpy)
        yield Seen("rule", each.trail[-1].rule)
    yield Seen("paid", yen(assessment.amount_jpy), assessment.amount_jpy)


def _figures(bank: Bank, now_us: int) -> Figures:
    return bank.policy.on(jst_date(now_us))
