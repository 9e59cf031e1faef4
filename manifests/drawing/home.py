"""What stands in a home: lamp, armchair, candle, perfume, vase."""

from __future__ import annotations

import numpy as np

from drawing import paint as pt
from drawing import shapes as sh
from drawing.tracer import Camera, Part, Scene


def lamp() -> Scene:
    """A table lamp with a linen shade, switched on."""
    base = sh.lathe([(0, 0), (0.4, 0), (0.42, 0.03), (0.4, 0.06), (0.06, 0.09), (0, 0.09)], smooth=False)
    stem = sh.lathe(
        [(0, 0.05), (0.05, 0.08), (0.1, 0.3), (0.19, 0.5), (0.15, 0.68), (0.05, 0.85), (0.035, 1.2), (0, 1.2)]
    )
    cone = sh.lathe([(0, 1.0), (0.62, 1.0), (0.4, 1.72), (0, 1.72)], smooth=False)
    core = sh.lathe([(0, 0.9), (0.63, 0.9), (0.37, 1.8), (0, 1.8)], smooth=False)
    shade = sh.without(cone, core)
    linen = pt.cloth("#f2e2c4", 90, 0.18)
    parts = [
        Part(base, pt.flat("#c79a55"), metal=True),
        Part(stem, pt.flat("#274b45"), gloss=0.07),
        Part(shade, linen, gloss=0.01, glow=0.42),
    ]
    return Scene(parts, Camera((0.0, 1.55, 6.4), (0, 0.82, 0), 24), bounds=((0, 0.87, 0), 1.15))


def armchair() -> Scene:
    """An upholstered armchair on oak legs."""
    seat = sh.moved(sh.box(1.2, 0.3, 1.05, 0.08), 0, 0.42, 0.03)
    cushion = sh.moved(sh.box(1.0, 0.24, 0.98, 0.1), 0, 0.65, 0.1)
    back = sh.moved(sh.turned(sh.box(1.3, 1.05, 0.28, 0.12), -9, "x"), 0, 0.98, -0.48)
    arms = sh.joined(*(sh.moved(sh.box(0.24, 0.62, 1.12, 0.1), x, 0.62, 0.03) for x in (-0.66, 0.66)))
    pillow = sh.moved(sh.turned(sh.box(0.62, 0.5, 0.16, 0.079), -14, "x"), 0.05, 0.98, -0.24)
    legs = sh.joined(
        *(sh.rod((x, 0.3, z), (x * 1.1, 0.03, z * 1.12), 0.04) for x in (-0.52, 0.52) for z in (-0.4, 0.45))
    )
    fabric = pt.cloth("#c2703d", 120, 0.35)
    frame = sh.joined(sh.melted(seat, back, 0.05), arms)
    parts = [
        Part(sh.turned(frame, 28), fabric, gloss=0.01),
        Part(sh.turned(cushion, 28), pt.cloth("#c97a46", 120, 0.35), gloss=0.01),
        Part(sh.turned(pillow, 28), pt.cloth("#e8dcc6", 130, 0.3), gloss=0.01),
        Part(sh.turned(legs, 28), pt.wood("#a9794a", "#7d5430", along="y")),
    ]
    return Scene(parts, Camera((0, 2.2, 7.0), (0, 0.72, 0), 22), bounds=((0, 0.75, 0), 1.35))


def candle() -> Scene:
    """A scented candle in amber glass, burning."""
    jar = sh.lathe(
        [(0, 0), (0.44, 0), (0.5, 0.05), (0.5, 1.0), (0.47, 1.02), (0.44, 1.0), (0.44, 0.86), (0, 0.84)], smooth=False
    )
    wax = sh.lathe([(0, 0.8), (0.44, 0.82), (0.44, 0.85), (0.1, 0.87), (0, 0.86)], smooth=False)
    wick = sh.rod((0, 0.8, 0), (0.01, 1.0, 0), 0.014)
    flame = sh.moved(sh.lathe([(0, 0), (0.05, 0.06), (0.06, 0.12), (0.03, 0.24), (0, 0.34)]), 0, 0.97)
    sheet = pt.label(
        (800, 560),
        "#f7f2e8",
        "#3a2a1c",
        [("No. 7", 120, 130), ("AMBER & FIG", 92, 270), ("scented soy candle", 56, 370), ("220 g  ·  45 h", 56, 460)],
        8,
    )
    glass = pt.printed(pt.flat("#a5561c"), sheet, pt.around(0.22, 0.74, 1.5))
    parts = [
        Part(jar, glass, gloss=0.06),
        Part(wax, pt.flat("#f3dfb4"), glow=0.35),
        Part(wick, pt.flat("#2b2118")),
        Part(flame, pt.flat("#ffc861"), glow=2.2, gloss=0.0),
    ]
    return Scene(parts, Camera((0, 1.9, 6.2), (0, 0.62, 0), 17), bounds=((0, 0.65, 0), 0.95))


