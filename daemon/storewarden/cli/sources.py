"""From what facts are read: types of files, tools, and the names of facts that only some have.

Tables for the page of the facts; tests hold them in step with the readers.
"""

from __future__ import annotations

PICTURE = "dimensions, colour"

# A reader, the files that it reads, and what it tells of them.
READERS = {
    "png": ("PNG, APNG", f"{PICTURE}, frames, duration; texts, EXIF, XMP, C2PA"),
    "jpeg": ("JPEG", f"{PICTURE}, orientation; EXIF, XMP, IPTC, comment, C2PA"),
    "webp": ("WebP", f"{PICTURE}, frames, duration, orientation; EXIF, XMP, C2PA"),
    "gif": ("GIF", f"{PICTURE}, frames, duration; comment, XMP"),
    "heif": ("AVIF, HEIC, HEIF", f"{PICTURE}, frames, orientation, codec; EXIF, XMP, C2PA"),
    "jxl": ("JPEG XL", f"{PICTURE}, orientation; EXIF, XMP, C2PA"),
    "jp2": ("JPEG 2000", f"{PICTURE}; XMP, C2PA"),
    "tiff": ("TIFF, DNG, most camera raws", f"{PICTURE}, pages, orientation; EXIF, XMP, IPTC"),
    "camera": ("Canon's CR3, Fuji's RAF", "dimensions, orientation; EXIF"),
    "bmp": ("BMP", PICTURE),
    "icon": ("ICO, CUR", f"{PICTURE}, frames, sizes"),
    "psd": ("PSD, PSB", f"{PICTURE}, layers; EXIF, XMP, IPTC"),
    "qoi": ("QOI", PICTURE),
    "netpbm": ("PBM, PGM, PPM, PAM, PFM", f"{PICTURE}; comments"),
    "exr": ("OpenEXR", f"{PICTURE}, codec; attributes"),
    "hdr": ("Radiance HDR", PICTURE),
    "tga": ("TGA", f"{PICTURE}; comment"),
    "dds": ("DDS", f"{PICTURE}, codec"),
    "svg": ("SVG, SVGZ", "dimensions; title, description, XMP"),
    "isobmff": ("MP4, MOV, M4V, M4A, 3GP", "all of sound and picture; tags, C2PA"),
    "matroska": ("MKV, WebM, MKA", "all of sound and picture; tags"),
    "riff": ("AVI, WAV, RF64", "all of sound and picture; tags, C2PA"),
    "flac": ("FLAC", "all of sound; tags"),
    "ogg": ("Ogg: Vorbis, Opus, FLAC, Theora", "all of sound and picture; tags"),
    "mpegaudio": ("MP3, MP2", "all of sound; ID3, C2PA"),
    "aac": ("AAC (ADTS)", "all of sound; ID3"),
    "aiff": ("AIFF, AIFC", "all of sound; tags"),
    "mpegts": ("MPEG-TS", "sound and picture"),
    "mpegps": ("MPEG-PS, VOB", "sound and picture"),
    "flv": ("FLV", "sound and picture; tags"),
    "asf": ("WMV, WMA, ASF", "sound and picture; tags"),
    "caf": ("CAF", "all of sound; tags"),
    "au": ("AU, SND", "all of sound; annotation"),
    "amr": ("AMR", "all of sound"),
    "ac3": ("AC-3, E-AC-3", "all of sound"),
    "ivf": ("IVF", "dimensions, codec, frames, duration"),
    "y4m": ("YUV4MPEG2", "dimensions, colour, frames, duration"),
    "pdf": ("PDF, AI", "pages, title, author; XMP"),
    "zipped": ("DOCX, XLSX, PPTX, ODF, EPUB, ZIP and kin", "pages, words, title, author, entries"),
    "archive": ("TAR, GZIP, 7Z, XZ, ZSTD, RAR, BZIP2, LZ4", "entries, sizes, what is packed"),
    "safetensors": ("safetensors", "tensors, parameters, type; how it was trained"),
    "gguf": ("GGUF", "architecture, parameters, quantization, context"),
    "checkpoint": ("PyTorch checkpoints", "tensors and their bytes; nothing is unpickled"),
    "sqlite": ("SQLite databases", "page size, pages, free pages, journal, version"),
    "json": ("JSON", "ComfyUI graphs, Whisper's transcripts, yt-dlp's notes, metadata of pictures"),
    "subtitle": ("SRT, WebVTT, ASS, SSA, SBV, TTML, LRC", "the words, cues, length"),
    "prose": ("plain text, Markdown", "the words, encoding, lines"),
    "text": ("sources, tables, logs", "encoding, lines, words"),
    "none": ("everything else", "kind and type"),
}

