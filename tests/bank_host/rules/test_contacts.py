"""Complaints find the office for their matter, in both languages (requirements R137-R140)."""

from datetime import date

import pytest

from bank_host.policy import load_policy
from bank_host.rules.contacts import TOPICS, contact, contact_lines, matter_of

FIGURES = load_policy().on(date(2014, 1, 15))


def test_banking_complaints_go_to_the_jba_as_designated_body():
    """R137, R138."""
    office = contact("transfer", FIGURES, "en")
    assert ("0570-017109", "03-5252-3772") == office.telephone
    assert "JBA consultation office" == office.name
    assert "designated dispute-resolution body under the Banking Act" == office.role
    assert "Mon-Fri 9:00-17:00 except holidays" == office.hours


def test_fx_margin_trading_and_investment_trusts_go_to_finmac():
    """R139."""
    for topic in ("otc_fx_margin_trading", "Investment trust", "FX", "投資信託"):
        office = contact(topic, FIGURES, "en")
        assert ("FINMAC", ("0120-64-5005",)) == (office.name, office.telephone), topic


@pytest.mark.parametrize("topic", ["weather", "", "fx margin account of my neighbour"])
def test_an_unknown_topic_goes_to_the_jba(topic):
    """R140."""
    assert "banking" == matter_of(topic)


def test_every_topic_has_an_office_of_the_policy():
    assert set(FIGURES.contacts) == set(TOPICS.values())


@pytest.mark.parametrize(
    ("topic", "words"),
    [("補償", "全国銀行協会相談室"), ("投資信託", "証券・金融商品あっせん相談センター")],
)
def test_an_office_is_told_in_japanese_too(topic, words):
    heading, telephone = contact_lines(topic, FIGURES, "ja")
    assert words in heading
    assert "祝日を除く" in telephone


def test_a_receipt_says_office_role_telephone_and_hours():
    assert (
        "Complaints and consultation: JBA consultation office "
        "(designated dispute-resolution body under the Banking Act)",
        "Tel. 0570-017109 / 03-5252-3772 (Mon-Fri 9:00-17:00 except holidays)",
    ) == contact_lines("banking", FIGURES, "en")


def test_another_language_is_refused_by_name():
    with pytest.raises(ValueError, match="no language 'fr'"):
        contact("transfer", FIGURES, "fr")
