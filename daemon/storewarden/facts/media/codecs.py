"""The names of codecs, as ffprobe says them, by what each family of containers calls them."""

from __future__ import annotations

from typing import Final


def _table(text: str) -> dict[bytes, str]:
    """Return names by code, from lines of a name and then its codes; ``_`` stands for a space."""
    found: dict[bytes, str] = {}
    for line in text.strip().splitlines():
        name, *codes = line.split()
        found |= {code.replace("_", " ").encode("latin-1"): name for code in codes}
    return found


ISO_VIDEO: Final = _table("""
    h264 avc1 avc2 avc3 avc4 ai5p ai5q ai52 ai53 ai55 ai56 ai1p ai1q ai12 ai13 ai15 ai16
    hevc hvc1 hev1 dvh1 dvhe
    vvc vvc1 vvi1
    av1 av01 dav1
    vp8 vp08 VP80
    vp9 vp09 VP90
    mpeg4 mp4v DIVX XVID 3IV2 FMP4
    prores apcn apch apcs apco ap4h ap4x aprn aprh
    mjpeg jpeg mjpa AVDJ dmb1
    mjpegb mjpb
    h263 h263 s263 H263
    mpeg2video m2v1 mpg2 mp2v hdv1 hdv2 hdv3 hdv5 hdv6 xdv1 xdv2 xdv3 xdvc xdvd xd5b mx5p mx5n
    mpeg1video m1v_ mpeg mp1v
    dvvideo dvc_ dvcp dvpp dv5p dv5n dvhp dvhq dvh5 dvh6
    dnxhd AVdn AVdh
    jpeg2000 mjp2
    png png_ MPNG
    qtrle rle_
    rpza rpza azpr
    smc smc_
    svq1 SVQ1 svq1 svqi
    svq3 SVQ3
    rawvideo raw_ 2vuy yuv2 UYVY BGRA ABGR 24BG yv12 I420 b16g b48r b64a YUY2
    v210 v210
    v308 v308
    v408 v408
    v410 v410
    r10k R10k R10g
    r210 r210
    cfhd CFHD
    hap Hap1 Hap5 HapY HapA HapM
    gif gif_
    tiff tiff
    targa tga_
    flv1 FLV1
    cinepak cvid
    indeo3 IV31 IV32
    vc1 vc-1
    dirac drac
    theora XiTh
    ffv1 FFV1
    webp WEBP
    exr exr_
""")

ISO_AUDIO: Final = _table("""
    aac mp4a AACP
    ac3 ac-3 sac3
    eac3 ec-3
    ac4 ac-4
    alac alac
    flac fLaC
    opus Opus
    mp3 .mp3 MP3_ ms\0U
    mp2 .mp2
    mp1 .mp1
    dts dtsc dtsh dtsl dtse DTS_
    truehd mlpa
    amr_nb samr
    amr_wb sawb
    qcelp Qclp Qclq sqcp
    qdm2 QDM2
    qdmc QDMC
    mace3 MAC3
    mace6 MAC6
    adpcm_ima_qt ima4
    adpcm_ima_wav ms\0\x11
    adpcm_ms ms\0\x02
    gsm agsm
    pcm_alaw alaw
    pcm_mulaw ulaw
    pcm_s16le sowt
    pcm_s16be twos
    pcm_s24be in24
    pcm_s32be in32
    pcm_f32be fl32
    pcm_f64be fl64
    pcm_u8 raw_ NONE
    speex spex SPXN
    wmav2 WMA2
    vorbis vorb
""")

# By the number in an esds box, when the box around it says no more than "MPEG-4".
OBJECT_TYPES: Final = {
    0x20: "mpeg4",
    0x21: "h264",
    0x23: "hevc",
    0x33: "vvc",
    0x40: "aac",
    0x60: "mpeg2video",
    0x61: "mpeg2video",
    0x62: "mpeg2video",
    0x63: "mpeg2video",
    0x64: "mpeg2video",
    0x65: "mpeg2video",
    0x66: "aac",
    0x67: "aac",
    0x68: "aac",
    0x69: "mp3",
    0x6A: "mpeg1video",
    0x6B: "mp3",
    0x6C: "mjpeg",
    0x6D: "png",
    0x6E: "jpeg2000",
    0xA3: "vc1",
    0xA4: "dirac",
    0xA5: "ac3",
    0xA6: "eac3",
    0xA9: "dts",
    0xAD: "opus",
    0xB1: "vp9",
    0xC1: "flac",
    0xD1: "evrc",
    0xDD: "vorbis",
    0xE1: "qcelp",
}