# A tool, and where it leaves what it did.
TOOLS = {
    "automatic1111": ("Stable Diffusion web UI", "`parameters` in PNG; UserComment in JPEG, WebP"),
    "forge": ("Forge, reForge", "as the web UI"),
    "sdnext": ("SD.Next", "as the web UI"),
    "comfyui": (
        "ComfyUI, also through VideoHelperSuite",
        "graphs `prompt` and `workflow` in PNG, WebP, FLAC, MP3, Opus, MP4, WebM, JSON",
    ),
    "invokeai": ("InvokeAI", "`invokeai_metadata`, `sd-metadata`, `Dream` in PNG"),
    "fooocus": ("Fooocus and its forks", "`parameters`, `Comment` in PNG; UserComment; JSON"),
    "ruinedfooocus": ("RuinedFooocus", "`parameters` in PNG"),
    "swarmui": ("SwarmUI, StableSwarmUI", "`parameters` in PNG; UserComment in JPEG"),
    "novelai": ("NovelAI", "`Comment`, `Description` in PNG; also hidden in the pixels: not read"),
    "drawthings": ("Draw Things", "XMP"),
    "easydiffusion": ("Easy Diffusion", "fields in PNG; UserComment in JPEG"),
    "civitai": ("Civitai's generator", "UserComment in JPEG"),
    "aihorde": ("AI Horde", "`parameters`, JSON"),
    "diffusers": ("Diffusers and scripts of one's own", "JSON beside the file"),
    "wangp": ("Wan2GP", "comment in MP4; JSON"),
    "midjourney": ("Midjourney", "`Description` in PNG, XMP: prompt and job"),
    "openai": ("DALL·E, ChatGPT, Sora", "Content Credentials, XMP: that it was made, not how"),
    "google": ("Imagen, Gemini, Veo", "XMP, Content Credentials: that it was made, not how"),
    "firefly": ("Adobe Firefly", "XMP, Content Credentials"),
    "photoshop": ("Photoshop's generative tools", "XMP, Content Credentials"),
    "microsoft": ("Bing Image Creator, Designer", "Content Credentials"),
    "stability": ("Stability AI", "Content Credentials"),
    "camera": ("cameras and telephones", "XMP: source type"),
    "kohya": ("kohya's sd-scripts", "metadata of safetensors: how a LoRA was trained"),
    "onetrainer": ("OneTrainer", "metadata of safetensors"),
    "ai-toolkit": ("AI Toolkit", "metadata of safetensors"),
    "modelspec": ("whoever follows ModelSpec", "metadata of safetensors"),
    "unknown": ("who does not say", "any of these"),
}

