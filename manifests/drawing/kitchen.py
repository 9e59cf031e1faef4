"""What stands in a kitchen: mug, bottle, bowl, tin."""

from __future__ import annotations

import numpy as np

from drawing import paint as pt
from drawing import shapes as sh
from drawing.tracer import Camera, Part, Scene


def mug() -> Scene:
    """A glazed stoneware mug with a raw foot."""
    outer = sh.lathe([(0, 0), (0.5, 0), (0.58, 0.05), (0.6, 0.4), (0.6, 1.25), (0.585, 1.3), (0, 1.3)], smooth=False)
    inner = sh.lathe([(0, 0.1), (0.48, 0.12), (0.54, 0.25), (0.54, 1.5), (0, 1.5)], smooth=False)
    body = sh.without(outer, inner, 0.03)
    grip = sh.moved(sh.ring(0.36, 0.075, 1.3), 0.66, 0.68)
    grip = sh.without(grip, sh.moved(sh.lathe([(0, 0), (0.56, 0), (0.56, 2), (0, 2)], smooth=False), 0, -0.2))
    glaze = pt.striped(pt.flat("#2a7780"), pt.flat("#256d76"), lambda p: 0.02 * pt.cloud(p, 5) - 0.01)
    raw = pt.striped(glaze, pt.flat("#b98d63"), lambda p: 0.2 + 0.03 * pt.noise(p, 4) - p[1])
    speckled = pt.striped(raw, pt.flat("#22302f"), lambda p: pt.noise(p, 34) - 0.88)
    mug = sh.turned(sh.melted(body, grip, 0.06), -28)
    return Scene([Part(mug, speckled, gloss=0.06)], Camera((0, 2.0, 6.2), (0.13, 0.62, 0), 20.5))


def bottle() -> Scene:
    """A green glass bottle of olive oil with a paper label."""
    outline = [
        (0, 0),
        (0.33, 0),
        (0.37, 0.05),
        (0.37, 0.95),
        (0.34, 1.15),
        (0.17, 1.36),
        (0.12, 1.5),
        (0.115, 1.78),
        (0, 1.78),
    ]
    glass = sh.lathe(outline, smooth=False)
    sheet = pt.label(
        (900, 900),
        "#f4eee0",
        "#25351f",
        [
            ("OLIVA VERDE", 112, 190),
            ("extra virgin olive oil", 62, 300),
            ("~", 90, 400),
            ("COLD PRESSED", 66, 500),
            ("harvest 2026", 58, 600),
            ("500 ml", 88, 750),
        ],
        10,
    )
    coloured = pt.printed(pt.flat("#2c4a22"), sheet, pt.around(0.2, 0.92, 1.95))
    cap = sh.moved(sh.lathe([(0, 0), (0.135, 0), (0.135, 0.24), (0.12, 0.26), (0, 0.26)], smooth=False), 0, 1.68)
    paper = sh.lathe([(0, 0.2), (0.386, 0.2), (0.386, 0.92), (0, 0.92)], smooth=False)
    facing = sh.common(paper, lambda p: np.float32(0.215) - p[2])
    parts = [
        Part(glass, pt.flat("#3c5c28"), gloss=0.07, glass=0.55),
        Part(facing, coloured, gloss=0.015),
        Part(cap, pt.flat("#1c1c1a"), gloss=0.05),
    ]
    return Scene(parts, Camera((0, 1.5, 6.4), (0, 0.95, 0), 21), bounds=((0, 0.97, 0), 1.15))


def bowl() -> Scene:
    """A turned walnut salad bowl."""
    profile = [
        (0, 0),
        (0.38, 0),
        (0.42, 0.03),
        (0.62, 0.2),
        (0.88, 0.48),
        (1.0, 0.78),
        (0.97, 0.8),
        (0.93, 0.77),
        (0.8, 0.5),
        (0.55, 0.25),
        (0.3, 0.14),
        (0, 0.12),
    ]
    shell = sh.lathe(profile)
    return Scene(
        [Part(shell, pt.wood("#9a6a43", "#5c3a22", rings=6), gloss=0.035)],
        Camera((0, 2.9, 6.2), (0, 0.34, 0), 20),
        bounds=((0, 0.4, 0), 1.15),
    )


def tin() -> Scene:
    """A round tea tin with a printed label."""
    body = sh.lathe([(0, 0), (0.46, 0), (0.48, 0.02), (0.48, 1.02), (0.46, 1.04), (0, 1.04)], smooth=False)
    lid = sh.lathe(
        [(0, 0.98), (0.5, 0.98), (0.505, 1.0), (0.505, 1.22), (0.49, 1.25), (0.3, 1.27), (0, 1.27)], smooth=False
    )
    sheet = pt.label(
        (1100, 760),
        "#efe4cd",
        "#7b1e22",
        [("TEEHAUS", 180, 180), ("Sencha · loose leaf", 74, 330), ("ORGANIC", 96, 480), ("125 g", 84, 620)],
        10,
    )
    printed = pt.printed(pt.flat("#9b2a2e"), sheet, pt.around(0.18, 0.84, 1.9))
    return Scene(
        [Part(body, printed, gloss=0.04), Part(lid, pt.flat("#c9a35c"), metal=True)],
        Camera((0, 2.0, 6.2), (0, 0.62, 0), 18),
        bounds=((0, 0.65, 0), 0.95),
    )
