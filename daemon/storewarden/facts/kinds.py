"""What a file is, judged by its name alone: its kind and its MIME type.

The name may lie; what the content says is another fact. Asked once for each file that is recorded,
so an answer is one look into a table.
"""

from __future__ import annotations

from collections.abc import Iterator

UNKNOWN = "application/octet-stream"

# Of each kind: extensions, then the type they have. Where nothing is registered the type begins
# with x-. `ts` is taken for what media machines have most of, MPEG transport streams. `model` is
# what was trained; shapes in three dimensions are `other`, although their MIME type says model.
_TABLE = {
    "image": """
        png image/png  apng image/apng  jpg jpeg jpe jfif image/jpeg  gif image/gif
        webp image/webp  avif image/avif  heic image/heic  heif image/heif  jxl image/jxl
        jp2 j2k j2c image/jp2  jpx jpf image/jpx  tif tiff image/tiff  bmp dib image/bmp
        ico cur image/vnd.microsoft.icon  svg image/svg+xml  svgz image/svg+xml-compressed
        psd image/vnd.adobe.photoshop  psb image/x-psb  xcf image/x-xcf  kra application/x-krita
        ora image/openraster  exr image/x-exr  hdr image/vnd.radiance  tga image/x-tga
        dds image/vnd-ms.dds
        ppm image/x-portable-pixmap  pgm image/x-portable-graymap  pbm image/x-portable-bitmap
        pnm pfm pam image/x-portable-anymap  qoi image/x-qoi  ai application/illustrator
        eps image/x-eps  icns image/icns  dng image/x-adobe-dng  cr2 image/x-canon-cr2
        cr3 image/x-canon-cr3  nef image/x-nikon-nef  arw image/x-sony-arw
        orf image/x-olympus-orf  rw2 image/x-panasonic-rw2  raf image/x-fuji-raf
        pef image/x-pentax-pef  srw image/x-samsung-srw
    """,
    "video": """
        mp4 m4v video/mp4  mov qt video/quicktime  mkv video/x-matroska  webm video/webm
        avi video/x-msvideo  wmv video/x-ms-wmv  asf video/x-ms-asf  flv video/x-flv
        f4v video/x-f4v  mpg mpeg mpe m1v m2v video/mpeg  ts mts m2ts video/mp2t  vob video/dvd
        ogv video/ogg  3gp video/3gpp  3g2 video/3gpp2  mxf application/mxf  y4m video/x-yuv4mpeg
        rm rmvb application/vnd.rn-realmedia  divx video/divx  ivf video/x-ivf
        h264 264 avc video/h264  h265 265 hevc video/h265  av1 obu video/av1  prores video/x-prores
        braw video/x-braw  r3d video/x-r3d  nut video/x-nut
    """,
    "audio": """
        mp3 mp2 audio/mpeg  wav wave audio/wav  flac audio/flac  ogg oga spx audio/ogg
        opus audio/opus  m4a m4b audio/mp4  aac audio/aac  wma audio/x-ms-wma
        aif aiff aifc audio/aiff  caf audio/x-caf  ape audio/x-ape  wv audio/x-wavpack
        mka audio/x-matroska  weba audio/webm  mid midi audio/midi  ac3 audio/ac3
        eac3 ec3 audio/eac3  dts audio/vnd.dts  amr audio/amr  au snd audio/basic
        dsf audio/x-dsf  dff audio/x-dff  tta audio/x-tta  mpc audio/x-musepack
        ra audio/vnd.rn-realaudio  w64 audio/x-w64  voc audio/x-voc
    """,
    "text": """
        txt text prompt caption description text/plain  log text/x-log
        md markdown text/markdown  rst text/x-rst
        adoc text/asciidoc  tex text/x-tex  csv text/csv  tsv text/tab-separated-values
        json application/json  jsonl ndjson application/x-ndjson  json5 application/json5
        yaml yml application/yaml  toml application/toml  ini cfg conf properties env text/x-ini
        xml xsd xsl application/xml  xmp application/rdf+xml  html htm text/html  css text/css
        js mjs cjs text/javascript  tsx jsx text/x-jsx  py pyi text/x-python
        ipynb application/x-ipynb+json  sh bash zsh application/x-sh  c h text/x-c
        cpp cc cxx hpp text/x-c++  rs text/x-rust  go text/x-go  java text/x-java  rb text/x-ruby
        php text/x-php  lua text/x-lua  sql application/sql  diff patch text/x-diff
        nfo text/x-nfo  m3u m3u8 application/vnd.apple.mpegurl  pls audio/x-scpls
        cube text/x-cube  edl text/x-edl  fountain text/x-fountain
    """,
    "subtitle": """
        srt application/x-subrip  vtt text/vtt  ass ssa text/x-ssa  sub text/x-microdvd
        sbv text/x-sbv  ttml dfxp application/ttml+xml  lrc text/x-lrc
        smi sami application/x-sami  scc text/x-scc  sup application/x-pgs
    """,
    "document": """
        pdf application/pdf  doc dot application/msword
        docx application/vnd.openxmlformats-officedocument.wordprocessingml.document
        xls application/vnd.ms-excel
        xlsx application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
        ppt pps application/vnd.ms-powerpoint
        pptx application/vnd.openxmlformats-officedocument.presentationml.presentation
        odt application/vnd.oasis.opendocument.text
        ods application/vnd.oasis.opendocument.spreadsheet
        odp application/vnd.oasis.opendocument.presentation
        odg application/vnd.oasis.opendocument.graphics  rtf application/rtf
        epub application/epub+zip  mobi azw azw3 application/x-mobipocket-ebook
        djvu djv image/vnd.djvu  ps application/postscript  xps application/vnd.ms-xpsdocument
        pages application/vnd.apple.pages  numbers application/vnd.apple.numbers
        eml message/rfc822  mhtml mht multipart/related
    """,
    "archive": """
        zip application/zip  tar application/x-tar  gz tgz application/gzip
        bz2 tbz tbz2 application/x-bzip2  xz txz application/x-xz  zst tzst application/zstd
        lz4 application/x-lz4  lz application/x-lzip  lzma application/x-lzma  br application/x-br
        z application/x-compress  7z application/x-7z-compressed  rar application/vnd.rar
        jar application/java-archive  whl application/x-wheel+zip
        deb application/vnd.debian.binary-package  rpm application/x-rpm
        apk application/vnd.android.package-archive  cab application/vnd.ms-cab-compressed
        cpio application/x-cpio  iso application/x-iso9660-image  dmg application/x-apple-diskimage
        squashfs application/x-squashfs  cbz application/vnd.comicbook+zip
        cbr application/vnd.comicbook-rar  warc application/warc
    """,
    "model": """
        safetensors sft application/x-safetensors  gguf application/x-gguf  ggml application/x-ggml
        ckpt application/x-checkpoint  pt pth ptl application/x-pytorch  onnx application/x-onnx
        ort application/x-onnxruntime  tflite application/x-tflite  pb application/x-protobuf
        keras application/x-keras  h5 hdf5 application/x-hdf5  mlmodel application/x-mlmodel
        caffemodel application/x-caffe  pdparams pdmodel application/x-paddle
        engine trt application/x-tensorrt  nemo application/x-nemo  mar application/x-torch-archive
        llamafile application/x-llamafile  lora application/x-lora  rknn application/x-rknn
    """,
    "database": """
        db db3 sqlite sqlite3 s3db sl3 application/vnd.sqlite3  duckdb application/x-duckdb
        mdb accdb application/vnd.ms-access  dbf application/x-dbf  fdb gdb application/x-firebird
        rdb application/x-redis-dump  realm application/x-realm  lmdb application/x-lmdb
    """,
    "workflow": """
        cwl application/x-cwl+yaml  wdl text/x-wdl  nf text/x-nextflow  smk text/x-snakemake
        ga application/x-galaxy+json  knwf application/x-knime  bpmn application/x-bpmn+xml
        ktr kjb application/x-pentaho+xml  yxmd yxmc application/x-alteryx+xml
        workflow application/x-workflow  comfy application/x-comfyui+json  nk text/x-nuke
    """,
    "other": """
        glb model/gltf-binary  gltf model/gltf+json  obj model/obj  mtl model/mtl  stl model/stl
        fbx application/x-fbx  blend application/x-blender  usd usda usdc usdz model/vnd.usdz+zip
        ply application/x-ply  vrm model/gltf-binary  ttf font/ttf  otf font/otf  woff font/woff
        woff2 font/woff2  npy application/x-npy  npz application/x-npz  wasm application/wasm
        pkl pickle application/x-pickle  parquet application/vnd.apache.parquet
        kdbx application/x-keepass  torrent application/x-bittorrent
    """,
}

