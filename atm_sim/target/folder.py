"""The run folder of `atm-sim test --target`: what was asked of which host, and what became of each step.

manifest.json says what was run, results.json what became of it, junit.xml the same for CI. Of the profile its name,
digest, dialect and BINs are written, never a key, a card or a PIN; every text is masked once more (I22).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from atm_sim.records.masking import masked, masked_tree
from atm_sim.target.profile import Profile
from atm_sim.target.suite import CaseDone, junit_of

MANIFEST, RESULTS, JUNIT = "manifest.json", "results.json", "junit.xml"
_OURS: Final = {MANIFEST, RESULTS, JUNIT}


def is_anothers(folder: Path) -> bool:
    """Whether anything stands there that no earlier run wrote."""
    return folder.is_dir() and any(each.name not in _OURS for each in folder.iterdir())


def manifest(done: Sequence[CaseDone], target: str, profile: Profile, version: str) -> dict[str, Any]:
    """What was run against whom, for whoever opens the folder later."""
    written = profile.path.is_file()
    scenarios = {case.path.as_posix(): _sha256(case.path) for case in done}
    return {
        "target": target,
        "versions": {"atm-sim": version},
        "profile": profile.path.name if written else "",
        "profile_sha256": _sha256(profile.path) if written else "",
        "dialect": profile.dialect.name,
        "allow_bins": list(profile.allow_bins),
        "cards": len(profile.cards),
        "card_policy": profile.card_policy,
        "books": "open" if profile.bank_database else "closed",
        "scenarios": scenarios,
    }


def write(folder: Path, facts: dict[str, Any], results: dict[str, Any], done: Sequence[CaseDone]) -> None:
    """The three files, over those of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(_json(facts), encoding="utf-8")
    (folder / RESULTS).write_text(_json(results), encoding="utf-8")
    (folder / JUNIT).write_text(masked(junit_of(done)), encoding="utf-8")


def _json(data: dict[str, Any]) -> str:
    return json.dumps(masked_tree(data), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