# What Windows calls video: AVI, ASF, Matroska's V_MS/VFW. Compared in upper case.
RIFF_VIDEO: Final = _table("""
    h264 H264 X264 AVC1 DAVC VSSH Q264 SMV2
    hevc HEVC H265 HVC1 X265
    av1 AV01
    vp8 VP80
    vp9 VP90
    vp6f VP6F
    vp6 VP60 VP61 VP62
    mpeg4 FMP4 DIVX DX50 XVID MP4S M4S2 MP4V 3IV2 XVIX DIV1 BLZ0 RMP4 SEDG UMP4 WV1F FFDS
    msmpeg4v3 DIV3 MP43 MPG3 DIV5 DIV6 DIV4 DVX3 AP41 COL1 COL0
    msmpeg4v2 MP42 DIV2
    msmpeg4v1 MPG4 MP41
    wmv1 WMV1
    wmv2 WMV2 GXVE
    wmv3 WMV3
    vc1 WVC1 WMVA
    h263 H263 L263 M263 U263 T263
    h263p X263 ILVR
    flv1 FLV1
    h261 H261
    mpeg1video MPG1 MPEG PIM1 VCR2
    mpeg2video MPG2 MMES EM2V PIM2 LMP2
    mjpeg MJPG LJPG DMB1 JPEG IJPG AVRN ACDV QIVG SLMJ CJPG JPGL MVJP
    huffyuv HFYU
    ffvhuff FFVH
    ffv1 FFV1
    cyuv CYUV
    utvideo ULRG ULRA ULY0 ULY2 ULY4 ULH0 ULH2 ULH4
    asv1 ASV1
    asv2 ASV2
    zlib ZLIB
    zmbv ZMBV
    snow SNOW
    cinepak CVID
    indeo3 IV31 IV32
    indeo4 IV41
    indeo5 IV50
    svq1 SVQ1
    theora THEO
    dirac DRAC
    dvvideo DVSD DVHD DVH1 DVSL DV25 DV50 CDV5
    rawvideo I420 IYUV YV12 YUY2 UYVY YUYV NV12 Y422 Y800 GREY BGR_ RGB_ DIB_ HDYC
    v210 V210 C210
    v308 V308
    v408 V408
    v410 V410
    y41p Y41P
    png MPNG PNG1 PNG_
    jpeg2000 MJ2C LJ2C LJ2K IPJ2 AVJ2
    msrle RLE_ \x01\0\0\0
    msvideo1 MSVC CRAM WHAM
    flashsv FSV1
    speedhq SHQ0 SHQ1 SHQ2 SHQ3 SHQ4 SHQ5 SHQ7 SHQ9
    magicyuv MAGY M8RG M8RA M8Y0 M8Y2 M8Y4 M8YA M8G0
    cfhd CFHD
    hap HAP1 HAP5 HAPY
    vc2 BBCD
    prores APCN APCH APCS APCO AP4H AP4X
    amv AMV_
    rawvideo \0\0\0\0
""")

# What Windows calls sound: WAV, AVI, ASF, Matroska's A_MS/ACM. PCM is named by its width.
PCM, FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
WAVE_AUDIO: Final = {
    0x0002: "adpcm_ms",
    0x0006: "pcm_alaw",
    0x0007: "pcm_mulaw",
    0x000A: "wmavoice",
    0x0011: "adpcm_ima_wav",
    0x0017: "adpcm_ima_oki",
    0x0020: "adpcm_yamaha",
    0x0022: "truespeech",
    0x0031: "gsm_ms",
    0x0032: "gsm_ms",
    0x0038: "amr_nb",
    0x0042: "g723_1",
    0x0045: "adpcm_g726",
    0x0050: "mp2",
    0x0055: "mp3",
    0x0057: "amr_nb",
    0x0058: "amr_wb",
    0x0061: "adpcm_ima_dk4",
    0x0062: "adpcm_ima_dk3",
    0x0064: "adpcm_g726",
    0x0069: "adpcm_ima_wav",
    0x0075: "metasound",
    0x00FF: "aac",
    0x0160: "wmav1",
    0x0161: "wmav2",
    0x0162: "wmapro",
    0x0163: "wmalossless",
    0x0200: "adpcm_ct",
    0x0270: "atrac3",
    0x1600: "aac",
    0x1602: "aac_latm",
    0x2000: "ac3",
    0x2001: "dts",
    0x2048: "sonic",
    0x4143: "aac",
    0x594A: "xan_dpcm",
    0x566F: "vorbis",
    0x6750: "vorbis",
    0x6771: "vorbis",
    0x704F: "opus",
    0x7A21: "amr_nb",
    0x7A22: "amr_wb",
    0xA106: "aac",
    0xA109: "speex",
    0xF1AC: "flac",
    0x5346: "adpcm_swf",
}


def iso_video(code: bytes) -> str:
    """Return the codec that MP4 and MOV call by these four letters; the letters when unknown."""
    return ISO_VIDEO.get(code) or spoken(code)


def iso_audio(code: bytes) -> str:
    """Return the same of a sound."""
    return ISO_AUDIO.get(code) or spoken(code)


def windows_video(code: bytes) -> str:
    """Return the codec that AVI and ASF call by these four letters."""
    return RIFF_VIDEO.get(code.upper()) or spoken(code)


def windows_audio(tag: int, bits: int) -> str:
    """Return the codec of a WAVE format tag, PCM with its width in bits."""
    if tag == PCM:
        return "pcm_u8" if bits <= 8 else f"pcm_s{(bits + 7) // 8 * 8}le"  # noqa: PLR2004
    if tag == FLOAT:
        return f"pcm_f{bits}le"
    return WAVE_AUDIO.get(tag) or f"wave 0x{tag:04x}"


def spoken(code: bytes) -> str:
    """Return four letters as text that can be shown, whatever they are."""
    text = code.decode("latin-1").strip(" \0").lower()
    return text if text.isascii() and text.isprintable() and text else f"0x{code.hex()}"
