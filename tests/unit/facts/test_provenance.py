"""What texts tell about the making of a file: between tools, and where they are odd."""

import json
from dataclasses import replace
from typing import Any

import pytest

from storewarden.facts.found import Found
from storewarden.facts.provenance import TOOLS, provenance_of, raw
from storewarden.model import Lora, Provenance
from tests.makers import graphs, tools
from tests.makers.graphs import node

INFOTEXT = """\
a lighthouse at dusk
Negative prompt: fog
Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Size: 512x768, \
Model hash: 6ce0161689, Model: v1-5"""


def told(**texts: str) -> Provenance | None:
    """Return the provenance of texts by where they lay; `png__prompt` is png:prompt."""
    found = Found()
    for where, text in texts.items():
        found.text(where.replace("__", ":"), text)
    return provenance_of(found)


def known(**texts: str) -> Provenance:
    """Return the same where there must be one, without what is kept raw."""
    provenance = told(**texts)
    assert provenance is not None
    return replace(provenance, raw=b"")


def parameters(settings: str, prompt: str = "a lighthouse") -> Provenance:
    return known(png__parameters=f"{prompt}\n{settings}")


def graph(**nodes: dict[str, Any]) -> Provenance:
    """Return what a graph tells; the sampler is `s`, with everything but what is given."""
    return known(png__prompt=json.dumps({**nodes, "o": node("SaveImage", images=["s", 0])}))


def sampler(**inputs: Any) -> dict[str, Any]:
    usual = {"seed": 1, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal"}
    return node("KSampler", **{**usual, "latent_image": ["l", 0], **inputs})


def test_no_texts_tell_nothing() -> None:
    assert told() is None
    assert told(exif__Make="Kamera", exif__Software="1.0") is None


@pytest.mark.parametrize(
    "texts",
    [
        {"png__Comment": "Created with GIMP"},
        {"exif__ImageDescription": "Steps: to the lighthouse"},
        {"exif__UserComment": '{"camera": "K-1", "model": "K-1"}'},
        {"png__Description": "a prompt reply; Job done"},
        {"xmp": tools.packet('xmp:CreatorTool="Adobe Lightroom 7.0"')},
        {"mp4__comment": "my holidays", "mp4__encoder": "Lavf60.16.100"},
        {"json": '{"prompt": "who are you?", "answer": "a cat"}'},
        {"json": "[1, 2, 3]"},
        {"safetensors__format": "pt"},
        {"jpeg__comment": "CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90"},
    ],
)
def test_texts_about_something_else_are_no_provenance(texts: dict[str, str]) -> None:
    assert told(**texts) is None


def test_every_tool_is_named_once_and_in_order() -> None:
    assert list(TOOLS) == sorted(set(TOOLS))


# -- several accounts in one file ---------------------------------------------------------------


def test_of_two_accounts_the_richer_counts_and_both_are_kept() -> None:
    flux = json.dumps(graphs.FLUX)
    provenance = told(png__parameters=INFOTEXT.format(seed=5), png__prompt=flux)

    assert provenance is not None
    assert (provenance.tool, provenance.seed) == ("comfyui", 5)
    assert set(raw.unpack(provenance.raw)) == {"png:parameters", "png:prompt"}


def test_an_account_of_the_same_picture_fills_in_what_the_richer_lacks() -> None:
    provenance = known(
        png__parameters=INFOTEXT.format(seed=219670278747233), png__prompt=json.dumps(graphs.FLUX)
    )

    assert provenance.model_hash == "6ce0161689"
    assert provenance.loras == (Lora("coast_flux", 0.9),)


def test_an_account_of_another_picture_fills_in_nothing() -> None:
    provenance = known(png__parameters=INFOTEXT.format(seed=5), png__prompt=json.dumps(graphs.FLUX))

    assert provenance.loras == ()


def test_an_account_that_is_understood_counts_before_one_that_is_not() -> None:
    provenance = known(
        png__prompt='{"1": {"class_type": "KSampler", "inp',
        png__parameters=INFOTEXT.format(seed=5),
    )

    assert (provenance.understood, provenance.seed) == (True, 5)
    assert provenance.tool == "comfyui"


def test_the_source_type_is_told_beside_the_prompt() -> None:
    source = f'Iptc4xmpExt:DigitalSourceType="{tools.SOURCE_TYPE}trainedAlgorithmicMedia"'
    provenance = known(png__parameters=INFOTEXT.format(seed=5), xmp=tools.packet(source))

    assert provenance.source_type == "trainedAlgorithmicMedia"
    assert provenance.prompt == "a lighthouse at dusk"


def test_what_is_there_and_cut_off_is_kept_and_not_understood() -> None:
    provenance = told(png__workflow='{"nodes": [{"id": 1, "type": "KSampler", "widgets_values": [')

    assert provenance is not None
    assert (provenance.tool, provenance.understood) == ("comfyui", False)
    assert "png:workflow" in raw.unpack(provenance.raw)


# -- infotexts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "tool"),
    [
        ("v1.10.1", "automatic1111"),
        ("v1.6.0-2-g4afaaf8a", "automatic1111"),
        ("f0.0.17v1.8.0rc-latest-276-g29be1da7", "forge"),
        ("f2.0.1v1.10.1-previous-669-gdfdcbab6", "forge"),
        ("neo", "forge"),
        ("Fooocus v2.5.5", "fooocus"),
        ("ComfyUI", "comfyui"),
        ("058a7f0, App: SD.Next", "sdnext"),
        ("2fa9e3d, Backend: Diffusers", "sdnext"),
    ],
)
def test_a_version_tells_which_web_ui_it_was(version: str, tool: str) -> None:
    assert parameters(f"Steps: 20, Seed: 1, Size: 8x8, Version: {version}").tool == tool


