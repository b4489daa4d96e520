"""report.html: one self-contained file that opens offline, rebuilt from the run folder alone."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from atm_sim.checks.result import failures_first, verdict
from atm_sim.report.view import RunView, clock, load, place_of

_TEMPLATES = Environment(
    loader=PackageLoader("atm_sim.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["clock"] = clock


def render(folder: Path) -> str:
    """The report of the run in `folder`, as HTML text."""
    return render_view(load(folder))


def render_view(view: RunView) -> str:
    checks = [(check, place_of(view, check)) for check in failures_first(view.checks)]
    return _TEMPLATES.get_template("report.html").render(
        view=view, manifest=view.manifest, verdict=verdict(view.checks), checks=checks
    )
