"""Domains that could be taken for others (UTS 39, in small). Pure: knows no Django.

All of it is for warnings: what looks right is not proof of anything, and what looks odd may well be real.
"""

import unicodedata
from collections.abc import Iterable

from core.addresses import readable_domain

# Where anybody can get an address within a minute: nobody's people are all who have one there.
_PUBLIC_MAIL = """
    126.com 163.com aol.com att.net bluewin.ch btinternet.com comcast.net daum.net duck.com fastmail.com foxmail.com
    free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hanmail.net hey.com hotmail.co.uk
    hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it hushmail.com icloud.com inbox.com interia.pl laposte.net
    libero.it list.ru live.co.uk live.com live.fr live.nl mac.com mail.com mail.ru mailbox.org me.com msn.com naver.com
    o2.pl onet.pl orange.fr outlook.com outlook.de outlook.es outlook.fr pm.me posteo.de proton.me protonmail.com
    qq.com rediffmail.com rocketmail.com sbcglobal.net seznam.cz sina.com sohu.com t-online.de terra.com.br tuta.com
    tutanota.com uol.com.br verizon.net virgilio.it wanadoo.fr web.de wp.pl yahoo.co.in yahoo.co.jp yahoo.co.uk
    yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com yandex.ru ymail.com zoho.com
"""
PUBLIC_MAIL = frozenset(_PUBLIC_MAIL.split())

# Latin letters, and what of other alphabets and digits is drawn as they are; then pairs that read as one letter.
_DRAWN_ALIKE = str.maketrans(
    {
        alike: letter
        for letter, others in {
            "a": "аα", "b": "вьƅ", "c": "сϲҽ", "d": "ԁ", "e": "еєε", "g": "ɡ", "h": "һн", "i": "іıι", "j": "јϳ",
            "k": "кκ", "l": "ӏ1", "m": "м", "n": "пη", "o": "оοσօ0", "p": "рρ", "q": "ԛ", "r": "г", "s": "ѕ",
            "t": "тτ", "u": "υս", "v": "ν", "w": "ԝω", "x": "хχ", "y": "уγү", "z": "ᴢ",
        }.items()
        for alike in others
    }
)  # fmt: skip
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))

# Writing systems that one label mixes as a matter of course (UTS 39 section 5.2).
_WRITTEN_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)


def warnings(name: str, others: Iterable[str]) -> list[str]:
    """Why somebody should look twice before they add a domain; full sentences, none where there is nothing odd.

    ``name`` and ``others``, the domains that are there already, are A-labels.
    """
    found = []
    readable = readable_domain(name)
    if name in PUBLIC_MAIL:
        found.append(
            f"{name} is a public mail service: anybody can get an address there, so it tells nothing about who your "
            f"people are. It can be verified by {name}'s own operator only."
        )
    if mixed := [label for label in readable.split(".") if _is_mixed(label)]:
        found.append(
            f"“{mixed[0]}” mixes letters of several alphabets, as names do that are made to be taken for others. "
            f"In DNS it is {name}."
        )
    drawn = skeleton(name)
    alike = sorted(other for other in {*others, *PUBLIC_MAIL} if other != name and skeleton(other) == drawn)
    if alike:
        found.append(f"{readable} looks like {readable_domain(alike[0])}, but is another domain. In DNS it is {name}.")
    elif not mixed and any(_passes_for_latin(label) for label in readable.split(".")):
        found.append(f"{readable} looks as if it were written in Latin letters, but is not. In DNS it is {name}.")
    return found


def skeleton(name: str) -> str:
    """What two domains have in common that are easily taken for each other; accents do not tell them apart."""
    drawn = _drawn(readable_domain(name))
    for pair, letter in _PAIRS:
        drawn = drawn.replace(pair, letter)
    return drawn


def _drawn(text: str) -> str:
    plain = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(plain).translate(_DRAWN_ALIKE)


def _passes_for_latin(label: str) -> bool:
    return _scripts(label).isdisjoint({"LATIN"}) and not label.isascii() and _drawn(label).isascii()


def _is_mixed(label: str) -> bool:
    scripts = _scripts(label)
    return len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER)


def _scripts(label: str) -> set[str]:
    """The writing systems of a label's letters, by the first word of their names in Unicode."""
    return {unicodedata.name(char, "UNKNOWN").split()[0].partition("-")[0] for char in label if char.isalpha()}