def test_a_prompt_may_hold_what_looks_like_settings() -> None:
    provenance = parameters(
        "Steps: 20, Sampler: Euler a, Seed: 7, Size: 8x8",
        "Steps: a stair, Seed: a grain, Size: large\nhere, Negative prompt: is no line of its own",
    )

    assert provenance.seed == 7
    assert provenance.prompt is not None
    assert provenance.prompt.startswith("Steps: a stair")
    assert provenance.prompt.endswith("of its own")
    assert provenance.negative is None


@pytest.mark.parametrize(
    "prompt",
    [
        "{red|blue} car",
        "[red|blue] car",
        "{red|blue}",
        "[fog]",
        "{",
        '{"prompt": "a car"}',
        '["a car"]',
        '{\n"prompt": "a car"\n}',
    ],
)
def test_a_prompt_may_begin_as_json_does(prompt: str) -> None:
    found = known(png__parameters=f"{prompt}\n{INFOTEXT.format(seed=1).partition(chr(10))[2]}")

    assert (found.tool, found.prompt, found.seed) == ("automatic1111", prompt, 1)


def test_words_of_an_infotext_in_json_are_no_infotext() -> None:
    words = INFOTEXT.format(seed=1)

    assert told(exif__UserComment=json.dumps({"note": words}, indent=1)) is None
    assert told(exif__UserComment=json.dumps({"note": words})[:-1]) is None
    assert told(exif__UserComment=json.dumps([words])) is None


def test_what_prompts_were_made_from_is_no_part_of_them() -> None:
    settings = "Steps: 20, Seed: 1, Sampler: Euler a, App: SD.Next"
    made_from = "Template: a {tower|lighthouse}\nNegative template: {mist|fog}"

    assert parameters(f"Negative prompt: fog\n{made_from}\n{settings}").negative == "fog"


@pytest.mark.parametrize("line", ["Template: blank", "Negative template: blank"])
def test_a_prompt_against_templates_is_kept_whole(line: str) -> None:
    settings = "Steps: 20, Seed: 1, Sampler: Euler a, Version: v1.10.1"

    assert parameters(f"Negative prompt: fog\n{line}\n{settings}").negative == f"fog\n{line}"


def test_lines_behind_the_settings_do_not_hide_them() -> None:
    provenance = parameters("Steps: 20, Sampler: Euler a, Seed: 7, Size: 8x8\nTime taken: 3.1 sec.")

    assert (provenance.prompt, provenance.seed) == ("a lighthouse", 7)


def test_prompts_without_settings_are_understood() -> None:
    provenance = known(png__parameters="a lighthouse\nNegative prompt: fog")

    assert (provenance.prompt, provenance.negative) == ("a lighthouse", "fog")


def test_a_quoted_value_may_hold_commas_quotes_and_lines() -> None:
    provenance = parameters(
        'Steps: 20, Note: "a, \\"b\\", Seed: 3\\nc", Seed: 7, Size: 8x8, Model: "one, two: three"'
    )

    assert (provenance.seed, provenance.model) == (7, "one, two: three")


