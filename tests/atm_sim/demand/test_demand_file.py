"""A demand file says where each figure comes from; what is wrong is told with its place."""

from pathlib import Path

import pytest

from atm_sim.demand import load_demand, read_demand
from atm_sim.demand.file import SHIPPED, DemandError

TEXT = (SHIPPED / "convenience.yaml").read_text(encoding="utf-8")


def test_a_file_beside_the_scenario_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(TEXT.replace("value: 95", "value: 120"), encoding="utf-8")
    assert 120 == load_demand("ours.yaml", beside=tmp_path).per_atm_day


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("value: 95", "value: -5", "7:10: expected a number from 0 to 100000"),
        ("  status: confirmed\n", "", "missing key 'status'"),
        ("status: confirmed", "status: confirmd", "did you mean 'confirmed'"),
        ("payday:", "paydays:", "did you mean 'payday'"),
        ("1.05, 0.95]", "1.05]", "expected a list of 7 numbers: Monday to Sunday"),
        ("lag1: {value: 0.2", "lag1: {value: 1.2", "expected a number from 0 to 0.99"),
        ("{withdraw: 70", "{withdrew: 70", "did you mean 'withdraw'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, written: str, instead: str, told: str) -> None:
    file = tmp_path / "wrong.yaml"
    assert written in TEXT
    file.write_text(TEXT.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(DemandError) as refused:
        read_demand(file)
    assert told in str(refused.value)
    assert f"{file}:" in str(refused.value)
