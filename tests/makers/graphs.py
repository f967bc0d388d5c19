"""Graphs of ComfyUI: as it executes them, and as its editor draws them."""

import json
from typing import Any

Graph = dict[str, Any]


def node(kind: str, **inputs: Any) -> Graph:
    """Return a node as it is executed; an input that comes from another is [node, slot]."""
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": kind}}


SDXL: Graph = {
    "3": node(
        "KSampler",
        seed=["30", 0],
        steps=28,
        cfg=6.5,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1.0,
        model=["11", 0],
        positive=["20", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="sdxl/juggernautXL_v9.safetensors"),
    "5": node("EmptyLatentImage", width=["31", 0], height=1216, batch_size=1),
    "6": node("CLIPTextEncode", text=["41", 0], clip=["11", 1]),
    "7": node("CLIPTextEncode", text="fog, people", clip=["11", 1]),
    "8": node("VAEDecode", samples=["50", 0], vae=["4", 2]),
    "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
    "10": node(
        "LoraLoader",
        lora_name="coasts/sea_v2.safetensors",
        strength_model=0.8,
        strength_clip=1.0,
        model=["4", 0],
        clip=["4", 1],
    ),
    "11": {
        "class_type": "Power Lora Loader (rgthree)",
        "inputs": {
            "PowerLoraLoaderHeaderWidget": {"type": "PowerLoraLoaderHeaderWidget"},
            "lora_1": {"on": True, "lora": "add_detail.safetensors", "strength": 0.5},
            "lora_2": {"on": False, "lora": "not_this_one.safetensors", "strength": 1},
            "➕ Add Lora": "",
            "model": ["10", 0],
            "clip": ["10", 1],
        },
    },
    "12": node("CLIPTextEncode", text="stormy sea", clip=["11", 1]),
    "20": node("ConditioningCombine", conditioning_1=["21", 0], conditioning_2=["12", 0]),
    "21": node(
        "ControlNetApplyAdvanced",
        strength=0.6,
        positive=["6", 0],
        negative=["7", 0],
        control_net=["22", 0],
        image=["23", 0],
    ),
    "22": node("ControlNetLoader", control_net_name="depth.safetensors"),
    "23": node("LoadImage", image="coast.png"),
    "30": node("Seed (rgthree)", seed=1125899906842624001),
    "31": node("PrimitiveInt", value=832),
    "40": node("PrimitiveStringMultiline", value="a lighthouse at dusk"),
    "41": node("StringConcatenate", string_a=["40", 0], string_b="oil painting", delimiter=", "),
    "50": node(
        "KSampler",
        seed=77,
        steps=10,
        cfg=4.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=0.4,
        model=["11", 0],
        positive=["20", 0],
        negative=["7", 0],
        latent_image=["51", 0],
    ),
    "51": node("LatentUpscaleBy", upscale_method="nearest-exact", scale_by=1.5, samples=["3", 0]),
}


class Sheet:
    """What an editor keeps of a drawing: nodes with their widgets in a row, and links by number."""

    def __init__(self) -> None:
        self.nodes: list[Graph] = []
        self.links: list[list[Any]] = []

    def add(
        self,
        number: int,
        kind: str,
        widgets: list[Any] | None = None,
        *,
        inputs: dict[str, tuple[int, int, str]] | None = None,
        outputs: str = "",
        mode: int = 0,
        **more: Any,
    ) -> None:
        """Add a node; an input is given by which node's how manieth output, and its type."""
        slots = []
        for slot, (name, (origin, out, label)) in enumerate((inputs or {}).items()):
            self.links.append([len(self.links) + 1, origin, out, number, slot, label])
            slots.append({"name": name, "type": label, "link": len(self.links)})
        told = {
            "id": number,
            "type": kind,
            "pos": [0, 0],
            "flags": {},
            "order": len(self.nodes),
            "mode": mode,
            "inputs": slots,
            "outputs": [{"name": one, "type": one, "links": []} for one in outputs.split()],
            "properties": {"cnr_id": "comfy-core", "ver": "0.3.60", "Node name for S&R": kind},
            **more,
        }
        if widgets is not None:
            told["widgets_values"] = widgets
        self.nodes.append(told)

    def drawn(self, **more: Any) -> Graph:
        """Return the drawing."""
        return {
            "id": "5b7cbf7f-21a8-4fba-a8f5-0e41a0a1c9a1",
            "last_node_id": 100,
            "last_link_id": len(self.links),
            "nodes": self.nodes,
            "links": self.links,
            "groups": [],
            "config": {},
            "extra": {"frontendVersion": "1.27.10"},
            "version": 0.4,
            **more,
        }


def _sdxl_drawn() -> Graph:
    sheet = Sheet()
    sheet.add(
        4, "CheckpointLoaderSimple", ["sdxl/juggernautXL_v9.safetensors"], outputs="MODEL CLIP VAE"
    )
    sheet.add(
        10,
        "LoraLoader",
        ["coasts/sea_v2.safetensors", 0.8, 1],
        inputs={"model": (4, 0, "MODEL"), "clip": (4, 1, "CLIP")},
        outputs="MODEL CLIP",
    )
    sheet.add(
        13,
        "LoraLoader",
        ["bypassed.safetensors", 1, 1],
        inputs={"model": (10, 0, "MODEL"), "clip": (10, 1, "CLIP")},
        outputs="MODEL CLIP",
        mode=4,
    )
    sheet.add(
        11,
        "Power Lora Loader (rgthree)",
        [
            {},
            {"type": "PowerLoraLoaderHeaderWidget"},
            {"on": True, "lora": "add_detail.safetensors", "strength": 0.5, "strengthTwo": None},
            {"on": False, "lora": "not_this_one.safetensors", "strength": 1, "strengthTwo": None},
            {},
            "",
        ],
        inputs={"model": (13, 0, "MODEL"), "clip": (13, 1, "CLIP")},
        outputs="MODEL CLIP",
    )
    sheet.add(14, "Reroute", inputs={"": (11, 0, "*")}, outputs="MODEL")
    sheet.add(60, "PrimitiveNode", ["a lighthouse at dusk, oil painting"], outputs="STRING")
    sheet.add(
        6,
        "CLIPTextEncode",
        ["what was typed before the link"],
        inputs={"clip": (11, 1, "CLIP"), "text": (60, 0, "STRING")},
        outputs="CONDITIONING",
    )
    sheet.add(
        12,
        "CLIPTextEncode",
        ["stormy sea"],
        inputs={"clip": (11, 1, "CLIP")},
        outputs="CONDITIONING",
    )
    sheet.add(
        7,
        "CLIPTextEncode",
        ["fog, people"],
        inputs={"clip": (11, 1, "CLIP")},
        outputs="CONDITIONING",
    )
    sheet.add(
        61, "SetNode", ["against"], inputs={"CONDITIONING": (7, 0, "CONDITIONING")}, outputs="*"
    )
    sheet.add(62, "GetNode", ["against"], outputs="CONDITIONING")
    sheet.add(
        15,
        "CLIPTextEncode",
        ["muted words"],
        inputs={"clip": (11, 1, "CLIP")},
        outputs="CONDITIONING",
        mode=2,
    )
    sheet.add(
        20,
        "ConditioningCombine",
        inputs={
            "conditioning_1": (6, 0, "CONDITIONING"),
            "conditioning_2": (12, 0, "CONDITIONING"),
        },
        outputs="CONDITIONING",
    )
    sheet.add(
        24,
        "ConditioningCombine",
        inputs={
            "conditioning_1": (20, 0, "CONDITIONING"),
            "conditioning_2": (15, 0, "CONDITIONING"),
        },
        outputs="CONDITIONING",
    )
    sheet.add(5, "EmptyLatentImage", [832, 1216, 1], outputs="LATENT")
    sheet.add(
        3,
        "KSampler",
        [1125899906842624001, "randomize", 28, 6.5, "dpmpp_2m", "karras", 1],
        inputs={
            "model": (14, 0, "MODEL"),
            "positive": (24, 0, "CONDITIONING"),
            "negative": (62, 0, "CONDITIONING"),
            "latent_image": (5, 0, "LATENT"),
        },
        outputs="LATENT",
    )
    sheet.add(
        8, "VAEDecode", inputs={"samples": (3, 0, "LATENT"), "vae": (4, 2, "VAE")}, outputs="IMAGE"
    )
    sheet.add(9, "SaveImage", ["ComfyUI"], inputs={"images": (8, 0, "IMAGE")})
    sheet.add(63, "Note", ["a lighthouse that nobody painted"])
    return sheet.drawn()


SDXL_DRAWN = _sdxl_drawn()

FLUX: Graph = {
    "5": node("EmptySD3LatentImage", width=1344, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text="a lighthouse at dusk", clip=["11", 0]),
    "8": node("VAEDecode", samples=["13", 0], vae=["10", 0]),
    "9": node("SaveImage", filename_prefix="flux", images=["8", 0]),
    "10": node("VAELoader", vae_name="ae.safetensors"),
    "11": node(
        "DualCLIPLoaderGGUF",
        clip_name1="t5-v1_1-xxl-encoder-Q8_0.gguf",
        clip_name2="clip_l.safetensors",
        type="flux",
    ),
    "12": node("UnetLoaderGGUF", unet_name="FLUX1/flux1-dev-Q8_0.gguf"),
    "13": node(
        "SamplerCustomAdvanced",
        noise=["25", 0],
        guider=["22", 0],
        sampler=["16", 0],
        sigmas=["17", 0],
        latent_image=["5", 0],
    ),
    "14": node(
        "LoraLoaderModelOnly",
        lora_name="coast_flux.safetensors",
        strength_model=0.9,
        model=["12", 0],
    ),
    "16": node("KSamplerSelect", sampler_name="euler"),
    "17": node("BasicScheduler", scheduler="simple", steps=20, denoise=1.0, model=["30", 0]),
    "22": node("BasicGuider", model=["30", 0], conditioning=["26", 0]),
    "25": node("RandomNoise", noise_seed=219670278747233),
    "26": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
    "30": node(
        "ModelSamplingFlux", max_shift=1.15, base_shift=0.5, width=1344, height=768, model=["14", 0]
    ),
}


def _subgraph_drawn() -> Graph:
    """Two subgraphs in each other: the inner encodes a text, the outer samples."""
    inner_id, outer_id = (
        "2d9f7f7e-1111-4a4a-9a9a-000000000001",
        "2d9f7f7e-1111-4a4a-9a9a-000000000002",
    )
    inner = {
        "id": inner_id,
        "name": "Encode",
        "inputNode": {"id": -10},
        "outputNode": {"id": -20},
        "inputs": [
            {"id": "a", "name": "clip", "type": "CLIP", "linkIds": [1]},
            {"id": "b", "name": "text", "type": "STRING", "linkIds": [2]},
        ],
        "outputs": [{"id": "c", "name": "CONDITIONING", "type": "CONDITIONING", "linkIds": [3]}],
        "nodes": [
            {
                "id": 1,
                "type": "CLIPTextEncode",
                "mode": 0,
                "inputs": [
                    {"name": "clip", "type": "CLIP", "link": 1},
                    {"name": "text", "type": "STRING", "widget": {"name": "text"}, "link": 2},
                ],
                "outputs": [{"name": "CONDITIONING", "type": "CONDITIONING", "links": [3]}],
                "widgets_values": [""],
            }
        ],
        "links": [
            _link(1, (-10, 0), (1, 0), "CLIP"),
            _link(2, (-10, 1), (1, 1), "STRING"),
            _link(3, (1, 0), (-20, 0), "CONDITIONING"),
        ],
    }
    outer = {
        "id": outer_id,
        "name": "Sample",
        "inputNode": {"id": -10},
        "outputNode": {"id": -20},
        "inputs": [
            {"id": "a", "name": "model", "type": "MODEL", "linkIds": [1]},
            {"id": "b", "name": "clip", "type": "CLIP", "linkIds": [2, 3]},
            {"id": "c", "name": "text", "type": "STRING", "linkIds": [4]},
        ],
        "outputs": [{"id": "d", "name": "LATENT", "type": "LATENT", "linkIds": [8]}],
        "nodes": [
            _instance(1, inner_id, {"clip": 2, "text": 4}, []),
            _instance(2, inner_id, {"clip": 3, "text": None}, ["fog"]),
            {
                "id": 3,
                "type": "KSampler",
                "mode": 0,
                "inputs": [
                    {"name": "model", "type": "MODEL", "link": 1},
                    {"name": "positive", "type": "CONDITIONING", "link": 5},
                    {"name": "negative", "type": "CONDITIONING", "link": 6},
                    {"name": "latent_image", "type": "LATENT", "link": 7},
                    *(
                        {"name": name, "type": "*", "widget": {"name": name}, "link": None}
                        for name in ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")
                    ),
                ],
                "outputs": [{"name": "LATENT", "type": "LATENT", "links": [8]}],
                "widgets_values": [424242, "fixed", 20, 5.5, "res_multistep", "beta", 1],
            },
            {
                "id": 4,
                "type": "EmptySD3LatentImage",
                "mode": 0,
                "inputs": [],
                "outputs": [{"name": "LATENT", "type": "LATENT", "links": [7]}],
                "widgets_values": [1024, 1536, 1],
            },
        ],
        "links": [
            _link(1, (-10, 0), (3, 0), "MODEL"),
            _link(2, (-10, 1), (1, 0), "CLIP"),
            _link(3, (-10, 1), (2, 0), "CLIP"),
            _link(4, (-10, 2), (1, 1), "STRING"),
            _link(5, (1, 0), (3, 1), "CONDITIONING"),
            _link(6, (2, 0), (3, 2), "CONDITIONING"),
            _link(7, (4, 0), (3, 3), "LATENT"),
            _link(8, (3, 0), (-20, 0), "LATENT"),
        ],
    }
    sheet = Sheet()
    sheet.add(
        1, "UNETLoader", ["qwen/qwen_image_fp8_e4m3fn.safetensors", "default"], outputs="MODEL"
    )
    sheet.add(
        2, "CLIPLoader", ["qwen_2.5_vl_7b.safetensors", "qwen_image", "default"], outputs="CLIP"
    )
    sheet.add(3, "VAELoader", ["qwen_image_vae.safetensors"], outputs="VAE")
    sheet.add(
        4,
        outer_id,
        ["a lighthouse at dusk"],
        inputs={"model": (1, 0, "MODEL"), "clip": (2, 0, "CLIP")},
        outputs="LATENT",
    )
    sheet.nodes[-1]["inputs"].append(
        {"name": "text", "type": "STRING", "widget": {"name": "text"}, "link": None}
    )
    sheet.add(
        5, "VAEDecode", inputs={"samples": (4, 0, "LATENT"), "vae": (3, 0, "VAE")}, outputs="IMAGE"
    )
    sheet.add(6, "SaveImage", ["qwen"], inputs={"images": (5, 0, "IMAGE")})
    return sheet.drawn(definitions={"subgraphs": [outer, inner]})


def _link(number: int, origin: tuple[int, int], target: tuple[int, int], kind: str) -> Graph:
    return {
        "id": number,
        "origin_id": origin[0],
        "origin_slot": origin[1],
        "target_id": target[0],
        "target_slot": target[1],
        "type": kind,
    }


def _instance(number: int, kind: str, links: dict[str, int | None], widgets: list[Any]) -> Graph:
    inputs = []
    for name, link in links.items():
        told: Graph = {"name": name, "type": "STRING" if name == "text" else "CLIP", "link": link}
        if name == "text":
            told["widget"] = {"name": "text"}
        inputs.append(told)
    outputs = [{"name": "CONDITIONING", "type": "CONDITIONING", "links": []}]
    return {
        "id": number,
        "type": kind,
        "mode": 0,
        "inputs": inputs,
        "outputs": outputs,
        "widgets_values": widgets,
    }


SUBGRAPH_DRAWN = _subgraph_drawn()


def _group_drawn() -> Graph:
    """A group node of 2024: two encoders in it, whose texts are in the instance's row."""
    encoder = {
        "type": "CLIPTextEncode",
        "inputs": [{"name": "clip", "type": "CLIP", "link": None}],
        "outputs": [{"name": "CONDITIONING", "type": "CONDITIONING", "links": []}],
    }
    group = {
        "nodes": [
            {**encoder, "index": 0, "widgets_values": ["as it was when grouped"]},
            {**encoder, "index": 1, "widgets_values": [""]},
        ],
        "links": [],
        "external": [],
        "config": {"1": {"input": {"text": {"name": "against"}}}},
    }
    sheet = Sheet()
    sheet.add(1, "CheckpointLoaderSimple", ["dreamshaper_8.safetensors"], outputs="MODEL CLIP VAE")
    sheet.add(
        2,
        "workflow>Prompts",
        ["a lighthouse at dusk", "fog"],
        inputs={"clip": (1, 1, "CLIP"), "CLIPTextEncode clip": (1, 1, "CLIP")},
        outputs="CONDITIONING CONDITIONING",
    )
    sheet.add(3, "EmptyLatentImage", [512, 768, 1], outputs="LATENT")
    sheet.add(
        4,
        "KSampler",
        [5150, "fixed", 20, 8, "euler", "normal", 1],
        inputs={
            "model": (1, 0, "MODEL"),
            "positive": (2, 0, "CONDITIONING"),
            "negative": (2, 1, "CONDITIONING"),
            "latent_image": (3, 0, "LATENT"),
        },
        outputs="LATENT",
    )
    sheet.add(
        5, "VAEDecode", inputs={"samples": (4, 0, "LATENT"), "vae": (1, 2, "VAE")}, outputs="IMAGE"
    )
    sheet.add(6, "SaveImage", ["ComfyUI"], inputs={"images": (5, 0, "IMAGE")})
    return sheet.drawn(extra={"groupNodes": {"Prompts": group}})


GROUP_DRAWN = _group_drawn()

UPSCALED: Graph = {
    "1": node("LoadImage", image="old.png"),
    "2": node("UpscaleModelLoader", model_name="4x-UltraSharp.pth"),
    "3": node("ImageUpscaleWithModel", upscale_model=["2", 0], image=["1", 0]),
    "4": node("SaveImage", filename_prefix="up", images=["3", 0]),
}

SERVICE: Graph = {
    "1": node("PrimitiveStringMultiline", value="a lighthouse at dusk"),
    "2": node(
        "FluxProUltraImageNode",
        prompt=["1", 0],
        prompt_upsampling=False,
        seed=31337,
        aspect_ratio="16:9",
        raw=False,
        image_prompt_strength=0.1,
    ),
    "3": node("SaveImage", filename_prefix="api", images=["2", 0]),
}

WAN: Graph = {
    "1": node(
        "WanVideoModelLoader",
        model="WanVideo/wan2.2_t2v_high_noise_14B_fp8.safetensors",
        base_precision="bf16",
        lora=["2", 0],
    ),
    "2": node(
        "WanVideoLoraSelect", lora="lightx2v_4step.safetensors", strength=1.2, low_mem_load=False
    ),
    "3": node("LoadWanVideoT5TextEncoder", model_name="umt5-xxl-enc-bf16.safetensors"),
    "4": node(
        "WanVideoTextEncode",
        positive_prompt="waves break at a lighthouse at dusk",
        negative_prompt="fog",
        force_offload=True,
        t5=["3", 0],
    ),
    "5": node("WanVideoEmptyEmbeds", width=832, height=480, num_frames=81),
    "6": node(
        "WanVideoSampler",
        steps=6,
        cfg=1.0,
        shift=8.0,
        seed=1057359483639287,
        force_offload=True,
        scheduler="dpm++_sde",
        riflex_freq_index=0,
        model=["1", 0],
        image_embeds=["5", 0],
        text_embeds=["4", 0],
    ),
    "7": node("WanVideoDecode", vae=["8", 0], samples=["6", 0]),
    "8": node("WanVideoVAELoader", model_name="Wan2_1_VAE_bf16.safetensors"),
    "9": node(
        "VHS_VideoCombine",
        frame_rate=16,
        loop_count=0,
        filename_prefix="wan",
        format="video/h264-mp4",
        save_metadata=True,
        images=["7", 0],
    ),
}
WAN_TAGS = {"prompt": json.dumps(WAN), "workflow": json.dumps({"nodes": [], "links": []})}
WAN_COMMENT = {"prompt": json.dumps(WAN), "workflow": {"nodes": [], "links": []}}