def test_loras_stand_in_the_prompt_and_in_the_hashes() -> None:
    provenance = parameters(
        'Steps: 20, Seed: 1, Size: 8x8, Lora hashes: "a: 11, c: 22"',
        "<lora:a:0.5> <lora:b> <lyco:d:te=0.4:unet=0.6> <lora:e:1:0.3:lbw=OUTD> <hypernet:f:1>",
    )

    assert provenance.loras == (
        Lora("a", 0.5),
        Lora("b", 1.0),
        Lora("d", 0.4),
        Lora("e", 1.0),
        Lora("c", None),
    )


def test_infotexts_are_found_in_what_the_api_answered() -> None:
    info = json.dumps({"infotexts": [INFOTEXT.format(seed=99)], "seed": 99})

    assert known(json=json.dumps({"images": [], "info": info})).seed == 99


# -- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 2**32, 2**64 - 1, 2**64, 10**39])
def test_a_seed_may_be_larger_than_any_machine_word(seed: int) -> None:
    assert parameters(f"Steps: 20, Seed: {seed}, Size: 8x8").seed == seed
    assert graph(s=sampler(seed=seed)).seed == seed


@pytest.mark.parametrize("value", [True, False, None, "NaN", "1e999", -1, 10**40, [], {}, "many"])
def test_what_is_no_number_is_none(value: object) -> None:
    provenance = graph(s=sampler(seed=value, steps=value))

    assert (provenance.seed, provenance.steps) == (None, None)
    assert provenance.understood


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "true", "null"])
def test_guidance_is_a_number_that_is_one(value: str) -> None:
    text = json.dumps({"s": sampler(cfg="@"), "o": node("SaveImage", images=["s", 0])})

    assert known(png__prompt=text.replace('"@"', value)).guidance is None


def test_halves_of_characters_and_zeros_are_left_out() -> None:
    provenance = graph(
        s=sampler(positive=["c", 0]), c=node("CLIPTextEncode", text="light\ud800ho\0use")
    )

    assert provenance.prompt == "light?house"


# -- graphs -------------------------------------------------------------------------------------


def test_unknown_nodes_are_walked_through_to_the_words() -> None:
    provenance = graph(
        s=node(
            "AcmeSampler2000",
            noise_seed=3,
            steps=9,
            cfg_scale=4,
            sampler="acme",
            scheduler="log",
            positive=["m", 0],
            negative=["m", 1],
            model=["p", 0],
            latents=["l", 0],
        ),
        m=node("AcmeRegionMixer", positive=["w", 0], negative=["n", 0], strength=1, mask=["x", 0]),
        w=node("AcmeWeigh", conditioning=["c", 0], weight=0.5),
        c=node("AcmeEncoder", text=["j", 0], clip=["p", 1]),
        j=node("Text Concatenate", delimiter=" / ", text_a=["t", 0], text_b="at dusk"),
        t=node("ShowText|pysssss", text=["u", 0], text_0="a lighthouse"),
        u=node("AcmeLanguageModel", temperature=1),
        n=node("CLIPTextEncode", text="fog", clip=["p", 1]),
        p=node("AcmePatch", model=["d", 0]),
        d=node("AcmeLoader", unet_name="folder\\acme.gguf"),
        x=node("CLIPTextEncode", text="not a prompt"),
        l=node("AcmeLatent", dimensions="1024 x 576 (landscape)"),
    )

    assert (provenance.prompt, provenance.negative) == ("a lighthouse / at dusk", "fog")
    assert (provenance.seed, provenance.steps, provenance.guidance) == (3, 9, 4.0)
    assert (provenance.sampler, provenance.scheduler) == ("acme", "log")
    assert provenance.model == "acme"
    assert (provenance.width, provenance.height) == (1024, 576)


def test_circles_end() -> None:
    provenance = graph(
        s=sampler(positive=["a", 0], negative=["t", 0], model=["m", 0], latent_image=["s", 0]),
        a=node("ConditioningCombine", conditioning_1=["b", 0], conditioning_2=["c", 0]),
        b=node("ConditioningCombine", conditioning_1=["a", 0], conditioning_2=["b", 0]),
        c=node("CLIPTextEncode", text=["d", 0]),
        d=node("StringConcatenate", string_a=["d", 0], string_b="a lighthouse", delimiter=""),
        t=node("CLIPTextEncode", text=["t", 0]),
        m=node("LoraLoader", lora_name="sea", strength_model=["m", 0], model=["m", 0]),
    )

    assert (provenance.prompt, provenance.negative) == ("a lighthouse", None)
    assert provenance.loras == (Lora("sea"),)