# Facts that only some have: a name in `more`, and what it tells.
MORE = {
    "title": "title",
    "artist": "who made it: EXIF, tags",
    "author": "who wrote it: documents, models",
    "album": "album",
    "genre": "genre",
    "date": "date, as its tags tell it",
    "copyright": "copyright",
    "license": "licence",
    "software": "program that wrote it",
    "language": "language of a document",
    "created": "when a film was made, as its container tells it",
    "taken": "when a picture was taken, as the camera tells it",
    "layers": "layers of a PSD",
    "camera.make": "maker of the camera",
    "camera.model": "camera",
    "c2pa.present": "there are Content Credentials",
    "c2pa.readable": "no, when they cannot be read",
    "c2pa.signed": "whether they are signed",
    "c2pa.valid": "whether the signature holds and the file is as it was signed",
    "c2pa.generator": "program that claims to have written the file",
    "c2pa.issuer": "who vouches for the signer",
    "c2pa.signed_at": "when it was signed",
    "c2pa.agent": "program that made the content",
    "c2pa.source_type": "IPTC digital source type that is claimed",
    "tracks.video": "pictures beside each other in one film, when several",
    "tracks.audio": "tracks of sound, when several",
    "tracks.subtitle": "tracks of subtitles",
    "icon.sizes": "sizes of an icon",
    "dds.levels": "smaller copies in a DDS",
    "exr.parts": "several pictures in an OpenEXR",
    "archive.format": "how it is packed",
    "archive.entries": "files in it",
    "archive.unpacked_size": "bytes when unpacked, as it says",
    "archive.first_frame_size": "bytes of the first frame when unpacked",
    "archive.content": "what is packed, where it is one thing",
    "archive.name": "name of what is packed",
    "archive.encrypted": "whether it is encrypted",
    "document.words": "words, as it says",
    "document.chapters": "chapters of an EPUB",
    "document.creator": "program that wrote it",
    "document.producer": "program that made the PDF",
    "document.version": "version of PDF",
    "document.encrypted": "whether it is encrypted",
    "text.encoding": "encoding",
    "text.lines": "lines",
    "text.words": "words",
    "subtitle.format": "format",
    "subtitle.cues": "cues",
    "subtitle.seconds": "when the last cue ends",
    "transcript.segments": "segments of Whisper's transcript",
    "transcript.seconds": "when the last one ends",
    "json.entries": "entries of the outermost list or object",
    "workflow.nodes": "nodes of a graph",
    "video.id": "yt-dlp: id",
    "video.url": "yt-dlp: address",
    "video.site": "yt-dlp: site",
    "video.channel": "yt-dlp: channel",
    "video.upload_date": "yt-dlp: date",
    "video.seconds": "yt-dlp: length",
    "video.views": "yt-dlp: views",
    "model.format": "format",
    "model.architecture": "architecture",
    "model.type": "model, adapter, …",
    "model.base": "model that it is based on",
    "model.adapter": "kind of adapter",
    "model.parameters": "parameters",
    "model.tensors": "tensors",
    "model.dtype": "type of most parameters",
    "model.quantization": "quantization",
    "model.size": "size, as its maker names it",
    "model.layers": "layers",
    "model.context_length": "length of its context",
    "model.embedding_length": "length of its embeddings",
    "model.storages": "storages of a checkpoint",
    "model.storage_bytes": "their bytes",
    "database.page_size": "bytes of a page",
    "database.pages": "pages",
    "database.free_pages": "pages that are free",
    "database.encoding": "encoding of its texts",
    "database.journal": "`wal` or `rollback`",
    "database.user_version": "version that its application gave it",
    "database.application_id": "application, as a number",
    "database.sqlite_version": "version of SQLite that wrote it last",
}


def markdown() -> str:
    """Return the sections that end docs/reference/facts.md."""
    readers = "".join(f"| `{name}` | {of} | {told} |\n" for name, (of, told) in READERS.items())
    tools = "".join(f"| `{name}` | {who} | {where} |\n" for name, (who, where) in TOOLS.items())
    more = "".join(f"| `{name}` | {told} |\n" for name, told in MORE.items())
    return f"""
## More

Names in `more`. What a pattern of `places` calls otherwise than `workflow`, `scene` and `ext`
stands here as well.

| fact | tells |
|---|---|
{more}
## Readers

`inspector` names one of these. Files are known by their first bytes, and by their name only where
those leave it open.

| reader | files | tells |
|---|---|---|
{readers}| `ended` | a file during which the reading process died, twice | the reason |

## Tools

`tool` names one of these. What is there and not understood is kept as it is, `understood` is false,
and a later version looks again. Content Credentials need the library `c2pa-python`
(`pip install 'storewarden[credentials]'`); that there are some is told without it.

| tool | is | leaves it in |
|---|---|---|
{tools}"""
