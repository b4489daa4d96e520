"""A lab profile says how a target speaks, and what is wrong with it is told at its place, without any key or PIN."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.target.keys import LAB_PIN_KEY
from atm_sim.target.profile import Profile, ProfileError, read_profile
from bank_host.hsm import TPK, ZAK, ZMK, ZPK, Hsm, Key
from bank_host.hsm.keys import SIMULATION_KEYS
from bank_host.secrets import Secret

PAN = "4999001000000013"
ZMK_PARTS = ("1C1C1C1C2A2A2A2A4C4C4C4C62626262", "0B2D4F618395A7B9CBEDF0214365A7C9")
"""Two components of a key that is nobody's."""


def kcv(digits: str) -> str:
    return Hsm({"x": Key("zone_master", Secret(digits))}).check_value("x")


def aes_kcv(digits: str) -> str:
    return Hsm({"x": Key("zone_mac", Secret(digits), "AES")}).check_value("x")


def zmk_section() -> str:
    components = ", ".join(f'"{part} {kcv(part)}"' for part in ZMK_PARTS)
    return f"[keys.zmk]\ncomponents = [{components}]\n"


def zmk() -> str:
    return f"{int(ZMK_PARTS[0], 16) ^ int(ZMK_PARTS[1], 16):032X}"


def zpk_block(*, bound: bool) -> tuple[str, str, str]:
    """A ZPK's block under the ZMK, its check value, and a PIN block that it makes."""
    module = Hsm({ZMK: Key("zone_master", Secret(zmk()))})
    block = module.make_key(ZMK, ZPK, "zone_pin", bound=bound)
    return (
        (block if bound else block[:-6]),
        module.check_value(ZPK),
        module.encrypt_pin_block(ZPK, "1234", PAN),
    )


def profile_of(folder: Path, text: str, cards: str = "") -> Profile:
    file = folder / "lab.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    if cards:
        (folder / "cards.csv").write_text(cards, encoding="utf-8")
    return read_profile(file)


def faults(folder: Path, text: str, cards: str = "") -> list[str]:
    with pytest.raises(ProfileError) as caught:
        profile_of(folder, text, cards)
    assert "1234" not in str(caught.value)
    assert PAN not in str(caught.value)
    assert not any(part in str(caught.value) for part in ZMK_PARTS)
    return [f"{Path(each.file).name}:{each.located}" for each in caught.value.problems]


# ---------------------------------------------------------------- what it says


def test_an_empty_profile_is_our_own_dialect_under_the_published_keys(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, "")
    assert "atm-sim" == profile.dialect.name
    assert Hsm.simulation().encrypt_pin_block(TPK, "1234", PAN) == profile.wire_keys(1).pin_block("1234", PAN)


def test_framing_and_match_key_stand_over_those_of_the_dialect(tmp_path: Path) -> None:
    profile = profile_of(
        tmp_path, 'dialect = "bcd-length"\n[framing]\nname = "len4"\n[match]\n0200 = [11, 41]\n'
    )
    assert "len4" == profile.dialect.settings.framing.name
    assert (11, 41) == profile.dialect.settings.link.match["0200"]
    assert b"\x00\x00\x00\x14" + b"a" * 20 == profile.dialect.framing.wrap(b"a" * 20)


@pytest.mark.parametrize("bound", [False, True], ids=["cryptogram", "TR-31"])
def test_a_working_key_is_opened_under_a_master_key_made_of_components(tmp_path: Path, bound: bool) -> None:
    block, check, pin_block = zpk_block(bound=bound)
    profile = profile_of(tmp_path, f'{zmk_section()}[keys.zpk]\nblock = "{block}"\nkcv = "{check}"\n')
    assert profile.keys.own
    assert pin_block == profile.wire_keys(1).pin_block("1234", PAN)


def test_the_pin_blocks_of_the_lab_are_translated_to_the_target_s_key(tmp_path: Path) -> None:
    block, check, pin_block = zpk_block(bound=False)
    profile = profile_of(tmp_path, f'{zmk_section()}[keys.zpk]\nblock = "{block}"\nkcv = "{check}"\n')
    ours = Hsm({TPK: SIMULATION_KEYS[TPK]}).encrypt_pin_block(TPK, "1234", PAN)
    assert pin_block == profile.wire_keys(1).translated(ours, PAN, LAB_PIN_KEY)