def test_a_switch_lets_through_what_it_is_set_to() -> None:
    provenance = graph(
        s=sampler(positive=["c", 0]),
        c=node("CLIPTextEncode", text=["w", 0]),
        w=node("ImpactSwitch", select=2, input1=["a", 0], input2=["b", 0]),
        a=node("PrimitiveString", value="a mountain"),
        b=node("PrimitiveString", value="a lighthouse"),
    )

    assert provenance.prompt == "a lighthouse"


def test_what_a_wildcard_became_counts() -> None:
    provenance = graph(
        s=sampler(positive=["c", 0]),
        c=node("CLIPTextEncode", text=["w", 0]),
        w=node(
            "ImpactWildcardProcessor",
            wildcard_text="a {lighthouse|mountain}",
            populated_text="a lighthouse",
            seed=4,
        ),
    )

    assert provenance.prompt == "a lighthouse"


def test_a_negative_that_is_zeroed_out_says_nothing() -> None:
    provenance = graph(
        s=sampler(positive=["c", 0], negative=["z", 0]),
        c=node("CLIPTextEncode", text="a lighthouse"),
        z=node("ConditioningZeroOut", conditioning=["c", 0]),
    )

    assert (provenance.prompt, provenance.negative) == ("a lighthouse", None)


def test_both_words_of_an_encoder_of_two_count() -> None:
    provenance = graph(
        s=sampler(positive=["c", 0]),
        c=node("CLIPTextEncodeFlux", clip_l="dusk", t5xxl="a lighthouse", guidance=3.5),
    )

    assert provenance.prompt == "a lighthouse\ndusk"


def test_a_loader_that_does_it_all_is_read() -> None:
    provenance = graph(
        s=node(
            "KSampler (Efficient)",
            seed=8,
            steps=20,
            cfg=7,
            sampler_name="euler",
            scheduler="normal",
            model=["e", 0],
            positive=["e", 1],
            negative=["e", 2],
            latent_image=["e", 3],
        ),
        e=node(
            "Efficient Loader",
            ckpt_name="dreamshaper_8.safetensors",
            lora_name="sea.safetensors",
            lora_model_strength=0.7,
            positive="a lighthouse",
            negative="fog",
            empty_latent_width=512,
            empty_latent_height=768,
        ),
    )

    assert (provenance.prompt, provenance.negative) == ("a lighthouse", "fog")
    assert (provenance.model, provenance.loras) == ("dreamshaper_8", (Lora("sea", 0.7),))
    assert (provenance.width, provenance.height) == (512, 768)


def test_rows_of_a_stack_that_are_off_do_not_count() -> None:
    provenance = graph(
        s=sampler(model=["a", 0]),
        a=node("CR Apply LoRA Stack", model=["m", 0], lora_stack=["k", 0]),
        m=node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
        k=node(
            "CR LoRA Stack",
            switch_1="On",
            lora_name_1="sea.safetensors",
            model_weight_1=0.4,
            switch_2="Off",
            lora_name_2="hill.safetensors",
            model_weight_2=1.0,
            switch_3="On",
            lora_name_3="None",
            model_weight_3=1.0,
        ),
    )

    assert provenance.loras == (Lora("sea", 0.4),)
    assert provenance.model == "base"


def test_of_two_pictures_that_are_kept_one_is_told_and_not_a_mixture() -> None:
    provenance = known(
        png__prompt=json.dumps(
            {
                "s": sampler(positive=["c", 0]),
                "c": node("CLIPTextEncode", text="a lighthouse"),
                "o": node("SaveImage", images=["s", 0]),
                "s2": sampler(positive=["c2", 0], seed=2),
                "c2": node("CLIPTextEncode", text="a mountain"),
                "o2": node("SaveImage", images=["s2", 0]),
            }
        )
    )

    assert (provenance.prompt, provenance.seed) == ("a lighthouse", 1)


def test_a_graph_may_hold_what_is_no_number_of_json() -> None:
    text = json.dumps({**graphs.FLUX, "99": {"class_type": "X", "is_changed": [float("nan")]}})

    assert known(png__prompt=text).prompt == "a lighthouse at dusk"


# -- places -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        "png:prompt",
        "mp4:prompt",
        "mkv:PROMPT",
        "vorbis:PROMPT",
        "id3:TXXX:prompt",
        "json",
        "mp4:comment",
        "mkv:COMMENT",
        "exif:UserComment",
        "safetensors:prompt",
    ],
)
def test_a_graph_is_found_wherever_tools_put_it(where: str) -> None:
    assert known(**{where.replace(":", "__"): json.dumps(graphs.FLUX)}).seed == 219670278747233


