"""What a customer changes about himself: data, PIN, login ID, password; and the password that staff issues again.

Requirements R20, R21, R45, R72-R74, R77, Q6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bank_host.policy import Figures
from bank_host.rules.acts.rule import (
    CUSTOMER,
    NOTHING,
    OPERATOR,
    ActRule,
    Needs,
    audit,
    code_of_account,
    done,
    pin_card,
)
from bank_host.rules.changes import Change, Notify, Outcome, SetCard, SetCustomer
from bank_host.rules.facts import Act, ActFacts, At, Customer
from bank_host.secrets import Secret

DATA_FIELDS = ("name", "address", "phone", "emails")
_EMAIL = re.compile(r"[^\s@<>\",;:\\]+@[^\s@<>\",;:\\]+\.[^\s@<>\",;:\\]+")
_LONGEST_TEXT = 200
_MOST_EMAILS = 5
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 64

# ---------------------------------------------------------------- customer data


def _refuse_data(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    for name, value in act.data:
        if name not in DATA_FIELDS:
            return "UNKNOWN_FIELD"
        if name == "emails":
            if not _are_addresses(value):
                return "BAD_EMAIL"
        elif not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _LONGEST_TEXT:
            return "BAD_VALUE"
    return "" if _changed(act, facts) else "NOTHING_CHANGED"


def _are_addresses(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and 0 < len(value) <= _MOST_EMAILS
        and all(isinstance(each, str) and len(each) <= 254 and _EMAIL.fullmatch(each) for each in value)
    )


def _changed(act: Act, facts: ActFacts) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in act.data if getattr(facts.customer, name) != value)


def _data_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    return code_of_account(facts) if "customer_data" in figures.otp_required else NOTHING


def _change_data(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """A changed e-mail address is told to the new addresses and to each one given up (R20)."""
    changed = _changed(act, facts)
    changes: list[Change] = [SetCustomer(act.account_id, name, value) for name, value in changed]
    for name, value in changed:
        if name == "emails":
            changes.append(Notify(act.key, act.account_id, "email_changed"))
            given_up = [each for each in facts.customer.emails if each not in value]
            changes += [
                Notify(f"{act.key}:given_up:{n}", act.account_id, "email_changed", 0, address)
                for n, address in enumerate(given_up)
            ]
    before = "; ".join(f"{name} {_text(getattr(facts.customer, name))}" for name, _ in changed)
    after = "; ".join(f"{name} {_text(value)}" for name, value in changed)
    return done(*changes, audit(act, before, after))


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


# ---------------------------------------------------------------- PIN


def guesses(customer: Customer) -> tuple[str, ...]:
    """The PINs that somebody who knows the customer would try first: birthday, phone, address (R77)."""
    found: list[str] = []
    if customer.birthday is not None:
        born = customer.birthday
        found += [f"{born:%m%d}", f"{born:%d%m}", f"{born:%Y}", f"{born:%y%m}", f"{born:%m%y}"]
    for text in (customer.phone, customer.address):
        groups = re.findall("[0-9]+", text, re.ASCII)
        digits = "".join(groups)
        found += [group[-4:].zfill(4) for group in groups if len(group) <= 4]
        found += [digits[-4:]] if len(digits) >= 4 else []
    return tuple(dict.fromkeys(found))[:16]


def _refuse_pin(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if pin_card(act, facts) is None:
        return "NO_CARD"
    return "" if facts.new_pin is not None else "BAD_PIN"


def _pin_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    return code_of_account(facts) if "pin_change" in figures.otp_required else NOTHING


def _change_pin(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """A PIN that others would guess is taken, with a warning that is counted (R77, for Q12)."""
    card, new = pin_card(act, facts), facts.new_pin
    assert card is not None, "without a card it was refused"
    assert new is not None, "without a PIN it was refused"
    before = facts.customer.pin_warnings
    after = before + 1 if new.guessable else 0
    changes: tuple[Change, ...] = (SetCard(card.card_id, "pvv", new.pvv),)
    if after != before:
        changes += (SetCustomer(act.account_id, "pin_warnings", after),)
    reason = "GUESSABLE_PIN" if new.guessable else ""
    return done(*changes, audit(act, f"warnings {before}", f"warnings {after}", reason), reason=reason)


# ---------------------------------------------------------------- login ID and password


def _refuse_login_id(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    """Half-width letters and digits, both kinds present (R45)."""
    text, bounds = act.login_id, figures.login_id_format
    right = (
        bounds["min_length"] <= len(text) <= bounds["max_length"]
        and text.isascii()
        and text.isalnum()
        and not text.isalpha()
        and not text.isdigit()
    )
    return "" if right else "BAD_LOGIN_ID"


def _set_login_id(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """The audit says that there is one, not which."""
    before = "set" if facts.customer.login_id else "none"
    return done(SetCustomer(act.account_id, "login_id", act.login_id), audit(act, before, "set"))


def _refuse_reissue(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return "" if act.password is not None and act.password_hash else "BAD_PASSWORD"


def _reissue(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """A new password from the bank, by letter; only this ends a lapse (Q6)."""
    changes = (
        SetCustomer(act.account_id, "password_hash", act.password_hash),
        SetCustomer(act.account_id, "password_lapsed", False),
        SetCustomer(act.account_id, "login_fails", 0),
    )
    before = "lapsed" if facts.customer.password_lapsed else "valid"
    return done(*changes, audit(act, before, "valid"))


# ---------------------------------------------------------------- a password of the customer's own


def password_fits(password: Secret) -> bool:
    """8 to 64 characters that can be typed, a digit and something else among them (ASVS v5.0.0-6.2.1, 6.2.9)."""
    text = password.reveal()
    return (
        SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD
        and text.isprintable()
        and any(each in "0123456789" for each in text)
        and not all(each in "0123456789" for each in text)
    )


def _refuse_password(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    new = act.new_password
    if new is None or not act.password_hash or not password_fits(new):
        return "BAD_PASSWORD"
    own = (act.account_id, facts.customer.login_id)
    if new == act.password or any(each and each.casefold() in new.reveal().casefold() for each in own):
        return "SAME_PASSWORD"
    return ""


def _password_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    code = code_of_account(facts) if "password_change" in figures.otp_required else NOTHING
    return code._replace(password=True)


def _change_password(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """Every session ends with the hash it was proved by; the audit says that it is new, not what it is."""
    changes = (
        SetCustomer(act.account_id, "password_hash", act.password_hash),
        SetCustomer(act.account_id, "login_fails", 0),
    )
    return done(*changes, audit(act, "set", "set anew"))


ROWS: Mapping[str, ActRule] = {
    "change_customer_data": ActRule(CUSTOMER, _refuse_data, _change_data, _data_needs),
    "change_pin_online": ActRule(CUSTOMER, _refuse_pin, _change_pin, _pin_needs),
    "change_password": ActRule(CUSTOMER, _refuse_password, _change_password, _password_needs),
    "set_login_id": ActRule(CUSTOMER, _refuse_login_id, _set_login_id),
    "reissue_password": ActRule(OPERATOR, _refuse_reissue, _reissue),
}