KINDS = tuple(_TABLE)


def _read() -> tuple[dict[bytes, str], dict[bytes, str]]:
    """Return kinds and types by extension; what stands for two kinds is a mistake."""
    kinds: dict[bytes, str] = {}
    types: dict[bytes, str] = {}
    owners: dict[str, str] = {}
    for kind, table in _TABLE.items():
        extensions: list[bytes] = []
        for word in table.split():
            if "/" in word:
                if owners.setdefault(word, kind) != kind:
                    raise ValueError(f"{word} is both {owners[word]} and {kind}")
                types.update(dict.fromkeys(extensions, word))
                extensions = []
                continue
            extension = word.encode()
            if extension in kinds:
                raise ValueError(f"{word} is both {kinds[extension]} and {kind}")
            kinds[extension] = kind
            extensions.append(extension)
    return kinds, types


_KINDS, _TYPES = _read()


def extensions() -> Iterator[tuple[bytes, str, str]]:
    """Yield every extension with its kind and its type; a type has one kind."""
    for extension, kind in _KINDS.items():
        yield extension, kind, _TYPES[extension]


def kind_of(name: bytes) -> str:
    """Return the kind of a file of this name, one of KINDS; it never fails."""
    stem, _, extension = name.rpartition(b".")
    return _KINDS.get(extension.lower(), "other") if stem else "other"


def mime_of(name: bytes) -> str:
    """Return the MIME type of a file of this name; bytes of no known kind when it says nothing."""
    stem, _, extension = name.rpartition(b".")
    return _TYPES.get(extension.lower(), UNKNOWN) if stem else UNKNOWN