def perfume() -> Scene:
    """A flacon of rose water with a golden cap."""
    flacon = sh.moved(sh.box(0.95, 1.05, 0.42, 0.09), 0, 0.525)
    neck = sh.moved(sh.lathe([(0, 0), (0.16, 0), (0.16, 0.14), (0, 0.14)], smooth=False), 0, 1.03)
    cap = sh.moved(sh.box(0.42, 0.4, 0.36, 0.05), 0, 1.35)
    print_ = pt.label(
        (800, 700), None, "#5c2233", [("ROSALIE", 160, 220), ("eau de parfum", 84, 370), ("50 ml", 74, 520)]
    )
    tinted = pt.striped(pt.flat("#f0a9b4"), pt.flat("#f8dfe2"), lambda p: p[1] - 0.86)
    glass = pt.printed(tinted, print_, pt.in_front((0, 0.5), 0.78, 0.68, 0.15))
    parts = [
        Part(flacon, glass, gloss=0.07, glass=0.75),
        Part(neck, pt.flat("#d8b56a"), metal=True),
        Part(cap, pt.flat("#dcb96c"), metal=True),
    ]
    parts = [
        Part(sh.turned(part.solid, 16), pt.turned(part.paint, 16), part.gloss, part.metal, part.glass) for part in parts
    ]
    return Scene(parts, Camera((0, 1.5, 6.2), (0, 0.74, 0), 18), bounds=((0, 0.78, 0), 1.0))


def vase() -> Scene:
    """A ribbed vase in matt ochre with three eucalyptus twigs."""
    outline = [
        (0, 0),
        (0.3, 0),
        (0.46, 0.2),
        (0.52, 0.5),
        (0.42, 0.85),
        (0.2, 1.05),
        (0.19, 1.15),
        (0.25, 1.24),
        (0.2, 1.24),
        (0.15, 1.15),
        (0, 1.1),
    ]
    smooth = sh.lathe(outline)

    def ribbed(p: sh.Points) -> sh.Distances:
        d = smooth(p)
        # Ribs fade away from the surface: a wavy distance would draw rays into the soft shadow on the floor.
        rib = 0.012 * np.clip(sh.length(p[0], p[2]) / 0.4, 0, 1) * np.clip(1 - 8 * np.abs(d), 0, 1)
        return (d + rib * np.cos(22 * np.arctan2(p[0], p[2]))) * 0.8

    twigs, leaves = [], []
    for lean, turn in ((-0.34, 10), (0.06, 150), (0.4, 265)):
        tip = (lean, 2.0 - abs(lean) * 0.5, 0.12 * np.cos(turn))
        twigs.append(sh.rod((lean * 0.1, 1.0, 0), tip, 0.014))
        for n in range(5):
            share = 0.4 + 0.14 * n
            x, y, z = lean * 0.1 + (tip[0] - lean * 0.1) * share, 1 + (tip[1] - 1) * share, tip[2] * share
            side = 1 if n % 2 else -1
            leaf = sh.turned(sh.turned(sh.ball(0.11 - 0.008 * n, 1, 0.75, 0.12), side * 25, "z"), side * 30 + turn % 40)
            leaves.append(sh.moved(leaf, x + side * 0.1, y + 0.03, z))
    parts = [
        Part(
            ribbed,
            pt.striped(pt.flat("#d3a04a"), pt.flat("#cb9743"), lambda p: 0.02 * pt.cloud(p, 6) - 0.01),
            gloss=0.02,
        ),
        Part(sh.joined(*twigs), pt.flat("#6b5a3c")),
        Part(sh.joined(*leaves), pt.flat("#7f9c86"), gloss=0.025),
    ]
    return Scene(parts, Camera((0, 1.7, 6.6), (0, 1.0, 0), 22), bounds=((0, 1.0, 0), 1.3))
