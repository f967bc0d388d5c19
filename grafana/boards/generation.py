"""What is made, by which tools and models, and how much room it takes."""

from __future__ import annotations

from typing import Final

from grafana.board import IN_ROOT, ROOT, Board, Section, bars, graph, metric, rate, since, stat

MADE: Final = metric("generated_files")
ROOM: Final = metric("generated_bytes")
UNDERSTOOD, PARTLY = 'understood="yes"', 'understood="no"'
MEDIA: Final = ('state="present"', 'kind=~"image|video|audio"', IN_ROOT)

NOW: Final = Section(
    "Now",
    (
        stat(
            "Files with a maker",
            f"sum({MADE}) or vector(0)",
            "Present files that say how they were made. `storewarden show` tells all that one "
            "says; `storewarden search` finds by words of prompts.",
        ),
        stat(
            "Their size",
            f"sum({ROOM}) or vector(0)",
            "Bytes of these files. What can be made again may go first: see policies with "
            "`regenerable`.",
            unit="bytes",
        ),
        stat(
            "Tools",
            f"count(sum by (tool) ({MADE}) > 0) or vector(0)",
            "How many tools made what is there. One you use and do not find here writes nothing "
            "into its files: turn its metadata on.",
        ),
        stat(
            "Models",
            f"count(sum by (model) ({MADE}) > 0) or vector(0)",
            "How many models are told; of the 50 most common pairs of tool and model, the rest is "
            "`other`. `storewarden files 'model=flux*'` finds what one made.",
        ),
        stat(
            "Media that tell",
            f"sum({MADE}) / sum({metric('files', *MEDIA[:2])})",
            "Files with a maker for each picture, film and sound that is there. A fall: a tool "
            "was set to write no metadata.",
            unit="percentunit",
            most=1,
        ),
        stat(
            "New, 1 hour",
            f"sum({metric('files', *MEDIA)}"
            f" - ({metric('files', *MEDIA)} offset 1h or 0 * {metric('files', *MEDIA)}))",
            "Pictures, films and sounds more than an hour ago; below nought more went than came.",
        ),
    ),
)
TOOLS: Final = Section(
    "Tools",
    (
        graph(
            "Files by tool",
            [(f"sum by (tool) ({MADE})", "{{tool}}")],
            "What each tool made of what is there. A tool that falls is one whose files policies "
            "archive or trash.",
            width=12,
            stacked=True,
        ),
        graph(
            "Bytes by tool",
            [(f"sum by (tool) ({ROOM})", "{{tool}}")],
            "What each tool's files take. Where one fills the disk, write a policy that matches "
            "its `tool`.",
            unit="bytes",
            width=12,
            stacked=True,
        ),
    ),
)
MODELS: Final = Section(
    "Models",
    (
        graph(
            "Files by model",
            [(f"topk(10, sum by (model) ({MADE}))", "{{model}}")],
            "The ten models most was made with. `storewarden files 'model=flux*'` lists the files.",
            width=12,
        ),
        bars(
            "Bytes by model",
            f"topk(10, sum by (model) ({ROOM}))",
            "{{model}}",
            "What the files of a model take, now. `unknown` is what tells its tool and no model.",
            unit="bytes",
            width=12,
        ),
    ),
)
FLOW: Final = Section(
    "What comes",
    (
        graph(
            "Pictures, films, sounds",
            [(f"sum by (kind) ({metric('files', *MEDIA)})", "{{kind}}")],
            "Present media by kind. One that only grows wants a policy: "
            "`storewarden policy coverage`.",
            width=12,
        ),
        graph(
            "Size of media",
            [(f"sum by (kind) ({metric('bytes', *MEDIA)})", "{{kind}}")],
            "What media take, by kind; films are few and large. "
            "`storewarden files kind=video` lists them.",
            unit="bytes",
            width=12,
            stacked=True,
        ),
        graph(
            "Read as made by a tool",
            [
                (
                    f"sum by (tool) ({rate('provenance_total', UNDERSTOOD)})",
                    "{{tool}}",
                ),
            ],
            "Files a second whose way of making was read. None while a tool works: it writes no "
            "metadata.",
            unit="cps",
        ),
        graph(
            "Not all understood",
            [
                (
                    f"sum by (tool) ({metric('provenance_total', PARTLY)})",
                    "{{tool}}",
                ),
            ],
            "Files since the start of the daemon that say more than we understand, by tool: please "
            "report one of them; `storewarden show` has what was read.",
            none="all was understood",
        ),
        graph(
            "Looked into, by reader",
            [(f"sum by (inspector) ({rate('inspections_total')})", "{{inspector}}")],
            "Files a second, by what reads them. One that should be here and is not: is the file's "
            "type the one its name says?",
            unit="cps",
        ),
    ),
)

MEAN_OF: Final = f"sum by (provider) ({rate('api_call_seconds_total')})"
TIMED: Final = f"sum by (provider) ({rate('api_timed_calls_total')})"
COST: Final = Section(
    "What it costs, as applications tell",
    (
        bars(
            "Spent within a day",
            f"sum by (currency) ({since('api_cost_total', window='1d')})",
            "{{currency}}",
            "What calls of services cost, a bar for each currency: they are never added together. "
            "`storewarden stats --by workflow` tells what it was spent for.",
        ),
        graph(
            "Spent within an hour",
            [
                (
                    f"sum by (provider, currency) ({since('api_cost_total')})",
                    "{{provider}} {{currency}}",
                )
            ],
            "By provider, in its currency. A rise that nobody planned: `storewarden stats --by "
            "model` tells by which model, `--by user` by whom.",
            stacked=False,
        ),
        graph(
            "Calls",
            [(f"sum by (provider) ({rate('api_calls_total')})", "{{provider}}")],
            "Calls a second, by provider. None while applications work: they do not tell any more.",
            unit="cps",
        ),
        graph(
            "Calls with an error",
            [(f"sum by (provider) ({rate('api_errors_total')})", "{{provider}}")],
            "A second, by provider. GET /api/v1/usage has each of them with its words.",
            unit="cps",
        ),
        graph(
            "How long a call takes",
            [(f"{MEAN_OF} / ({TIMED} > 0)", "{{provider}}")],
            "On average, where applications tell it. `storewarden stats --by provider` has "
            "percentiles.",
            unit="s",
        ),
        graph(
            "Tokens",
            [(f"sum by (direction) ({rate('api_tokens_total')})", "{{direction}}")],
            "A second, in and out. A rise of those that go in without one of calls: prompts grow.",
            unit="cps",
        ),
    ),
)

GENERATION: Final = Board(
    "storewarden-generation",
    "Storewarden / Generation",
    "Files, bytes, models, tools and costs over time.",
    (NOW, TOOLS, MODELS, COST, FLOW),
    (ROOT,),
)
