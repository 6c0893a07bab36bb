"""Small static charts as SVG text, readable on light and dark pages, without scripts."""
import math
from html import escape

COLOURS = {
    "eddy": "#0072b2", "eddy-precise": "#56b4e9", "malloc": "#777777", "atomic": "#aaaaaa", "boehm": "#d55e00",
    "boehm-incremental": "#e69f00", "java-parallel": "#009e73", "java-g1": "#33bb99", "java-zgc": "#77ccaa",
    "go": "#cc79a7", "nim": "#b8a000", "cpython": "#8855cc",
}
STYLE = """<style>
text{font:12px system-ui,sans-serif;fill:#222}
.title{font-weight:600;font-size:14px}.small{font-size:11px;fill:#666}.grid{stroke:#ddd}.axis{stroke:#888}
@media(prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}.grid{stroke:#444}.axis{stroke:#888}}
</style>"""


def number(value):
    """A figure with three digits."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def document(width, height, parts, title):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'role="img" aria-label="{escape(title, True)}">')
    return "\n".join([head, STYLE, f'<text class="title" x="8" y="20">{escape(title)}</text>', *parts, "</svg>"]) + "\n"


def bars(title, panels):
    """Panels side by side, each (heading, {contender: value or None}); a row for each contender. Shorter is better."""
    names = [name for name in COLOURS if any(name in values for _, values in panels)]
    left, panel, row, top = 130, 200, 20, 56
    width, height = left + panel * len(panels) + 8, top + row * len(names) + 10
    parts = []
    for i, name in enumerate(names):
        parts.append(f'<text x="{left - 8}" y="{top + row * i + 13}" text-anchor="end">{escape(name)}</text>')
    for p, (heading, values) in enumerate(panels):
        x = left + panel * p
        most = max((v for v in values.values() if v is not None), default=0)
        parts.append(f'<text class="small" x="{x}" y="{top - 12}">{escape(heading)}</text>')
        parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{top - 4}" y2="{height - 8}"/>')
        for i, name in enumerate(names):
            value = values.get(name)
            y = top + row * i
            if value is None:
                parts.append(f'<text class="small" x="{x + 4}" y="{y + 13}">–</text>')
                continue
            length = 0 if most == 0 else (panel - 70) * value / most
            parts.append(f'<rect x="{x}" y="{y + 2}" width="{length:.1f}" height="{row - 6}" fill="{COLOURS[name]}"/>')
            parts.append(f'<text class="small" x="{x + length + 4:.1f}" y="{y + 13}">{number(value)}</text>')
    return document(width, height, parts, title)


def ticks(least, most):
    """Powers of ten that enclose a range, and what lies between them at 2 and 5 if there are few."""
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    high = max(high, low + 1)
    steps = (1, 2, 5) if high - low <= 2 else (1,)
    return [s * 10.0 ** e for e in range(low, high) for s in steps] + [10.0 ** high]


def lines(title, x_label, y_label, series):
    """Lines on logarithmic axes: {contender: [(x, y)]}, all positive. Lower is better."""
    points = [point for line in series.values() for point in line]
    left, top, plot_width, plot_height = 70, 40, 460, 260
    width, height = left + plot_width + 160, top + plot_height + 50
    if not points:
        return document(width, height, ['<text x="8" y="60">no figures</text>'], title)
    xs = sorted({x for x, _ in points})
    grid = ticks(min(y for _, y in points), max(y for _, y in points))

    def place(value, low, high, begin, length):
        return begin + (length / 2 if low == high else
                        length * (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)))

    def at(x, y):
        return (place(x, xs[0], xs[-1], left, plot_width),
                top + plot_height - place(y, grid[0], grid[-1], 0, plot_height))

    parts = [f'<text class="small" x="{left}" y="{top - 4}">{escape(y_label)}</text>',
             f'<text class="small" x="{left + plot_width / 2}" y="{height - 10}" text-anchor="middle">{escape(x_label)}</text>']
    for value in grid:
        y = at(xs[0], value)[1]
        parts.append(f'<line class="grid" x1="{left}" x2="{left + plot_width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="small" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in xs:
        x = at(value, grid[0])[0]
        parts.append(f'<text class="small" x="{x:.1f}" y="{top + plot_height + 18}" text-anchor="middle">{value:g}</text>')
    for i, name in enumerate(name for name in COLOURS if series.get(name)):
        places = [at(x, y) for x, y in sorted(series[name])]
        colour = COLOURS[name]
        thick = 3 if name == "eddy" else 1.5
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        y = top + 10 + 18 * i
        parts.append(f'<rect x="{left + plot_width + 14}" y="{y - 8}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{left + plot_width + 30}" y="{y + 1}">{escape(name)}</text>')
    return document(width, height, parts, title)
