"""A message is frozen, equal by content, and shows no value by accident."""

from __future__ import annotations

import pytest

from bank_host.iso8583.message import Message

REQUEST = Message("0200", {41: "ATM1    ", 2: "9990010000000017", 11: "000007"})


def test_elements_stand_in_ascending_order_whatever_order_they_came_in() -> None:
    assert [2, 11, 41] == list(REQUEST.fields)


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match=r"\.but\(\)"):
        REQUEST.mti = "0201"
    with pytest.raises(TypeError):
        REQUEST.fields[11] = "000008"  # type: ignore[index]


def test_a_changed_copy_leaves_the_message_as_it_was() -> None:
    changed = REQUEST.but({2: None, 11: "000008", 39: "00"}, mti="0210")
    assert Message("0210", {11: "000008", 39: "00", 41: "ATM1    "}) == changed
    assert "000007" == REQUEST[11]


def test_messages_are_equal_by_type_and_every_element() -> None:
    assert REQUEST == REQUEST.but()
    assert hash(REQUEST) == hash(REQUEST.but())
    assert REQUEST != REQUEST.but(mti="0201")
    assert REQUEST != REQUEST.but({11: None})


def test_an_absent_element_reads_as_the_default() -> None:
    assert ("", "none", False) == (REQUEST.get(39), REQUEST.get(39, "none"), 39 in REQUEST)


def test_the_text_of_a_message_names_elements_without_values() -> None:
    assert repr(REQUEST) == "Message(0200: DE 2 11 41)"
