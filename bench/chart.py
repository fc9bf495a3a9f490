"""Line charts with logarithmic axes as SVG, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Callable

WIDTH, HEIGHT = 460, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 28, 64, 52
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #333 }
  .title { font-size: 14px; font-weight: 600 }
  .grid { stroke: #ddd }
  .line { fill: none; stroke-width: 2 }
  .a { stroke: #b3541e } .b { stroke: #1f6fb2 } .c { stroke: #2c8047 }
  circle.a { fill: #b3541e } circle.b { fill: #1f6fb2 } circle.c { fill: #2c8047 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc }
    .grid { stroke: #444 }
    .a { stroke: #f0965a } .b { stroke: #6bb3ee } .c { stroke: #6fcf8d }
    circle.a { fill: #f0965a } circle.b { fill: #6bb3ee } circle.c { fill: #6fcf8d }
  }
"""
CLASSES = "abc"


@dataclass(frozen=True)
class Panel:
    """One chart: at each x the seconds of each series."""

    label: str
    points: Sequence[tuple[int, dict[str, float]]]

    def series(self) -> list[str]:
        return list(self.points[0][1])


def svg(title: str, panels: Sequence[Panel], spacing: int = 130) -> str:
    """The panels side by side, with one scale of seconds and one legend, whose names have so much room."""
    seconds = [value for panel in panels for _, values in panel.points for value in values.values()]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))
    width = max(WIDTH * len(panels), LEFT + spacing * len(panels[0].series()))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>',
        *legend(panels[0].series(), spacing),
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({number * WIDTH} 0)">', *draw(panel, low, high), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def legend(series: Sequence[str], spacing: int) -> list[str]:
    parts = []
    for number, (name, css) in enumerate(zip(series, CLASSES)):
        x = LEFT + number * spacing
        parts.append(f'<line class="line {css}" x1="{x}" x2="{x + 20}" y1="42" y2="42"/>')
        parts.append(f'<text x="{x + 26}" y="46">{escape(name)}</text>')
    return parts


def draw(panel: Panel, low: int, high: int) -> list[str]:
    """Seconds from 10^low to 10^high."""
    xs = [x for x, _ in panel.points]
    across = scale(math.log10(xs[0]), math.log10(xs[-1]), LEFT, WIDTH - RIGHT)
    up = scale(low, high, HEIGHT - BOTTOM, TOP)
    parts = []
    for exponent in range(low, high + 1):
        y = up(exponent)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{time_label(exponent)}</text>')
    for x in xs:
        position = across(math.log10(x))
        parts.append(f'<line class="grid" x1="{position:.1f}" x2="{position:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{position:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:,}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(panel.label)}</text>')
    for name, css in zip(panel.series(), CLASSES):
        points = [(across(math.log10(x)), up(math.log10(values[name]))) for x, values in panel.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line {css}" points="{path}"/>')
        parts += [f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points]
    return parts


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def time_label(exponent: int) -> str:
    """1 ms to 100 s."""
    return f"{10 ** (exponent + 3):,} ms" if exponent < 0 else f"{10**exponent:,} s"