def test_a_profile_of_a_new_link_has_a_key_for_aes_cmac(tmp_path: Path) -> None:
    """Its own, or the published one; PIN blocks stay those of a TDES key."""
    (tmp_path / "new.toml").write_text('[mac]\nalgorithm = "aes-cmac"\n', encoding="utf-8")
    parts = ", ".join(f'"{part} {aes_kcv(part)}"' for part in ZMK_PARTS)
    own = f'dialect = "new.toml"\n[keys.zak]\ncipher = "AES"\ncomponents = [{parts}]\n'
    expected = Hsm({"x": Key("zone_mac", Secret(zmk()), "AES")}).mac("x", b"0200")
    assert expected == profile_of(tmp_path, own).wire_keys(1).mac_of(b"0200")
    keys = profile_of(tmp_path, 'dialect = "new.toml"\n').wire_keys(1)
    assert Hsm.simulation("AES").mac(ZAK, b"0200") == keys.mac_of(b"0200")
    assert 16 == len(keys.pin_block("1234", PAN))


# ---------------------------------------------------------------- what is wrong with it


def test_a_key_that_cannot_make_or_carry_the_dialect_s_macs_is_told(tmp_path: Path) -> None:
    (tmp_path / "new.toml").write_text('[mac]\nalgorithm = "aes-cmac"\n', encoding="utf-8")
    zak = zmk_section().replace("zmk", "zak")
    (found,) = faults(tmp_path, f'dialect = "new.toml"\n{zak}')
    assert found.startswith("lab.toml:2:2: zak: the dialect's MACs need a key of AES")
    (found,) = faults(tmp_path, f'dialect = "new.toml"\n[link]\nexchange = ["mac"]\n{zmk_section()}')
    assert "travels under an AES zone master key only" in found


def test_all_faults_are_told_at_once_each_at_its_place(tmp_path: Path) -> None:
    text = (
        'card_policy = "uniqe"\nallow_bins = ["4000"]\n[link]\nsign_onn = true\n[framing]\nname = "len9"\n'
        '[match]\n0200 = [12]\n[keys.zpk]\nblock = "AB"\n'
    )
    found = faults(tmp_path, text)
    assert "lab.toml:1:15: unknown word 'uniqe'; did you mean 'unique'?" in found
    assert any(each.startswith("lab.toml:2:14: a BIN is the first 6 to 8 digits") for each in found)
    assert "lab.toml:4:1: unknown key 'sign_onn'; did you mean 'sign_on'?" in found
    assert any(each.startswith("lab.toml:6:8: name: input should be 'len2'") for each in found)
    assert any(each.startswith("lab.toml:8:8: 0200:") for each in found)
    assert "lab.toml:10:9: a block needs kcv =, the check value of the key in it" in found


def test_what_is_no_toml_is_told_at_its_line(tmp_path: Path) -> None:
    assert faults(tmp_path, "dialect = \n")[0].startswith("lab.toml:1:11: not TOML")


def test_a_mistyped_component_is_named_by_its_number(tmp_path: Path) -> None:
    text = zmk_section().replace(kcv(ZMK_PARTS[1]), "000000")
    assert ["lab.toml:1:2: zmk: component 2 does not fit its check value; was a digit mistyped?"] == faults(
        tmp_path, text
    )


def test_a_block_with_another_check_value_is_refused(tmp_path: Path) -> None:
    block, _, _ = zpk_block(bound=True)
    (found,) = faults(tmp_path, f'{zmk_section()}[keys.zpk]\nblock = "{block}"\nkcv = "000000"\n')
    assert "zpk: the key does not fit kcv" in found


def test_a_block_without_its_master_key_is_refused(tmp_path: Path) -> None:
    block, check, _ = zpk_block(bound=False)
    (found,) = faults(tmp_path, f'[keys.zpk]\nblock = "{block}"\nkcv = "{check}"\n')
    assert "add [keys.zmk]" in found


def test_keys_that_are_not_published_are_kept_from_others(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(zmk_section())
    file.chmod(0o644)
    with pytest.raises(ProfileError, match="chmod 600"):
        read_profile(file)


def test_a_dialect_that_is_not_there_is_told(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, 'dialect = "atm-sin"\n')
    assert found.startswith("lab.toml:1:11: dialect: no dialect 'atm-sin'; did you mean 'atm-sim'?")


def test_a_bank_database_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, 'bank_database = "bnak.sqlite"\n')
    assert found.startswith("lab.toml:1:17: there is no file")
    assert not (tmp_path / "bnak.sqlite").exists()


# ---------------------------------------------------------------- the card file

