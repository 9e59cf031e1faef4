"""Bodies of model calls: those of the five endpoint pages, to the letter, and the smallest good ones."""

from __future__ import annotations

from typing import Any

LIGHT = {"prompt": "cat, photoshoot, 4k", "subject_image": "https://shop.example/cat.jpeg"}
REPLACE = {"image": "https://shop.example/a.jpg", "ref_image": "https://shop.example/b.jpg", "prompt": "a jungle"}

PAGES: dict[str, dict[str, Any]] = {
    "segmind-relighting-v2": {
        "image": (
            "https://segmind-resources.s3.amazonaws.com/output/b9b4e651-ecfb-4dd8-a121-6663f6"
            "3cca8e-5e23ecbb-6875-4296-9b05-481c03eac5bf.png"
        ),
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
        "subject_image": "https://segmind-sd-models.s3.amazonaws.com/display_images/ic-lighting-input.jpeg",
        "lowres_denoise": 0.9,
        "output_quality": 80,
        "appended_prompt": "best quality",
        "highres_denoise": 0.5,
        "negative_prompt": "lowres, bad anatomy, bad hands, cropped, worst quality",
        "number_of_images": 1,
    },
    "seg-swap": {
        "prompt": "photo of a wooden table in center of living room",
        "main_image": (
            "https://segmind-resources.s3.amazonaws.com/others/b855aade-9114-4554-9530-088f1eb1e32d-livingroom.png"
        ),
        "object_image": (
            "https://segmind-resources.s3.amazonaws.com/others/69ceda90-7c13-48e2-a436-a4e0f733d136-table2.png"
        ),
        "mask_image": (
            "https://segmind-resources.s3.amazonaws.com/others/b2c6b355-07be-4edc-b6ce-ec05fd6a03f2-mask_room2.png"
        ),
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
        "image": (
            "https://segmind-resources.s3.amazonaws.com/input/ea6c55f7-f97d-49e4-964f-09cfd27"
            "082f5-sofa_WSFABLZPN3FRAB_2.png"
        ),
        "prompt": (
            "Create a close-up and mid-range product shot of a modern living room sofa with a"
            " matte fabric texture and detailed stitching. The scene is set in a warm, cozy l"
            "iving space with soft ambient lighting coming from a side window filtered throug"
            "h sheer linen curtains. Accentuate the sofa’s contours with gentle, natural shad"  # noqa: RUF001 - as the page has it
            "ows and subtle reflections on nearby decor elements like a coffee table and floo"
            "r lamp. Use a color palette dominated by earthy tones — warm beige, soft greys, "
            "and muted olive — to create a harmonious and inviting atmosphere. Include a mini"
            "malistic rug, wooden flooring, and a few aesthetic accessories like throw pillow"
            "s and a blanket to enhance lifestyle appeal. Emphasize depth of field for a real"
            "istic photographic finish."
        ),
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
        "image": "https://segmind-sd-models.s3.amazonaws.com/outputs/bg_replace_input.jpg",
        "ref_image": "https://segmind-sd-models.s3.amazonaws.com/outputs/bg_input_reference.jpg",
        "prompt": "Pefume bottle placed on top of a rock, in a jungle",
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
