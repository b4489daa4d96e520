"""Every import contract can fail: with one forbidden import planted for each, each is reported as broken."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("atm_sim", "bank_host", "cardreader")

# contract → the module that gets the import it forbids
PLANTED = {
    "cardreader-alone": ("cardreader/transport.py", "import bank_host.rules"),
    "card-standard-pure": ("cardreader/emv/dol.py", "import cardreader.transport"),
    "bank-without-world": ("bank_host/store/contract.py", "import atm_sim.records"),
    "bank-without-reader": ("bank_host/host.py", "import cardreader.transport"),
    "pure-core": ("bank_host/rules/facts.py", "import time"),
    "store-below-host": ("bank_host/store/memory.py", "import bank_host.hsm"),
    "pin-blocks-in-one-place": ("bank_host/desk.py", "import bank_host.hsm.pin_block"),
    "notices-read-the-store": ("bank_host/notices/relay.py", "import time"),
    "web-bank-asks-the-host": ("bank_host/netbank/visit.py", "import time"),
    "machines-without-drivers": ("atm_sim/sansio/effects.py", "import atm_sim.world"),
    "machines-apart": ("atm_sim/terminal/card.py", "import atm_sim.network"),
    "one-simpy-driver": ("atm_sim/records/event.py", "import simpy"),
    "no-asyncio": ("atm_sim/records/event.py", "import asyncio"),
    "no-gevent": ("atm_sim/load/record.py", "import gevent"),
    "web-in-few-places": ("atm_sim/records/event.py", "import starlette"),
    "token-shares-nothing": ("atm_sim/token/page.py", "import bank_host.store"),
    "link-without-driver": ("bank_host/port/link.py", "import time"),
    "doctor-without-driver": ("atm_sim/doctor/finding.py", "import socket"),
    "wire-without-driver": ("atm_sim/load/record.py", "import asyncio"),
    "kiosk-front-pure": ("atm_sim/kiosk/front.py", "import time"),
    "one-dask": ("atm_sim/study/run.py", "import distributed"),
    "report-reads-files": ("atm_sim/report/view.py", "import bank_host.store"),
    "auditor-shares-no-rule": ("atm_sim/checks/invariants/model.py", "import bank_host.rules.limits"),
    "demand-and-cash-pure": ("atm_sim/cash/policy.py", "import atm_sim.world"),
}


def contracts() -> dict[str, str]:
    """Identifier → the sentence that lint-imports prints."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / ".importlinter", encoding="utf-8")
    prefix = "importlinter:contract:"
    return {
        section.removeprefix(prefix): settings[section]["name"]
        for section in settings.sections()
        if section.startswith(prefix)
    }


@pytest.fixture(scope="module")
def report_on_planted_tree(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What lint-imports says about a copy of the packages with one forbidden import for each contract."""
    copy = tmp_path_factory.mktemp("planted")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", copy)
    for module, forbidden_import in PLANTED.values():
        with (copy / module).open("a", encoding="utf-8") as source:
            source.write(f"\n{forbidden_import}\n")
    lint_imports = Path(sys.executable).with_name("lint-imports")
    command = [str(lint_imports), "--no-cache", "--no-logo"]
    result = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


def test_every_contract_has_a_planted_violation() -> None:
    assert list(PLANTED) == list(contracts())


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_breaks_its_contract(contract: str, report_on_planted_tree: str) -> None:
    assert f"{contracts()[contract]} BROKEN" in " ".join(report_on_planted_tree.split())
