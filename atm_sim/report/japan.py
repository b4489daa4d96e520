"""A map of Japan with one tile a prefecture, as SVG: no outlines, no tiles from anywhere, one value for each.

Tiles lie about where the prefectures do (data/prefecture_tiles.csv); the darker, the higher the value.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

TILE, GAP = 56, 4
LEAST_SHADE, MOST_SHADE = 0.10, 0.95
_FILE = Path(__file__).parent / "data" / "prefecture_tiles.csv"


class Tile(NamedTuple):
    name: str
    ja: str
    en: str
    column: int
    row: int


@lru_cache(maxsize=1)
def tiles() -> tuple[Tile, ...]:
    """The 47 prefectures."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(
            Tile(row["name"], row["ja"], row["en"], int(row["column"]), int(row["row"]))
            for row in csv.DictReader(lines)
        )


def map_of(values: Mapping[str, float], words: Callable[[float], str], series: int = 1) -> Markup:
    """The map as SVG for HTML; a prefecture without a value is empty."""
    low, high = min(values.values(), default=0.0), max(values.values(), default=0.0)
    step = TILE + GAP
    width = (1 + max(tile.column for tile in tiles())) * step
    height = (1 + max(tile.row for tile in tiles())) * step
    drawn = [_tile(tile, values, words, low, high, series) for tile in tiles()]
    return Markup('<svg class="japan" viewBox="0 0 {} {}" role="img">{}</svg>').format(
        width, height, Markup("").join(drawn)
    )


def _tile(
    tile: Tile,
    values: Mapping[str, float],
    words: Callable[[float], str],
    low: float,
    high: float,
    series: int,
) -> Markup:
    value = values.get(tile.name)
    x, y = tile.column * (TILE + GAP), tile.row * (TILE + GAP)
    shade, told, dark = 0.0, "–", False
    if value is not None:
        share = (value - low) / (high - low) if high > low else 0.5
        shade, told = LEAST_SHADE + share * (MOST_SHADE - LEAST_SHADE), words(value)
        dark = shade > 0.7
    return Markup(
        '<g class="{kind}"><title>{name} {ja}: {told}</title>'
        '<rect x="{x}" y="{y}" width="{size}" height="{size}" rx="6" style="--shade: {shade:.3f}; --tone: '
        'var(--series-{series})"/>'
        '<text lang="en" x="{middle}" y="{first}">{en}</text><text lang="ja" x="{middle}" y="{first}">{ja}</text>'
        '<text class="value" x="{middle}" y="{second}">{told}</text></g>'
    ).format(
        kind="dark" if dark else "light" if value is not None else "none",
        name=tile.name,
        ja=tile.ja,
        en=tile.en,
        told=told,
        x=x,
        y=y,
        size=TILE,
        shade=shade,
        series=series,
        middle=x + TILE / 2,
        first=y + 24,
        second=y + 43,
    )
