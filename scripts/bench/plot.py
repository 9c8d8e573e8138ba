"""Recall against speed as an SVG: one line per engine. Both axes are logarithmic, that of recall in what is missing: from .9 to
.99 is as far as from .99 to .999."""

import math
from html import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 860, 460, 70, 46, 210, 50
TICKS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]
MISSING_MAX, MISSING_MIN = 0.2, 0.0007
COLOURS = ["#c2410c", "#ea580c", "#fb923c", "#1d4ed8", "#0e7490", "#6d28d9", "#15803d", "#86198f", "#57534e", "#0f766e"]


def plot(title, lines):
    """`lines`: {engine: [(recall, queries a second), ...]}; the first ones, Rhumb's, are drawn thicker."""
    shown = {name: [p for p in points if p[0] >= 1 - MISSING_MAX] for name, points in lines.items()}
    speeds = [speed for points in shown.values() for _, speed in points]
    low, high = math.floor(math.log10(min(speeds)) * 4) / 4, math.ceil(math.log10(max(speeds)) * 4) / 4
    along = lambda recall: math.log(MISSING_MAX / max(1 - recall, MISSING_MIN)) / math.log(MISSING_MAX / MISSING_MIN)
    x = lambda recall: LEFT + along(recall) * (WIDTH - LEFT - RIGHT)
    y = lambda speed: HEIGHT - BOTTOM - (math.log10(speed) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 26, title, size=15),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "recall@10", anchor="middle"),
        f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        "queries a second, one core</text>",
    ]
    for recall in TICKS:
        parts += [rule(x(recall), TOP, x(recall), HEIGHT - BOTTOM), text(x(recall), HEIGHT - 32, f"{recall:g}", anchor="middle")]
    for speed in (base * 10**power for power in range(1, 7) for base in (1, 2, 5)):
        if low <= math.log10(speed) <= high:
            parts += [rule(LEFT, y(speed), WIDTH - RIGHT, y(speed)), text(LEFT - 8, y(speed) + 4, f"{speed:,}", anchor="end")]
    for number, (name, points) in enumerate(shown.items()):
        colour, width = COLOURS[number % len(COLOURS)], 3 if name.startswith("Rhumb") else 1.5
        path = " ".join(f"{x(recall):.1f},{y(speed):.1f}" for recall, speed in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts += [f'<circle cx="{x(r):.1f}" cy="{y(s):.1f}" r="{width}" fill="{colour}"/>' for r, s in points]
        line = TOP + 12 + 22 * number
        parts.append(rule(WIDTH - RIGHT + 16, line - 4, WIDTH - RIGHT + 40, line - 4, colour, width))
        parts.append(text(WIDTH - RIGHT + 48, line, name))
    return "\n".join([*parts, "</svg>", ""])


def rule(x1, y1, x2, y2, colour="#e5e7eb", width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def text(x, y, words, anchor="start", size=13):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
