"""Files as each tool writes them that makes pictures, videos or models, by tool and version.

The layout of each, where its texts lie and how they are written, is the tool's own; the words in
them are ours. `MADE` holds them all; `made(name)` makes one.
"""

import functools
import io
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from tests.makers import graphs
from tests.makers.images import picture, png, written
from tests.makers.models import tensors

_EXIF_DIRECTORY, _USER_COMMENT, _MAKER_NOTE = 0x8769, 0x9286, 0x927C
_MODEL, _MAKE, _DESCRIPTION, _SOFTWARE = 0x0110, 0x010F, 0x010E, 0x0131
XMP = "XML:com.adobe.xmp"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"

A1111 = """\
(masterpiece:1.2), a lighthouse at dusk, <lora:add_detail:0.8>
BREAK stormy sea, Steps: many, on a cliff
Negative prompt: fog, (worst quality:1.4),
people
Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 3847201112, \
Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Denoising strength: 0.45, \
Clip skip: 2, ADetailer model: face_yolov8n.pt, ADetailer prompt: "a \\"keeper\\", old, bearded", \
ADetailer version: 24.9.0, Hires upscale: 2, Hires steps: 12, Hires upscaler: 4x-UltraSharp, \
Lora hashes: "add_detail: 7c6bad76eb54, sea_v2: 1ba60a4cff60", \
TI hashes: "easynegative: c74b4e810b03", Version: v1.10.1"""

A1111_OLD = """\
a lighthouse at dusk
Negative prompt: fog
Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, Model hash: 7460a6fa"""

FORGE = """\
a lighthouse at dusk, golden hour <lora:Coast Flux 512X768:0.75>
Steps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, \
Seed: 2961654875, Size: 896x1152, Model hash: d5d1e2a8b0, Model: flux1-dev-Q8_0, \
Lora hashes: "Coast Flux 512X768: 1ba60a4cff60", Version: f2.0.1v1.10.1-previous-669-gdfdcbab6, \
Module 1: ae, Module 2: clip_l, Module 3: t5xxl_fp16"""

SDNEXT = """\
a lighthouse at dusk
Negative prompt: fog
Steps: 20, Size: 1024x1024, Sampler: UniPC, Scheduler: UniPCMultistepScheduler, \
Seed: 3079612402, CFG scale: 6, CFG true: 6, App: SD.Next, Version: 058a7f0, \
Pipeline: StableDiffusionXLPipeline, Operations: txt2img; hires, Model: juggernautXL_v9, \
Model hash: c9e3e68f89, Styles: "Cinematic, Sharp\""""

CIVITAI = """\
a lighthouse at dusk
Negative prompt: fog
Steps: 30, Sampler: Euler a, CFG scale: 4, Seed: 1404930811, Size: 832x1216, Clip skip: 2, \
Created Date: 2024-09-01T10:11:12.0000000Z, Civitai resources: [{"type":"checkpoint",\
"modelVersionId":691639,"modelName":"Illustrious XL","modelVersionName":"v0.1"},\
{"type":"lora","weight":0.6,"modelVersionId":712345,"modelName":"Coasts","modelVersionName":"2"}], \
Civitai metadata: {}"""

FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689",
    "clip_skip": 2,
    "full_negative_prompt": ["(worst quality, lowres:1.4), watermark", "fog"],
    "full_prompt": ["cinematic still a lighthouse at dusk . emotional", "a lighthouse at dusk"],
    "guidance_scale": 4,
    "lora_combined_1": "sd_xl_offset_example-lora_1.0 : 0.1",
    "loras": [["sd_xl_offset_example-lora_1.0", 0.1, "4852686128"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "fog",
    "performance": "Speed",
    "prompt": "a lighthouse at dusk",
    "refiner_model": "None",
    "refiner_switch": 0.5,
    "resolution": "(896, 1152)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "6952411511246973023",
    "sharpness": 2,
    "steps": 30,
    "styles": "['Fooocus V2', 'Fooocus Enhance']",
    "vae": "Default (model)",
    "version": "Fooocus v2.5.5",
}

FOOOCUS_A1111 = """\
cinematic still a lighthouse at dusk . emotional, a lighthouse at dusk, elegant
Negative prompt: (worst quality, lowres:1.4), watermark, fog
Steps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 6952411511246973023, Size: 896x1152, \
CFG scale: 4, Sharpness: 2, ADM Guidance: "(1.5, 0.8, 0.3)", Model: juggernautXL_v8Rundiffusion, \
Model hash: aeb7e9e689, Performance: Speed, Scheduler: karras, VAE: Default (model), \
Raw prompt: "a lighthouse at dusk\\nby the sea, stormy", Raw negative prompt: fog, \
Lora hashes: sd_xl_offset_example-lora_1.0: 4852686128, \
Lora weights: "sd_xl_offset_example-lora_1.0: 0.1", Version: Fooocus v2.5.5"""

RUINED = {
    "Prompt": "a lighthouse at dusk",
    "Negative": "fog",
    "steps": 30,
    "cfg": 8,
    "width": 1152,
    "height": 896,
    "seed": 2166417841,
    "sampler_name": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "base_model_name": "sd_xl_base_1.0_0.9vae.safetensors",
    "base_model_hash": "9c3b3e2a",
    "loras": [["sea.safetensors", "0.5"]],
    "start_step": 0,
    "denoise": 1,
    "clip_skip": 1,
    "software": "RuinedFooocus",
}

MRE = {
    "prompt": "a lighthouse at dusk",
    "negative_prompt": "fog",
    "real_prompt": ["cinematic still a lighthouse at dusk"],
    "real_negative_prompt": ["anime, fog"],
    "style": "cinematic-default",
    "seed": 1208455012,
    "width": 1152,
    "height": 896,
    "performance": "Speed",
    "steps": 30,
    "switch": 20,
    "sharpness": 2.0,
    "cfg": 7.0,
    "base_clip_skip": -2,
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "base_model": "sd_xl_base_1.0_0.9vae.safetensors",
    "refiner_model": "sd_xl_refiner_1.0_0.9vae.safetensors",
    "l1": "sd_xl_offset_example-lora_1.0.safetensors",
    "w1": 0.5,
    "software": "Fooocus 2.0.78.5 MRE",
}

INVOKE_5 = {
    "generation_mode": "sdxl_txt2img",
    "positive_prompt": "a lighthouse at dusk",
    "negative_prompt": "fog",
    "width": 1024,
    "height": 1024,
    "seed": 3293022630,
    "rand_device": "cpu",
    "cfg_scale": 5.5,
    "cfg_rescale_multiplier": 0,
    "steps": 35,
    "scheduler": "euler_a",
    "model": {
        "key": "3f2b4a3e-0d2e-4d4c-9d55-1f2c1e0e3d11",
        "hash": "blake3:7c1631b4d8ea4fb2a1b7a1c2",
        "name": "Juggernaut XL v9",
        "base": "sdxl",
        "type": "main",
    },
    "loras": [
        {
            "model": {
                "key": "9b5a",
                "hash": "blake3:aa",
                "name": "Coasts",
                "base": "sdxl",
                "type": "lora",
            },
            "weight": 0.75,
        }
    ],
    "positive_style_prompt": "",
    "negative_style_prompt": "",
    "app_version": "5.9.1",
}

INVOKE_3 = {
    "generation_mode": "txt2img",
    "positive_prompt": "a lighthouse at dusk",
    "negative_prompt": "fog",
    "width": 512,
    "height": 768,
    "seed": 1103872314,
    "rand_device": "cpu",
    "cfg_scale": 7.5,
    "steps": 30,
    "scheduler": "euler",
    "clip_skip": 0,
    "model": {"model_name": "stable-diffusion-v1-5", "base_model": "sd-1", "model_type": "main"},
    "controlnets": [],
    "loras": [{"lora": {"model_name": "add_detail", "base_model": "sd-1"}, "weight": 0.5}],
    "vae": {"model_name": "sd-vae-ft-mse", "base_model": "sd-1"},
}

DREAM = (
    '"a lighthouse at dusk, oil painting [fog, people]" '
    "-s 50 -S 2980747362 -W 512 -H 768 -C 7.5 -A k_lms -G 0.9 -cf 0.75 -U 4 0.95"
)
INVOKE_2 = {
    "model": "stable diffusion",
    "model_weights": "stable-diffusion-1.5",
    "model_hash": "cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516",
    "app_id": "invoke-ai/InvokeAI",
    "app_version": "2.3.0",
    "image": {
        "prompt": [{"prompt": "a lighthouse at dusk, oil painting [fog, people]", "weight": 1.0}],
        "steps": 50,
        "cfg_scale": 7.5,
        "threshold": 0,
        "perlin": 0,
        "height": 768,
        "width": 512,
        "seed": 2980747362,
        "seamless": False,
        "hires_fix": False,
        "type": "txt2img",
        "postprocessing": None,
        "sampler": "k_lms",
        "variations": [],
    },
}

SWARM = {
    "sui_image_params": {
        "prompt": "a lighthouse at dusk",
        "negativeprompt": "fog",
        "model": "OfficialStableDiffusion/sd_xl_base_1.0",
        "seed": 1,
        "steps": 20,
        "cfgscale": 7.0,
        "aspectratio": "1:1",
        "width": 1024,
        "height": 1024,
        "sampler": "dpmpp_2m",
        "scheduler": "karras",
        "loras": ["coasts/sea_v2", "add_detail"],
        "loraweights": ["0.8", "0.5"],
        "automaticvae": True,
        "swarm_version": "0.9.7.0",
    },
    "sui_extra_data": {
        "date": "2025-08-25",
        "prep_time": "6.11 sec",
        "generation_time": "4.84 sec",
    },
    "sui_models": [
        {
            "name": "OfficialStableDiffusion/sd_xl_base_1.0.safetensors",
            "param": "model",
            "hash": "0xd7a9105a900fd52748f20725fe52fe52b507fd36bee4fc107b1550a26e6ee1d7",
        }
    ],
}
SWARM_LEGACY = {
    "sui_image_params": {
        "prompt": "a lighthouse at dusk",
        "negativeprompt": "fog",
        "model": "dreamshaperXL",
        "images": 1,
        "seed": 1193412,
        "steps": 20,
        "cfgscale": 7,
        "width": 1024,
        "height": 1024,
        "comfyuisampler": "dpmpp_2m_sde",
        "swarm_version": "0.6.1.0",
    }
}

NOVELAI_3 = {
    "prompt": "a lighthouse at dusk, best quality",
    "steps": 28,
    "height": 1216,
    "width": 832,
    "scale": 5.0,
    "uncond_scale": 1.0,
    "cfg_rescale": 0.0,
    "seed": 2253955223,
    "n_samples": 1,
    "noise_schedule": "native",
    "sampler": "k_euler_ancestral",
    "sm": False,
    "uc": "fog, lowres",
    "request_type": "PromptGenerateRequest",
    "signed_hash": "n0t+a/real+signature==",
}
NOVELAI_4 = {
    **NOVELAI_3,
    "seed": 2407665985,
    "noise_schedule": "karras",
    "v4_prompt": {
        "caption": {
            "base_caption": "a lighthouse at dusk, best quality",
            "char_captions": [
                {"char_caption": "old man, keeper, beard", "centers": [{"x": 0.5, "y": 0.5}]},
                {"char_caption": "sea gull", "centers": [{"x": 0.3, "y": 0.3}]},
            ],
        },
        "use_coords": False,
        "use_order": True,
        "legacy_uc": False,
    },
    "v4_negative_prompt": {
        "caption": {
            "base_caption": "fog, lowres",
            "char_captions": [{"char_caption": "hat", "centers": [{"x": 0.5, "y": 0.5}]}],
        },
        "use_coords": False,
        "use_order": False,
        "legacy_uc": False,
    },
}

DRAW_THINGS = {
    "c": "a lighthouse at dusk & (storm)",
    "uc": "fog",
    "model": "jibmix_zit_v1.0_q8p.ckpt",
    "sampler": "Euler A Trailing",
    "scale": 4.5,
    "seed": 2441935286,
    "seed_mode": "Scale Alike",
    "size": "1024x1536",
    "steps": 8,
    "strength": 1,
    "shift": 3,
    "lora": [{"model": "sea_v2_lora_f16.ckpt", "weight": 0.8}],
    "v2": {"loras": [{"file": "sea_v2_lora_f16.ckpt", "weight": 0.8, "mode": "all"}]},
}

MIDJOURNEY = (
    "a lighthouse at dusk, stormy sea --ar 16:9 --stylize 250 --no fog, people "
    "--seed 2231944 --v 6.1 Job ID: 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
)

EASY = {
    "prompt": "a lighthouse at dusk",
    "seed": "3117436215",
    "negative_prompt": "fog",
    "num_outputs": "1",
    "num_inference_steps": "25",
    "guidance_scale": "7.5",
    "width": "512",
    "height": "768",
    "use_stable_diffusion_model": "/home/me/models/stable-diffusion/sd-v1-5.safetensors",
    "clip_skip": "False",
    "use_vae_model": "",
    "sampler_name": "euler_a",
    "use_lora_model": "add_detail",
    "lora_alpha": "0.5",
}

KOHYA = {
    "ss_sd_model_name": "sd_xl_base_1.0.safetensors",
    "ss_sd_model_hash": "be9edd61",
    "ss_new_sd_model_hash": "31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b",
    "ss_sd_scripts_commit_hash": "1a104dc75ee5733af8ba17cc9778b39e26673734",
    "ss_base_model_version": "sdxl_base_v1-0",
    "ss_output_name": "dusk_coast",
    "ss_seed": "42",
    "ss_steps": "1600",
    "ss_max_train_steps": "1600",
    "ss_lr_scheduler": "cosine",
    "ss_resolution": "(1024, 1024)",
    "ss_network_dim": "32",
    "ss_training_comment": "trained on my own photographs",
    "ss_tag_frequency": json.dumps({"10_dusk": {"lighthouse": 12}}),
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
    "modelspec.title": "dusk_coast",
    "modelspec.resolution": "1024x1024",
    "modelspec.trigger_phrase": "dusk coast",
    "sshs_model_hash": "9d9f8f",
    "sshs_legacy_hash": "aa01bb02",
}
MODELSPEC = {
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.architecture": "stable-diffusion-xl-v1-base",
    "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
    "modelspec.title": "Stable Diffusion XL 1.0 Base",
    "modelspec.author": "StabilityAI",
    "modelspec.description": "SDXL 1.0 Base Model, compositional expert.",
    "modelspec.resolution": "1024x1024",
    "modelspec.prediction_type": "epsilon",
}

WANGP = {
    "settings_version": 2.29,
    "type": "WanGP v8.4 by DeepBeepMeep - Wan2.2 Text2video 14B",
    "prompt": "waves break at a lighthouse at dusk",
    "negative_prompt": "fog",
    "resolution": "832x480",
    "video_length": 81,
    "seed": 1883341927,
    "num_inference_steps": 30,
    "guidance_scale": 5,
    "sample_solver": "unipc",
    "model_type": "t2v_2_2",
    "model_filename": "https://models.invalid/wan2.2_text2video_14B_high_mbf16.safetensors",
    "activated_loras": ["coasts.safetensors"],
    "loras_multipliers": "1.2",
}

DIFFUSERS = {
    "prompt": "a lighthouse at dusk",
    "negative_prompt": "fog",
    "model_id": "stabilityai/stable-diffusion-xl-base-1.0",
    "scheduler": "EulerDiscreteScheduler",
    "num_inference_steps": 30,
    "guidance_scale": 7.5,
    "seed": 42,
    "width": 1024,
    "height": 768,
    "loras": [{"name": "coasts", "weight": 0.7}],
}


def packet(properties: str, elements: str = "") -> str:
    """Return an XMP packet with some attributes and elements."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 6.0.0">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '    xmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        '    xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
        '    xmlns:exif="http://ns.adobe.com/exif/1.0/"\n'
        '    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"\n'
        '    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"\n'
        f"    {properties}>{elements}</rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    )


def _alternatives(name: str, text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "&#xA;")
    return (
        f"\n   <{name}>\n    <rdf:Alt>\n"
        f'     <rdf:li xml:lang="x-default">{escaped}</rdf:li>\n    </rdf:Alt>\n   </{name}>\n'
    )


def _draw_things() -> str:
    summary = (
        "a lighthouse at dusk & (storm)\n-fog\nSteps: 8, Sampler: Euler A Trailing, "
        "Guidance Scale: 4.5, Seed: 2441935286, Size: 1024x1536, Model: jibmix_zit_v1.0_q8p.ckpt"
    )
    return packet(
        "",
        _alternatives("dc:description", summary)
        + "   <xmp:CreatorTool>Draw Things</xmp:CreatorTool>"
        + _alternatives("exif:UserComment", json.dumps(DRAW_THINGS, separators=(",", ":"))),
    )


# -- where tools put their texts ----------------------------------------------------------------


def user_comment(form: str, text: str, order: str = "utf-16-be") -> bytes:
    """Return a picture with a text as piexif's UserComment.dump(…, "unicode") writes it."""
    exif = Image.Exif()
    exif.get_ifd(_EXIF_DIRECTORY)[_USER_COMMENT] = b"UNICODE\0" + text.encode(order)
    return written(picture(), form, exif=exif)


def flat_exif(form: str, tags: Mapping[int, str]) -> bytes:
    """Return a picture with texts in the first directory, as Pillow's getexif() is filled."""
    exif = Image.Exif()
    for tag, text in tags.items():
        exif[tag] = text
    return written(picture(), form, exif=exif)


def animated(texts: Mapping[str, str]) -> bytes:
    """Return an animated PNG with ComfyUI's own chunks behind its frames."""
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add(b"comf", name.encode() + b"\0" + text.encode("latin-1"), after_idat=True)
    frames = [picture(shade=shade) for shade in (0, 90)]
    return written(
        frames[0], "PNG", pnginfo=info, save_all=True, append_images=frames[1:], duration=100
    )


def jpeg_xmp(text: str) -> bytes:
    """Return a JPEG with an XMP packet."""
    return written(picture(), "JPEG", xmp=text.encode())


def _with_comment(form: str, text: str) -> bytes:
    return written(picture(), form, comment=text.encode())


def video(suffix: str, tags: Mapping[str, str], *options: str) -> bytes:
    """Return a short video with tags, handed to ffmpeg in a file as VideoHelperSuite does."""
    return _ffmpeg(
        suffix,
        tags,
        ("-f", "lavfi", "-i", "color=c=navy:s=64x48:r=8:d=0.5"),
        ("-map_metadata", "1", *options),
    )


def sound(suffix: str, tags: Mapping[str, str]) -> bytes:
    """Return a short sound with tags."""
    source = ("-f", "lavfi", "-i", "sine=frequency=440:duration=0.2")
    return _ffmpeg(suffix, tags, source, ("-map_metadata", "1"))


def _ffmpeg(
    suffix: str, tags: Mapping[str, str], source: tuple[str, ...], options: tuple[str, ...]
) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        told, out = Path(name) / "metadata.txt", Path(name) / f"out{suffix}"
        lines = [f"{key}={_escaped(text)}" for key, text in tags.items()]
        told.write_text("\n".join([";FFMETADATA1", *lines, ""]))
        subprocess.run(
            ("ffmpeg", "-v", "error", *source, "-i", told, *options, "-bitexact", out), check=True
        )
        return out.read_bytes()


def _escaped(text: str) -> str:
    for one in ("\\", ";", "#", "="):
        text = text.replace(one, f"\\{one}")
    return text.replace("\n", "\\\n")


def has_ffmpeg() -> bool:
    """Return whether videos can be made here."""
    return shutil.which("ffmpeg") is not None


def _json(told: Any, **options: Any) -> bytes:
    return json.dumps(told, **options).encode()


def _model(told: dict[str, str]) -> bytes:
    return tensors({"lora_unet_down.alpha": ("F32", [])}, told)


_SPACED = {"indent": 2}
_COMFY = {"prompt": json.dumps(graphs.SDXL), "workflow": json.dumps(graphs.SDXL_DRAWN)}
_FLUX = {"prompt": json.dumps(graphs.FLUX), "workflow": json.dumps({"nodes": []})}
_TAGGED = ("-movflags", "use_metadata_tags")

MADE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "automatic1111-1.10.1-png": ("a.png", lambda: png({"parameters": A1111})),
    "automatic1111-1.10.1-jpeg": ("a.jpg", lambda: user_comment("JPEG", A1111)),
    "automatic1111-1.10.1-webp": ("a.webp", lambda: user_comment("WEBP", A1111)),
    "automatic1111-2022": ("a.png", lambda: png({"parameters": A1111_OLD})),
    "forge-f2.0.1": ("a.png", lambda: png({"parameters": FORGE})),
    "sdnext-058a7f0": ("a.jpg", lambda: user_comment("JPEG", SDNEXT)),
    "civitai-2024": ("a.jpeg", lambda: user_comment("JPEG", CIVITAI, "utf-16-le")),
    "comfyui-0.3-png": ("a.png", lambda: png(_COMFY)),
    "comfyui-0.3-drawn": ("a.png", lambda: png({"workflow": _COMFY["workflow"]})),
    "comfyui-0.3-flux": ("a.png", lambda: png(_FLUX)),
    "comfyui-0.3-subgraph": (
        "a.png",
        lambda: png({"workflow": json.dumps(graphs.SUBGRAPH_DRAWN)}),
    ),
    "comfyui-0.2-group-node": ("a.png", lambda: png({"workflow": json.dumps(graphs.GROUP_DRAWN)})),
    "comfyui-0.3-animated-png": ("a.png", lambda: animated(_COMFY)),
    "comfyui-0.3-webp": (
        "a.webp",
        lambda: flat_exif(
            "WEBP",
            {_MODEL: "prompt:" + _COMFY["prompt"], _MAKE: "workflow:" + _COMFY["workflow"]},
        ),
    ),
    "comfyui-0.3-no-sampler": ("a.png", lambda: png({"prompt": json.dumps(graphs.UPSCALED)})),
    "comfyui-0.3-service": ("a.png", lambda: png({"prompt": json.dumps(graphs.SERVICE)})),
    "comfyui-0.3-video-mp4": ("a.mp4", lambda: video(".mp4", _COMFY, *_TAGGED)),
    "comfyui-0.3-audio-flac": ("a.flac", lambda: sound(".flac", _COMFY)),
    "comfyui-0.3-audio-mp3": ("a.mp3", lambda: sound(".mp3", _COMFY)),
    "comfyui-0.3-audio-opus": ("a.opus", lambda: sound(".opus", _COMFY)),
    "videohelpersuite-1.7-mp4": ("a.mp4", lambda: video(".mp4", graphs.WAN_TAGS, *_TAGGED)),
    "videohelpersuite-1.7-webm": ("a.webm", lambda: video(".webm", graphs.WAN_TAGS)),
    "videohelpersuite-1.0-comment": (
        "a.mp4",
        lambda: video(".mp4", {"comment": json.dumps(graphs.WAN_COMMENT)}),
    ),
    "comfyui-0.3-api-json": ("a.json", lambda: _json(graphs.SDXL, **_SPACED)),
    "comfyui-0.3-workflow-json": ("a.json", lambda: _json(graphs.SDXL_DRAWN)),
    "fooocus-2.5.5": (
        "a.png",
        lambda: png({"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"}),
    ),
    "fooocus-2.5.5-jpeg": (
        "a.jpg",
        lambda: flat_exif(
            "JPEG",
            {
                _USER_COMMENT: json.dumps(FOOOCUS),
                _MAKER_NOTE: "fooocus",
                _SOFTWARE: "Fooocus v2.5.5",
            },
        ),
    ),
    "fooocus-2.5.5-a1111": (
        "a.png",
        lambda: png({"parameters": FOOOCUS_A1111, "fooocus_scheme": "a1111"}),
    ),
    "fooocus-mre-2.0.78": ("a.png", lambda: png({"Comment": json.dumps(MRE)})),
    "ruinedfooocus-1.0": ("a.png", lambda: png({"parameters": json.dumps(RUINED)})),
    "invokeai-5.9": (
        "a.png",
        lambda: png(
            {
                "invokeai_metadata": json.dumps(INVOKE_5, separators=(",", ":")),
                "invokeai_graph": '{"id":"1","nodes":{},"edges":[]}',
            }
        ),
    ),
    "invokeai-3.1": ("a.png", lambda: png({"invokeai_metadata": json.dumps(INVOKE_3)})),
    "invokeai-2.3": ("a.png", lambda: png({"Dream": DREAM, "sd-metadata": json.dumps(INVOKE_2)})),
    "invokeai-1.14": ("a.png", lambda: png({"Dream": DREAM})),
    "swarmui-0.9.7": ("a.png", lambda: png({"parameters": json.dumps(SWARM, indent=2)})),
    "swarmui-0.9.7-jpeg": ("a.jpg", lambda: user_comment("JPEG", json.dumps(SWARM), "utf-16-le")),
    "stableswarmui-0.6.1": ("a.jpg", lambda: flat_exif("JPEG", {_MODEL: json.dumps(SWARM_LEGACY)})),
    "novelai-3": (
        "a.png",
        lambda: png(
            {
                "Title": "AI generated image",
                "Description": "a lighthouse at dusk, best quality",
                "Software": "NovelAI",
                "Source": "Stable Diffusion XL C1E1DE52",
                "Generation time": "4.97",
                "Comment": json.dumps(NOVELAI_3),
            }
        ),
    ),
    "novelai-4.5": (
        "a.png",
        lambda: png(
            {
                "Title": "NovelAI generated image",
                "Description": "a lighthouse at dusk, best quality",
                "Software": "NovelAI",
                "Source": "NovelAI Diffusion V4.5 4BDE2A90",
                "Generation time": "5.01",
                "Comment": json.dumps(NOVELAI_4),
            }
        ),
    ),
    "drawthings-1.2025": ("a.png", lambda: png({XMP: _draw_things()})),
    "drawthings-1.2025-jpeg": ("a.jpg", lambda: jpeg_xmp(_draw_things())),
    "midjourney-6.1": (
        "a.png",
        lambda: png(
            {
                "Description": MIDJOURNEY,
                "Author": "keeper",
                "Creation Time": "Tue, 06 Aug 2024 10:04:13 GMT",
                XMP: packet(
                    f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}trainedAlgorithmicMedia"'
                ),
            }
        ),
    ),
    "firefly-3": (
        "a.jpg",
        lambda: jpeg_xmp(
            packet(
                'xmp:CreatorTool="Adobe Firefly"',
                f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}trainedAlgorithmicMedia"
                "</Iptc4xmpExt:DigitalSourceType>",
            )
        ),
    ),
    "photoshop-25.3": (
        "a.jpg",
        lambda: jpeg_xmp(
            packet(
                'xmp:CreatorTool="Adobe Photoshop 25.3 (Macintosh)"',
                f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{SOURCE_TYPE}'
                'compositeWithTrainedAlgorithmicMedia"/>',
            )
        ),
    ),
    "google-imagen-3": (
        "a.png",
        lambda: png(
            {
                XMP: packet(
                    'photoshop:Credit="Made with Google AI" '
                    f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}trainedAlgorithmicMedia"'
                )
            }
        ),
    ),
    "camera-computational": (
        "a.jpg",
        lambda: jpeg_xmp(
            packet(f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}computationalCapture"')
        ),
    ),
    "easydiffusion-3.0": ("a.png", lambda: png(EASY)),
    "easydiffusion-3.0-jpeg": ("a.jpg", lambda: user_comment("JPEG", json.dumps(EASY))),
    "wangp-8.4": ("a.mp4", lambda: video(".mp4", {"comment": json.dumps(WANGP)})),
    "diffusers-json": ("a.png.json", lambda: _json(DIFFUSERS, **_SPACED)),
    "kohya-lora": ("a.safetensors", lambda: _model(KOHYA)),
    "modelspec-1.0": ("a.safetensors", lambda: _model(MODELSPEC)),
    "unknown-parameters": ("a.png", lambda: png({"parameters": "just a note"})),
}


@functools.cache
def made(name: str) -> bytes:
    """Return a file as this tool writes it."""
    return MADE[name][1]()


def unused_picture() -> bytes:
    """Return a picture as a camera leaves it: texts, and none of them about its making."""
    exif = Image.Exif()
    exif[_MAKE], exif[_MODEL], exif[_SOFTWARE] = "Kamera", "K-1", "1.02"
    exif[_DESCRIPTION] = "Lighthouse at dusk, Steps to the beach"
    into = io.BytesIO()
    picture().save(into, "JPEG", exif=exif, xmp=packet('xmp:CreatorTool="1.02"').encode())
    return into.getvalue()
