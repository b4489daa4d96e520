"""What the benches' commands share: their short form, and the JSON object that is the last line of each."""

from __future__ import annotations

import json
import sys


def quick() -> bool:
    """Whether the command is to run so briefly that its figures say nothing (`--quick`): for tests."""
    return "--quick" in sys.argv[1:]


def tell_result(name: str, value: float, unit: str, baseline: float, *, less_is_better: bool = False) -> None:
    """Print the last line. The ratio says how many times as good as the baseline the value is."""
    ratio = baseline / value if less_is_better else value / baseline
    figures = {"value": value, "baseline": baseline, "ratio": ratio}
    value, baseline, ratio = (float(f"{figure:.4g}") for figure in figures.values())
    print(json.dumps({"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio}))
