"""Search keys: texts without what people leave out when they type a name, alike on any database.

Only searches compare like this. Rules, sign-in and SCIM filters tell ``Müller`` from ``Muller``.
"""

import re
import unicodedata
from functools import lru_cache

from django.db.models import Q

# Letters that Unicode does not take apart, as people without them on the keyboard write them.
_LETTERS = {
    "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "đ": "d", "ø": "o", "ł": "l", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "ng",
    "ĸ": "k", "ə": "e", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ſ": "s",
}  # fmt: skip

# How German and the languages of the North write these letters where they can't: Mueller, Soerensen, Aaberg.
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})

# Signs above, below and within a letter that people leave out: the combining marks of alphabets, and the vowel signs of
# Hebrew and Arabic. Not those of Indic scripts, which are what is read, nor the voicing of kana.
_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff]"
)

_APOSTROPHES = frozenset("'`´ʻʼʽʾʿˈ‘’‛′＇")


def searchable(*texts: str) -> str:
    """What is kept for ``sought`` to look in: each text plain, and where it has umlauts, also with those spelled out.

    Plain is without regard to case, width, accents, apostrophes, kinds of dash, and how many blanks there are. Give
    texts of bounded length: Unicode's rules sort the marks in long runs of them first.
    """
    found: dict[str, None] = {}
    for text in map(_composed, texts):
        found[_plain(text)] = None
        if (spelled := text.translate(_SPELLED_OUT)) != text:
            found[_plain(spelled)] = None
    return "\n".join(filter(None, found))


def sought(text: str, *columns: str) -> Q:
    """The condition on rows with the text in one of the columns, which ``searchable`` has filled.

    A text that shows nothing, such as an apostrophe alone, is in none.
    """
    composed = _composed(text)
    condition = Q(pk__in=())
    for part in {_plain(composed), _plain(composed.translate(_SPELLED_OUT))} - {""}:
        for column in columns:
            condition |= Q((f"{column}__contains", part))
    return condition


def _composed(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _plain(text: str) -> str:
    letters = text.replace("'", "").replace("`", "") if text.isascii() else "".join(map(_letter, text))
    return " ".join(letters.split())


@lru_cache(4096)
def _letter(char: str) -> str:
    """What a letter in lower case is compared as; nothing for what is left out."""
    if char.isascii() and char not in _APOSTROPHES:
        return char
    category = unicodedata.category(char)
    if char in _APOSTROPHES or category == "Cf":
        return ""
    if category == "Pd":
        return "-"
    bare = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", char)))
    return "".join(_LETTERS.get(part, part) for part in bare)
