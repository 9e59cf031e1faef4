"""What the five pages say, as it must stand in the endpoint files: a second, independent copy."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.endpoints import BadParameters, every, get
from pipeline.errors import RecipeError

PAGES: dict[str, dict[str, Any]] = {
    "segmind-relighting-v2": {
        "required": {"image", "light_direction", "light_intensity", "light_temperature", "light_type"},
        "images": {"image"},
        "defaults": {
            "background": "opaque",
            "output_compression": 100,
            "output_format": "png",
            "quality": "high",
            "size": "auto",
            "use_case_config": None,
        },
        "ranges": {},
        "lists": {
            "light_direction": {"left", "right", "top", "back"},
            "light_intensity": {"mood", "bright", "medium", "strong"},
            "light_temperature": {"warm", "cool", "neutral", "sunset"},
            "light_type": {"softbox", "sunlight", "spotlight", "ambient"},
            "background": {"transparent", "opaque"},
            "output_format": {"png", "jpeg", "webp"},
            "quality": {"low", "medium", "high"},
            "size": {"1024x1024", "1536x1024", "1024x1536", "auto"},
        },
        "inferred": {},
    },
    "ic-light": {
        "required": {"prompt", "subject_image"},
        "images": {"subject_image"},
        "defaults": {
            "appended_prompt": "best quality",
            "cfg": 2,
            "height": 640,
            "highres_denoise": 0.5,
            "highres_scale": 1.5,
            "light_source": "None",
            "lowres_denoise": 0.9,
            "negative_prompt": "lowres, bad anatomy, bad hands, cropped, worst quality",
            "number_of_images": 1,
            "output_format": "webp",
            "output_quality": 80,
            "seed": None,
            "steps": 25,
            "width": 512,
        },
        "ranges": {
            "cfg": (1, 32),
            "highres_denoise": (0.1, 1),
            "highres_scale": (1, 3),
            "lowres_denoise": (0.1, 1),
            "number_of_images": (1, 12),
            "output_quality": (0, 100),
            "steps": (1, 100),
        },
        "lists": {
            "light_source": {"None", "Left Light", "Right Light", "Top Light", "Bottom Light"},
            "output_format": {"webp", "jpg", "png"},
        },
        "inferred": {"width": 13, "height": 13},
    },
    "seg-swap": {
        "required": {"main_image", "mask_image", "object_image"},
        "images": {"main_image", "mask_image", "object_image"},
        "defaults": {
            "base64": False,
            "fashion_strength": 1,
            "growmask": 5,
            "horizontal_repeat": 1,
            "image_format": "png",
            "image_quality": 95,
            "prompt": None,
            "seed": 42,
            "steps": 30,
            "subject_strength": 1,
            "vertical_repeat": 1,
        },
        "ranges": {
            "fashion_strength": (0, 1),
            "growmask": (0, 20),
            "horizontal_repeat": (1, 10),
            "image_quality": (10, 100),
            "steps": (10, 100),
            "subject_strength": (0, 1),
            "vertical_repeat": (1, 10),
        },
        "lists": {"image_format": {"jpeg", "png", "webp"}},
        "inferred": {},
    },
    "segmind-scenecraft-v01": {
        "required": {"image", "prompt"},
        "images": {"image"},
        "defaults": {
            "aspect_ratio": "16:9 (Panorama)",
            "dropshadow": True,
            "guidance_scale": 7,
            "image_format": "jpeg",
            "image_quality": 90,
            "megapixel": "1.5",
            "negative_prompt": "blur, CGI, animated",
            "scale": 0.65,
            "seed": -1,
            "steps": 40,
            "upscale": False,
            "x_value": 50,
            "y_value": 50,
        },
        "ranges": {
            "guidance_scale": (1, 20),
            "image_quality": (10, 100),
            "scale": (0, 1),
            "steps": (1, 50),
            "x_value": (1, 100),
            "y_value": (1, 100),
        },
        "lists": {"image_format": {"png", "jpeg", "webp"}},
        "inferred": {"aspect_ratio": 23, "megapixel": 10},
    },
    "bg-replace": {
        "required": {"image", "prompt", "ref_image"},
        "images": {"image", "ref_image"},
        "defaults": {
            "base64": False,
            "cn_weight": 0.9,
            "guidance_scale": 7.5,
            "ip_adapter_weight": 0.5,
            "negative_prompt": None,
            "num_inference_steps": 25,
            "samples": 1,
            "scheduler": "DPM2 Karras",
            "seed": -1,
            "strength": 1,
        },
        "ranges": {
            "cn_weight": (0, 1),
            "guidance_scale": (1, 25),
            "ip_adapter_weight": (0, 1),
            "num_inference_steps": (20, 100),
            "samples": (1, 4),
            "seed": (-1, 999_999_999_999_999),
            "strength": (0, 1),
        },
        "lists": {},
        "inferred": {"scheduler": 12},
    },
}

PRICES_USD = {
    "segmind-relighting-v2": (0.033, 0.333),
    "ic-light": (0.037, 0.037),
    "seg-swap": (0.286, 0.2872),
    "segmind-scenecraft-v01": (0.339, 0.3393),
    "bg-replace": (0.01, 0.01),
}
"""Page badge and directory average: the typical price lies between them, the worst one is not below."""

SAMPLES: dict[str, dict[str, Any]] = {
    "segmind-relighting-v2": {
        "image": "https://example.com/a.png",
        "light_direction": "back",
        "light_type": "spotlight",
        "light_temperature": "warm",
        "light_intensity": "strong",
        "size": "auto",
        "quality": "high",
        "background": "opaque",
        "output_compression": 100,
        "output_format": "png",
    },
    "ic-light": {
        "cfg": 2,
        "seed": 42,
        "steps": 25,
        "width": 512,
        "height": 640,
        "prompt": "cat, photoshoot, 4k",
        "highres_scale": 1.5,
        "output_format": "webp",
        "subject_image": "https://example.com/a.jpeg",
        "lowres_denoise": 0.9,
        "output_quality": 80,
        "appended_prompt": "best quality",
        "highres_denoise": 0.5,
        "negative_prompt": "lowres, bad anatomy, bad hands, cropped, worst quality",
        "number_of_images": 1,
    },
    "seg-swap": {
        "prompt": "photo of a wooden table in center of living room",
        "main_image": "https://example.com/room.png",
        "object_image": "https://example.com/table.png",
        "mask_image": "https://example.com/mask.png",
        "steps": 30,
        "seed": 42,
        "growmask": 5,
        "fashion_strength": 1,
        "subject_strength": 1,
        "horizontal_repeat": 1,
        "vertical_repeat": 1,
        "image_format": "png",
        "image_quality": 95,
        "base64": False,
    },
    "segmind-scenecraft-v01": {
        "image": "https://example.com/sofa.png",
        "prompt": "Create a close-up of a sofa \N{EM DASH} warm beige",
        "negative_prompt": "blur, CGI, animated",
        "seed": -1,
        "steps": 40,
        "guidance_scale": 7,
        "x_value": 50,
        "y_value": 50,
        "scale": 0.65,
        "megapixel": "1.5",
        "aspect_ratio": "16:9 (Panorama)",
        "dropshadow": True,
        "upscale": False,
        "image_format": "jpeg",
        "image_quality": 90,
    },
    "bg-replace": {
        "image": "https://example.com/input.jpg",
        "ref_image": "https://example.com/reference.jpg",
        "prompt": "Perfume bottle placed on top of a rock, in a jungle",
        "negative_prompt": "bad quality, painting, blur",
        "samples": 1,
        "scheduler": "DDIM",
        "num_inference_steps": 25,
        "guidance_scale": 7.5,
        "seed": 12467,
        "strength": 1,
        "cn_weight": 0.9,
        "ip_adapter_weight": 0.5,
        "base64": False,
    },
}
slugs = pytest.mark.parametrize("slug", PAGES)


def test_there_are_five_of_our_own_in_this_order() -> None:
    assert list(every())[:5] == list(PAGES)


@slugs
def test_names_defaults_and_images_are_those_of_the_page(slug: str) -> None:
    endpoint, page = get(slug), PAGES[slug]
    assert set(endpoint.required) == page["required"]
    assert set(endpoint.images) == page["images"]
    assert endpoint.defaults() == page["defaults"]
    assert {name: type(value) for name, value in endpoint.defaults().items() if isinstance(value, bool)} == {
        name: bool for name, value in page["defaults"].items() if isinstance(value, bool)
    }


@slugs
def test_ranges_are_those_of_the_page(slug: str) -> None:
    endpoint = get(slug)
    found = {name: endpoint.range(name) for name in endpoint.fields if endpoint.range(name) != (None, None)}
    guards = {"width", "height"} if slug == "ic-light" else set()
    assert {name: bounds for name, bounds in found.items() if name not in guards} == PAGES[slug]["ranges"]


@slugs
def test_closed_lists_are_those_of_the_page_and_abbreviated_ones_are_marked_as_inferred(slug: str) -> None:
    endpoint, page = get(slug), PAGES[slug]
    lists = {name: endpoint.choices(name) for name in endpoint.fields}
    assert {name: set(found.values) for name, found in lists.items() if found and found.sure} == page["lists"]
    assert {name: len(found.values) for name, found in lists.items() if found and not found.sure} == page["inferred"]


@slugs
def test_the_price_agrees_with_page_and_directory(slug: str) -> None:
    price, (low, high) = get(slug).usual_price(), PRICES_USD[slug]
    assert price is not None
    assert low * 10**9 <= price.typical_nano <= high * 10**9
    assert price.worst_nano >= high * 10**9


@slugs
def test_the_sample_of_the_page_is_sent_as_it_is(slug: str) -> None:
    assert get(slug).validate(SAMPLES[slug]) == (SAMPLES[slug], [])


def test_more_steps_images_and_pixels_cost_more() -> None:
    for slug, dearer in (
        ("ic-light", {"number_of_images": 2}),
        ("ic-light", {"highres_scale": 2}),
        ("ic-light", {"width": 1024}),
        ("ic-light", {"steps": 50}),
        ("bg-replace", {"samples": 4}),
        ("bg-replace", {"num_inference_steps": 50}),
        ("seg-swap", {"steps": 60}),
        ("segmind-scenecraft-v01", {"steps": 50}),
        ("segmind-scenecraft-v01", {"megapixel": "2.5"}),
        ("segmind-scenecraft-v01", {"upscale": True}),
    ):
        usual, more = get(slug).usual_price(), get(slug).price_of(dearer)
        assert usual is not None
        assert more is not None
        assert more.typical_nano > usual.typical_nano
        assert more.worst_nano > usual.worst_nano


def test_less_work_is_never_reserved_cheaper() -> None:
    for slug, cheaper in (
        ("ic-light", {"steps": 1}),
        ("bg-replace", {"num_inference_steps": 20}),
        ("seg-swap", {"steps": 10}),
    ):
        usual, less = get(slug).usual_price(), get(slug).price_of(cheaper)
        assert usual is not None
        assert less is not None
        assert less.worst_nano == usual.worst_nano


def test_an_aspect_ratio_may_be_given_without_its_epithet() -> None:
    assert get("segmind-scenecraft-v01").check("aspect_ratio", "4:5") == ("4:5 (Artistic Frame)", [])


@pytest.mark.parametrize(("given", "sent"), [(2, "2.0"), ("1", "1.0"), (1.5, "1.5"), ("0.5", "0.5"), ("2.10", "2.1")])
def test_megapixels_are_sent_as_the_text_of_the_list(given: object, sent: str) -> None:
    assert get("segmind-scenecraft-v01").check("megapixel", given) == (sent, [])


@pytest.mark.parametrize("value", ["0", "-1", "21", 1e308, "inf", "large", True])
def test_megapixels_that_cannot_be_are_refused(value: object) -> None:
    with pytest.raises(BadParameters):
        get("segmind-scenecraft-v01").check("megapixel", value)


def test_a_compression_outside_the_usual_range_warns_because_the_page_gives_none() -> None:
    relighting = get("segmind-relighting-v2")
    assert relighting.check("output_compression", "100") == (100, [])
    value, (warning,) = relighting.check("output_compression", 150)
    assert value == 150
    assert warning == "output_compression: 150 is probably refused: the usual range is 0 to 100"


def test_an_unknown_endpoint_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"there is no endpoint 'ic-lite'; did you mean ic-light\?"):
        get("ic-lite")
