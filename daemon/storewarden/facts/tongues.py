"""Languages as file names write them: `en`, `en-US`, `pt_br`, `eng`, `zh-Hans`."""

from __future__ import annotations

import re
from typing import Final

# ISO 639-1, all of it.
_SHORT_CODES: Final = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy "
    "da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht "
    "hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky "
    "la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny "
    "oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss "
    "st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo "
    "za zh zu"
)
_SHORT: Final = frozenset(_SHORT_CODES.split())
# Of ISO 639-2 what films are subtitled in; both forms where there are two.
_LONG_CODES: Final = (
    "eng=en deu=de ger=de fra=fr fre=fr spa=es ita=it por=pt rus=ru jpn=ja zho=zh chi=zh "
    "kor=ko ara=ar heb=he hin=hi nld=nl dut=nl swe=sv nor=no nob=nb nno=nn dan=da fin=fi "
    "pol=pl ces=cs cze=cs slk=sk slo=sk hun=hu ron=ro rum=ro bul=bg ell=el gre=el tur=tr "
    "ukr=uk srp=sr hrv=hr bos=bs slv=sl est=et lav=lv lit=lt isl=is ice=is gle=ga cym=cy "
    "wel=cy cat=ca eus=eu baq=eu glg=gl tha=th vie=vi ind=id msa=ms may=ms fil=tl tgl=tl "
    "ben=bn tam=ta tel=te mal=ml kan=kn mar=mr guj=gu pan=pa urd=ur fas=fa per=fa sqi=sq "
    "alb=sq mkd=mk mac=mk kat=ka geo=ka hye=hy arm=hy lat=la swa=sw afr=af"
)
_LONG: Final = dict(pair.split("=") for pair in _LONG_CODES.split())
_NAME_CODES: Final = (
    "english=en german=de french=fr spanish=es italian=it portuguese=pt russian=ru japanese=ja "
    "chinese=zh mandarin=zh korean=ko arabic=ar hebrew=he hindi=hi dutch=nl swedish=sv "
    "norwegian=no danish=da finnish=fi polish=pl czech=cs slovak=sk hungarian=hu romanian=ro "
    "bulgarian=bg greek=el turkish=tr ukrainian=uk serbian=sr croatian=hr slovenian=sl "
    "catalan=ca galician=gl thai=th vietnamese=vi indonesian=id malay=ms bengali=bn tamil=ta "
    "telugu=te urdu=ur persian=fa welsh=cy icelandic=is estonian=et latvian=lv lithuanian=lt"
)
_NAMES: Final = dict(pair.split("=") for pair in _NAME_CODES.split())
_TAG: Final = re.compile(
    rb"([A-Za-z]{2,3})(?:[-_](?!orig|auto)([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[-_](?:orig|auto))?"
)


def tongue(part: bytes) -> str | None:
    """Return the language that a part of a name is, as in `en-US`; None when it is none."""
    found = _TAG.fullmatch(part)
    if found is None:
        return None
    short, script, region = (group.decode() if group else "" for group in found.groups())
    short = short.lower()
    spoken = short if short in _SHORT else _LONG.get(short)
    if spoken is None:
        return None
    return "-".join(filter(None, (spoken, script.title(), region.upper())))


def tongue_named(word: str) -> str | None:
    """Return the language that a program tells by its code or, as Whisper may, by its name."""
    return _NAMES.get(word.strip().lower()) or tongue(word.strip().encode("utf-8", "replace"))
