"""The words with a look: colours, grounds, places, times of day and moods.  Data only."""

from dataclasses import dataclass

Colour = str
"""Hexadecimal sRGB, "#rrggbb"."""

COLOUR_WORDS: dict[str, Colour] = {
    "white": "#f2f0ec", "ivory": "#f1ead8", "cream": "#efe3c8", "beige": "#d8c3a5", "sand": "#d9c39a",
    "tan": "#c8a27a", "brown": "#7a5639", "chocolate": "#4f3426", "terracotta": "#c4704f", "rust": "#a4512e",
    "orange": "#e08a3c", "amber": "#d9982f", "gold": "#c9a24b", "golden": "#d8ac52", "yellow": "#ecc94f",
    "mustard": "#c99a2e", "peach": "#f2bd9b", "coral": "#ee8a73", "red": "#b8322f", "burgundy": "#6b1f2b",
    "pink": "#eeb4bf", "rose": "#dc9aa3", "blush": "#eac4bd", "magenta": "#b8348a", "purple": "#6d4a92",
    "violet": "#7a5ba8", "lavender": "#bcb0dc", "lilac": "#c9b2d8", "navy": "#22304f", "blue": "#4a78b5",
    "azure": "#5fa4d8", "turquoise": "#45b3ad", "teal": "#2f7d7b", "cyan": "#58bfd0", "mint": "#b5dcc6",
    "green": "#5d8a58", "sage": "#a3b096", "olive": "#7d7a4a", "emerald": "#2d7a58", "grey": "#9b9b9a",
    "gray": "#9b9b9a", "silver": "#bfc1c3", "charcoal": "#3c3d40", "black": "#1b1b1d", "pastel": "#e6d7df",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Touch:
    """What one word adds to the set: any of wall, floor and light colour, a ground, an accent, a brightness."""

    wall: Colour | None = None
    floor: Colour | None = None
    light: Colour | None = None
    ground: str | None = None
    accent: str | None = None
    level: float = 1.0


WORDS: dict[str, Touch] = {
    # grounds
    "wood": Touch(floor="#9a6f47", ground="wood"), "wooden": Touch(floor="#9a6f47", ground="wood"),
    "oak": Touch(floor="#b98d5c", ground="wood"), "walnut": Touch(floor="#5d4130", ground="wood"),
    "pine": Touch(floor="#cfa878", ground="wood"), "table": Touch(floor="#8d6b4c", ground="wood"),
    "desk": Touch(floor="#94714f", ground="wood"), "marble": Touch(floor="#e6e3df", ground="stone"),
    "stone": Touch(floor="#a39b90", ground="stone"), "rock": Touch(floor="#857d72", ground="stone"),
    "concrete": Touch(wall="#b9b7b2", floor="#a5a39e", ground="stone"),
    "slate": Touch(floor="#4d5257", ground="stone"), "granite": Touch(floor="#77757a", ground="stone"),
    "sand": Touch(floor="#dcc296", ground="sand"), "beach": Touch("#a8d2e2", "#e3cb9d", "#fff1d6", "sand"),
    "desert": Touch("#e9c39b", "#d6a468", "#ffe0b0", "sand"), "snow": Touch("#cfdeea", "#f0f5fa", "#e6f0ff", "sand"),
    "linen": Touch(floor="#e2d8c6", ground="cloth"), "silk": Touch(floor="#e4cfc6", ground="cloth"),
    "velvet": Touch(floor="#54233a", ground="cloth"), "rug": Touch(floor="#b7a48d", ground="cloth"),
    "carpet": Touch(floor="#a89883", ground="cloth"), "asphalt": Touch(floor="#55565a", ground="sand"),
    "street": Touch("#8f949b", "#5c5d61", ground="sand", accent="bokeh"),
    "grass": Touch(floor="#6d9148", ground="sand"), "water": Touch("#9cc6d6", "#4f93ac", ground="water"),
    "sea": Touch("#a4cfe4", "#3f86a6", ground="water"), "ocean": Touch("#98c6e2", "#2f7499", ground="water"),
    "lake": Touch("#b4cfd6", "#54869a", ground="water"), "pool": Touch("#bfe6ee", "#4fb9d0", ground="water"),
    # places
    "kitchen": Touch("#e9e2d5", "#cbb79b", "#fff4e2", "stone", "window"),
    "bathroom": Touch("#dfeaea", "#e9ecea", "#f4fbff", "stone"), "spa": Touch("#dbe2d3", "#b89f7c", None, "stone"),
    "living": Touch("#dccdb8", "#a77f58", "#ffe9cc", "wood", "window"),
    "bedroom": Touch("#e4d6cc", "#cdb59c", "#ffe8d2", "cloth", "window"),
    "room": Touch("#dfd5c6", "#ab8862", None, "wood"), "office": Touch("#d5dade", "#8e8378", "#f2f7ff"),
    "studio": Touch("#d9d9d8", "#cfcfce"), "gym": Touch("#6a6e75", "#35373b", "#eaf1ff"),
    "cafe": Touch("#8a6348", "#5b3f2d", "#ffd9a6", "wood", "bokeh"),
    "library": Touch("#6a4a35", "#4a3224", "#ffd9a6", "wood"),
    "garden": Touch("#8fb276", "#7d9a58", "#fff6dc", "sand", "foliage"),
    "forest": Touch("#4c6b48", "#5d5138", "#e9f0cf", "sand", "foliage"),
    "jungle": Touch("#3f6b44", "#4b4a33", "#eaf3cf", "sand", "foliage"),
    "park": Touch("#9cbf86", "#7c9a58", "#fff6dc", "sand", "foliage"),
    "plant": Touch(accent="foliage"), "leaf": Touch(accent="foliage"), "leaves": Touch(accent="foliage"),
    "flower": Touch("#f0d3d8", accent="foliage"), "mountain": Touch("#a9bccb", "#7c8077", "#f2f6ff", "stone"),
    "sky": Touch("#9cc7ec"), "cloud": Touch("#cfdfec"), "city": Touch("#66728a", "#4a4d55", accent="bokeh"),
    "space": Touch("#12131f", "#1d1e2b", "#bfcaff", level=0.7),
    "outdoor": Touch("#a9cbe0", "#93a06c", "#fff6dc", "sand"),
    # light and mood
    "sunset": Touch("#eda06a", light="#ffb26b", level=0.9), "sunrise": Touch("#f4c3a0", light="#ffc994"),
    "dusk": Touch("#7f7299", light="#e9b7b4", level=0.75), "dawn": Touch("#e6c6c4", light="#ffdcc8"),
    "morning": Touch(light="#fff0d2", accent="window", level=1.08), "window": Touch(accent="window"),
    "sunlight": Touch(light="#fff0cf", accent="window", level=1.1),
    "sunny": Touch(light="#fff0cf", accent="window", level=1.1),
    "sun": Touch(light="#fff0cf", level=1.08), "candle": Touch(light="#ffc786", level=0.8),
    "fire": Touch(light="#ffb066", level=0.8), "warm": Touch(light="#ffdfb4"),
    "cozy": Touch("#d6b593", light="#ffdcae"),
    "cosy": Touch("#d6b593", light="#ffdcae"), "cool": Touch(light="#dbe9ff"), "cold": Touch(light="#d3e5ff"),
    "winter": Touch("#cbd8e4", light="#e1ecff"), "summer": Touch("#bfe0ea", light="#fff3d2", level=1.08),
    "autumn": Touch("#c98f55", "#8a5b36", "#ffe0b0"), "fall": Touch("#c98f55", "#8a5b36", "#ffe0b0"),
    "spring": Touch("#cfe3c0", light="#fffbe6"), "christmas": Touch("#7d2a2c", "#4d3326", "#ffd9a0", "wood", "bokeh"),
    "night": Touch("#1f2638", "#262a36", "#c2d0ff", level=0.55), "dark": Touch("#2c2b2e", "#242326", level=0.6),
    "moody": Touch("#3d3a3c", "#332f2e", level=0.6), "dramatic": Touch("#37363a", "#2b2a2c", level=0.65),
    "luxury": Touch("#2a2523", "#1f1b1a", "#ffdf9f", "stone", level=0.8), "elegant": Touch("#cfc6bb", "#b8ada0"),
    "minimal": Touch("#e6e4e0", "#dedbd6"), "minimalist": Touch("#e6e4e0", "#dedbd6"),
    "minimalistic": Touch("#e6e4e0", "#dedbd6"), "bright": Touch(level=1.12), "soft": Touch(level=1.04),
    "neon": Touch("#2c1c4a", "#1b1430", "#ff8bf0", accent="bokeh", level=0.85),
    "party": Touch("#8b4a7a", accent="bokeh"), "bokeh": Touch(accent="bokeh"), "fog": Touch("#c6cccf", "#b5babb"),
    "vintage": Touch("#c9b08a", "#8d6a46", "#ffe3b8"), "rustic": Touch("#b59a7a", "#80593a", "#ffe6c4", "wood"),
    "industrial": Touch("#8d8a86", "#6c6964", None, "stone"), "futuristic": Touch("#2b3852", "#1c2333", "#a9d4ff"),
    "tech": Touch("#34415a", "#232a38", "#c3deff"), "modern": Touch("#d3d1cd", "#b9b3aa"),
}  # fmt: skip
"""Words with a look.  Nouns are matched in the singular too."""

CALM: tuple[tuple[Colour, Colour], ...] = (
    ("#ddd5c9", "#cbbfae"), ("#cfd8d8", "#b9c4c3"), ("#dcd0d2", "#c6b6b8"),
    ("#d3d7c9", "#bcc2ae"), ("#d2d3de", "#bbbdcb"), ("#e2d6c2", "#cfbe9f"),
)  # fmt: skip
"""Walls and floors for prompts without any known word; which one follows from the prompt."""