CARDS = f"who,pan,expiry,pin\nhanako,{PAN},3012,1234\n,4999001000000021,3012,1234\n"


def test_cards_are_read_by_the_names_of_their_columns(tmp_path: Path) -> None:
    first, second = profile_of(tmp_path, 'cards = "cards.csv"\n', CARDS).cards
    assert ("card-1", "hanako", PAN, "1234") == (
        first.alias,
        first.who,
        first.pan.reveal(),
        first.pin.reveal(),
    )
    assert ("card-2", "") == (second.alias, second.who)


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("hanako,4000001234567899,3012,1234", 8, "outside the test range"),
        (f"hanako,{PAN},3013,1234", 25, "expiry: expected year and month"),
        (f"hanako,{PAN},3012,12", 30, "pin: expected four digits"),
        (f"hanako,{PAN},3012", 1, "3 cells, but the header has 4 columns"),
        ("taro,4999001000000021,3012,1234", 1, "stands twice"),
    ],
)
def test_a_wrong_card_is_told_at_its_cell(tmp_path: Path, line: str, column: int, words: str) -> None:
    (found,) = faults(tmp_path, 'cards = "cards.csv"\n', f"{CARDS}{line}\n")
    assert found.startswith(f"cards.csv:4:{column}: ")
    assert words in found


def test_a_column_that_nobody_knows_is_told(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, 'cards = "cards.csv"\n', "pan,expiry,pim\n")
    assert found.startswith("cards.csv:1:1: unknown column 'pim'")
    assert "'pin'" in found


def test_a_card_file_without_a_card_is_refused_by_its_name(tmp_path: Path) -> None:
    """Else a run would quietly use customers that the target does not know."""
    (found,) = faults(tmp_path, 'cards = "cards.csv"\n', "pan,expiry,pin\n\n# none yet\n")
    assert found.startswith("cards.csv:1:1: the card file has no card")


def test_a_bin_of_one_s_own_is_taken_where_the_profile_names_it(tmp_path: Path) -> None:
    text = 'allow_bins = ["400000"]\ncards = "cards.csv"\n'
    profile = profile_of(tmp_path, text, f"{CARDS},4000001234567899,3012,1234\n")
    assert 3 == len(profile.cards)
    assert "400000••••••7899" in repr(profile.cards[2])
    assert "1234567899" not in repr(profile)


# ---------------------------------------------------------------- who gets which card


def box_of(folder: Path, settings: str = "", rows: str = ""):  # type: ignore[no-untyped-def]
    rows = rows or f"a,,{PAN},3012,1234\nb,,4999001000000021,3012,1234\n"
    text = f'cards = "cards.csv"\n{settings}'
    return profile_of(folder, text, f"alias,who,pan,expiry,pin\n{rows}").card_box(1)


def test_unique_hands_each_card_out_once(tmp_path: Path) -> None:
    box = box_of(tmp_path, 'card_policy = "unique"\n')
    first = box.take()
    box.give_back(first)
    assert ("a", "b", None) == (first.alias, box.take().alias, box.take())


def test_sequential_begins_again_with_the_first_that_is_back(tmp_path: Path) -> None:
    box = box_of(tmp_path)
    first, second = box.take(), box.take()
    assert box.take() is None, "a card is never in two open transactions"
    box.give_back(second)
    box.give_back(first)
    assert ["a", "b"] == [box.take().alias, box.take().alias]


def test_a_card_is_shared_only_where_the_profile_says_so(tmp_path: Path) -> None:
    box = box_of(tmp_path, "share_cards = true\n", f"a,,{PAN},3012,1234\n")
    assert ("a", "a") == (box.take().alias, box.take().alias)


def test_random_draws_the_same_for_the_same_seed(tmp_path: Path) -> None:
    rows = "".join(f"c{n},,49990010000000{n},3012,1234\n" for n in range(10, 40))
    drawn = [
        [box.take().alias for _ in range(30)]
        for box in (box_of(tmp_path, 'card_policy = "random"\n', rows) for _ in range(2))
    ]
    assert drawn[0] == drawn[1] != sorted(drawn[0])


def test_a_role_gets_the_cards_that_are_for_it(tmp_path: Path) -> None:
    box = box_of(tmp_path, "", f"a,,{PAN},3012,1234\nb,hanako,4999001000000021,3012,1234\n")
    assert ("b", None, "a") == (box.take("hanako").alias, box.take("hanako"), box.take("taro").alias)
