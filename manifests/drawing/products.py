"""The twelve products of the sample catalogue, each a Scene on a white sweep, by name."""

from drawing.home import armchair, candle, lamp, perfume, vase
from drawing.kitchen import bottle, bowl, mug, tin
from drawing.worn import backpack, sneaker, watch

PRODUCTS = {
    "mug": mug,
    "bottle": bottle,
    "sneaker": sneaker,
    "lamp": lamp,
    "armchair": armchair,
    "backpack": backpack,
    "candle": candle,
    "watch": watch,
    "perfume": perfume,
    "bowl": bowl,
    "vase": vase,
    "tin": tin,
}