def test_a_prompt_in_the_tags_of_a_video_needs_no_tool() -> None:
    provenance = known(mkv__PROMPT="a lighthouse", mkv__SEED="7", mkv__MODEL="wan/wan2.safetensors")

    assert provenance == Provenance("unknown", prompt="a lighthouse", seed=7, model="wan2")


def test_novelai_is_read_from_webp_as_well() -> None:
    inner = json.dumps(tools.NOVELAI_4)
    outer = {"Software": "NovelAI", "Source": "NovelAI Diffusion V4 37C2B166", "Comment": inner}

    provenance = known(exif__UserComment=json.dumps(outer))

    assert (provenance.tool, provenance.model_hash) == ("novelai", "37C2B166")
    assert provenance.seed == 2407665985


def test_an_application_may_say_which_workflow_and_scene_a_picture_belongs_to() -> None:
    found = Found()
    found.text("png:Comment", '{"workflow_id": "w-7", "scene": 3}')

    assert provenance_of(found) is None
    assert (found.workflow, found.scene) == ("w-7", "3")


def test_the_mark_of_a_signer_is_enough() -> None:
    found = Found()
    found.more |= {"c2pa.generator": "ChatGPT", "c2pa.source_type": "trainedAlgorithmicMedia"}

    assert provenance_of(found) == Provenance("openai", source_type="trainedAlgorithmicMedia")


@pytest.mark.parametrize(
    ("generator", "source", "tool"),
    [
        ("Adobe_Firefly 1.0", "trainedAlgorithmicMedia", "firefly"),
        ("Adobe_Photoshop 25.3", "compositeWithTrainedAlgorithmicMedia", "photoshop"),
        ("Google C2PA Core Generator Library", "trainedAlgorithmicMedia", "google"),
        ("Google C2PA Core Generator Library", "computationalCapture", "camera"),
        ("DALL-E", "trainedAlgorithmicMedia", "openai"),
        ("Leica Camera", "digitalCapture", "camera"),
        ("Acme Painter", "trainedAlgorithmicMedia", "unknown"),
    ],
)
def test_a_signer_is_a_tool_or_a_camera(generator: str, source: str, tool: str) -> None:
    found = Found()
    found.more |= {"c2pa.generator": generator, "c2pa.source_type": source}

    provenance = provenance_of(found)

    assert provenance is not None
    assert (provenance.tool, provenance.source_type) == (tool, source)


@pytest.mark.parametrize("credit", ["Randall Smith", "Firefly Films", "OpenAI Press Office"])
def test_whom_a_picture_is_credited_to_is_no_tool(credit: str) -> None:
    assert told(xmp=tools.packet(f'photoshop:Credit="{credit}"')) is None


@pytest.mark.parametrize("software", ["Randalle 2", "Resora", "Fireflyer", "Stability 3"])
def test_a_name_that_only_sounds_alike_is_no_tool(software: str) -> None:
    assert told(exif__Software=software) is None


# -- drawings whose nodes nobody knows -----------------------------------------------------------


def test_the_row_of_an_unknown_sampler_is_told_by_its_shape() -> None:
    sheet = graphs.Sheet()
    sheet.add(
        1,
        "Efficient Loader",
        ["sd15/base.safetensors", "Baked VAE", -1, "None", 1, 1, "a lighthouse, dusk", "fog, rain"],
        outputs="MODEL CONDITIONING+ CONDITIONING-",
    )
    sheet.add(
        2,
        "AcmeDetailer",
        [512, True, 768, 329293744560011, "randomize", 16, 8.5, "ddpm", "karras", 0.3, "wildcard"],
        inputs={
            "model": (1, 0, "MODEL"),
            "positive": (1, 1, "CONDITIONING+"),
            "negative": (1, 2, "CONDITIONING-"),
        },
        outputs="IMAGE",
    )
    sheet.add(3, "SaveImage", ["a"], inputs={"images": (2, 0, "IMAGE")})

    provenance = known(png__workflow=json.dumps(sheet.drawn()))

    assert (provenance.prompt, provenance.negative) == ("a lighthouse, dusk", "fog, rain")
    assert (provenance.model, provenance.seed) == ("base", 329293744560011)
    assert (provenance.steps, provenance.guidance) == (16, 8.5)
    assert (provenance.sampler, provenance.scheduler) == ("ddpm", "karras")


def test_names_of_some_inputs_are_not_taken_for_names_of_all_widgets() -> None:
    sheet = graphs.Sheet()
    sheet.add(1, "AcmeNumber", [33], outputs="INT")
    sheet.add(
        2,
        "AcmeSampler",
        [7, "fixed", 20, 8.0, "euler", "normal", 1],
        inputs={"latent_image": (1, 0, "LATENT"), "denoise": (1, 0, "FLOAT")},
    )
    sheet.nodes[-1]["inputs"][1]["widget"] = {"name": "denoise"}

    assert known(png__workflow=json.dumps(sheet.drawn())).seed == 7


def test_a_node_that_changes_a_model_does_not_name_it() -> None:
    provenance = graph(
        s=sampler(model=["i", 0]),
        i=node("IPAdapter", model=["c", 0], model_name="ip-adapter-plus_sd15.bin"),
        c=node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
    )

    assert provenance.model == "base"


def test_a_pipe_that_says_it_in_other_words_is_understood() -> None:
    provenance = graph(
        s=node(
            "## ksample-dec [7dd004]",
            seed=5,
            steps=20,
            cfg=8,
            sampler_name="euler",
            scheduler="normal",
            basic_pipe=["p", 0],
            latent_image=["l", 0],
        ),
        p=node(
            "## make-sdxl-base-basic_pipe [556f76]",
            ckpt_name="base.safetensors",
            linguistic_positive="a lighthouse at dusk",
            supportive_positive="stormy sea",
            linguistic_negative="fog",
            positive_ascore=6,
        ),
    )

    assert provenance.prompt == "a lighthouse at dusk\nstormy sea"
    assert (provenance.negative, provenance.model) == ("fog", "base")


def test_what_is_sent_everywhere_arrives_where_it_is_missing() -> None:
    sheet = graphs.Sheet()
    sheet.add(1, "CheckpointLoaderSimple", ["base.safetensors"], outputs="MODEL CLIP VAE")
    sheet.add(2, "Anything Everywhere3", [], inputs={"MODEL": (1, 0, "MODEL")})
    sheet.add(3, "CLIPTextEncode", ["a lighthouse"], outputs="CONDITIONING")
    sheet.add(4, "CLIPTextEncode", ["fog"], outputs="CONDITIONING")
    sheet.add(
        5,
        "Prompts Everywhere",
        [],
        inputs={"CONDITIONING": (3, 0, "CONDITIONING"), "c2": (4, 0, "CONDITIONING")},
    )
    sheet.add(6, "EmptyLatentImage", [512, 768, 1], outputs="LATENT")
    sheet.add(
        7,
        "KSampler",
        [9, "fixed", 20, 8, "euler", "normal", 1],
        inputs={"latent_image": (6, 0, "LATENT")},
        outputs="LATENT",
    )
    for name, kind in (("model", "MODEL"), ("positive", "COND"), ("negative", "COND")):
        sheet.nodes[-1]["inputs"].append({"name": name, "type": kind, "link": None})

    provenance = known(png__workflow=json.dumps(sheet.drawn()))

    assert (provenance.prompt, provenance.negative) == ("a lighthouse", "fog")
    assert provenance.model == "base"


def test_fields_of_a_site_are_known_in_its_own_spelling() -> None:
    told_by_site = {
        "models": [{"label": "Coasts", "type": "LORA", "weight": 0.6, "hash": "ab"}],
        "prompt": "a lighthouse",
        "negativePrompt": "fog",
        "width": 768,
        "height": 1152,
        "samplerName": "Euler a",
        "steps": 25,
        "cfgScale": 7,
        "seed": "4122339881",
        "baseModel": {"label": "DreamShaper", "hash": "879DB523C3"},
    }

    provenance = known(png__generation_data=json.dumps(told_by_site) + "\0")

    assert (provenance.prompt, provenance.negative) == ("a lighthouse", "fog")
    assert (provenance.model, provenance.model_hash) == ("DreamShaper", "879DB523C3")
    assert provenance.loras == (Lora("Coasts", 0.6),)
    assert (provenance.seed, provenance.sampler, provenance.guidance) == (4122339881, "Euler a", 7)


def test_a_mark_that_machines_made_it_is_kept_though_it_says_no_more() -> None:
    provenance = known(png__AIGC='{"Label": "1", "ContentProducer": "acme"}')

    assert (provenance.tool, provenance.understood) == ("unknown", False)
