"""Names, domains, e-mail addresses: how they are written, how they compare. Pure: knows no Django.

Comparing is total: any text has a canonical form, so look-ups and filters never fail. Checking is separate and strict,
for writes only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import idna

from core.caching import cached_if_short

# RFC 5321 section 4.5.3.1.3 leaves 254 characters for an address between the angle brackets; 64 for its local part.
MAX_ADDRESS = 254
MAX_LOCAL_PART = 64

# RFC 5322 atext; RFC 6531 adds every letter, mark and digit beyond ASCII.
_ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
_DOT_ATOM = re.compile(rf"{_ATEXT.pattern}(?:\.{_ATEXT.pattern})*")
# Characters from which on the time to sort marks is more than to look for them.
_LONG = 256
_LETTER_CATEGORIES = frozenset({"L", "M", "N"})

# What shows nothing: blanks, controls, and the characters that Unicode lets a renderer leave out, most of which UTS 46
# leaves out too. Not the joiners U+200C and U+200D, which IDNA allows where a script needs them (RFC 5892 appendix A).
_INVISIBLES = (
    "\\s\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLES}]")
_VISIBLE = re.compile(f"[^{_INVISIBLES}\u200c\u200d]")


# What stands before the host of a web address, or before an e-mail address; what ends the host; and its port.
_AROUND = re.compile(r"\A(?:[A-Za-z][A-Za-z0-9+.-]{0,20}:)?//|\Amailto:", re.IGNORECASE)
_HOST_ENDS = re.compile(r"[/?#\\]")
_PORT = re.compile(r":[0-9]{0,5}\Z")


class AddressError(ValueError):
    """The text is no e-mail address, or no domain, that could be written; the message is a full sentence."""


def fold(text: str) -> str:
    """The form in which two texts are compared without regard to case: NFKC, case folding, NFKC. Blanks count."""
    if text.isascii():
        return text.lower()
    return _composed(_composed(text).casefold())


def is_blank(text: str) -> bool:
    """Whether the text is empty or shows nothing: a name of blanks is none."""
    return _VISIBLE.search(text) is None


def _composed(text: str) -> str:
    """The text in NFKC, in linear time: Python sorts the marks behind a letter in quadratic time, if they need it."""
    if len(text) > _LONG:
        parts = (part for char in text for part in unicodedata.normalize("NFKD", char))
        runs = groupby(parts, lambda part: unicodedata.combining(part) > 0)
        text = "".join(char for are_marks, run in runs for char in (_in_order(run) if are_marks else run))
    return unicodedata.normalize("NFKC", text)


def _in_order(marks: Iterable[str]) -> list[str]:
    return sorted(marks, key=unicodedata.combining)


@cached_if_short(4096, longest=MAX_ADDRESS)
def canonical_domain(text: str) -> str:
    """The domain's A-labels in lower case (IDNA 2008, UTS 46 non-transitional); what is no domain, case-folded only."""
    if text.isascii():
        return text.strip().lower()
    if len(text) > MAX_ADDRESS:
        # No address has room for it, and to encode it may take far longer than it is.
        return text.strip().casefold()
    try:
        return idna.encode(text.strip(), uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        # Not fold(): NFKC makes valid names of what UTS 46 refuses, such as the one character "1." before "com".
        return text.strip().casefold()


def domain_in(text: str) -> str:
    """The domain that is meant by a web address or an e-mail address, as it is spelled there, and without ``www.``.

    Any other text is returned as it is, without blanks at its ends; whether it is a domain is not asked.
    """
    text = text.strip()
    found = _AROUND.sub("", text.rpartition("<")[2].partition(">")[0])
    found = _HOST_ENDS.split(found, maxsplit=1)[0].rpartition("@")[2]
    found = _PORT.sub("", found).removeprefix("*").strip(".,;")
    rest = found[4:] if found[:4].lower() == "www." else ""
    return (rest if "." in rest else found) or text


def readable_domain(name: str) -> str:
    """A canonical domain as people write it, label by label; a label that is no valid A-label stays as it is."""
    return ".".join(map(_readable_label, name.split("."))) if "xn--" in name else name


def readable(text: str) -> str:
    """An address or a domain with its canonical domain as people write it."""
    local, at, domain = text.rpartition("@")
    return f"{local}{at}{readable_domain(domain)}"


def in_both_spellings(text: str) -> str:
    """An address or a domain as people write it, followed by its canonical form in brackets where that is another."""
    written = readable(text)
    return written if written == text else f"{written} ({text})"


def _readable_label(label: str) -> str:
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label


def canonical(address: str) -> str:
    """The one spelling in which addresses are compared: folded local part, ``@``, canonical domain."""
    if address.isascii():
        return address.strip().lower()
    local, at, domain = address.rpartition("@")
    if not at:
        return fold(address).strip()
    return f"{fold(local).lstrip()}@{canonical_domain(domain)}"


def respelled(address: str) -> str:
    """The address with its domain in canonical form; the local part stays as it is spelled."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local}{at}{canonical_domain(domain)}"


def is_respelled(text: str) -> bool:
    """Whether the canonical form of a domain, alone or in an address, differs from it by more than ASCII case.

    Somebody who types such a text is shown the canonical form before anything is done with it.
    """
    return not text.rpartition("@")[2].isascii()


def mailbox(address: str) -> str:
    """The address to which mail for a stored address is sent: its local part as stored, its domain as rules judge it.

    Raises AddressError for one that can't be mailed. All that it returns is ASCII, so that no library that mails it
    encodes it once more, by rules of its own.
    """
    local = address.strip().rpartition("@")[0]
    if not local.isascii():
        raise AddressError(
            f"'{_printable(address)}' has letters beyond ASCII before the @, and mail to those is not supported. "
            "Use another email address."
        )
    if not _DOT_ATOM.fullmatch(local):
        raise AddressError(f"'{_printable(address)}' is not an e-mail address that mail can be sent to.")
    mailed = respelled(address)
    check_domain(mailed.rpartition("@")[2])
    return mailed


def check_mailable(text: str) -> str:
    """Return the canonical form of an address that may be written and that mail can be sent to.

    Raises AddressError with the reason, so that nothing is stored or promised that no mail can reach.
    """
    address = check_address(text)
    mailbox(text)
    return address


def domain_of(address: str) -> str:
    """The canonical domain of an address; empty where there is none."""
    return canonical(address).rpartition("@")[2] if "@" in address else ""


@cached_if_short(4096, longest=MAX_ADDRESS)
def check_domain(text: str) -> str:
    """Return the canonical form of a domain that may be written.

    Raises AddressError for anything but a dotted name of valid IDNA 2008 labels, and for characters that can't be seen:
    UTS 46 leaves most of them out, and what is stored would be another text than what is judged.
    """
    if _INVISIBLE.search(text):
        raise AddressError(
            f"'{_printable(text)}' is not a valid domain name: it has a blank or an invisible character. "
            "Type it again instead of pasting it."
        )
    domain = canonical_domain(text)
    try:
        encoded = idna.encode(domain, uts46=False, strict=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise AddressError(f"'{_printable(text)}' is not a valid domain name.") from None
    labels = encoded.split(".")
    # A dot at the end would make a second spelling of the same domain.
    if len(labels) < 2 or not labels[-1] or labels[-1].isdigit() or encoded != domain:
        raise AddressError(f"'{_printable(text)}' is not a full domain name such as example.com.")
    return domain


def same_mailbox(one: str, other: str) -> bool:
    """Whether mail to both addresses arrives at one place: nothing but ASCII case may differ before the @.

    Stricter than comparing canonical forms, by which a full-width letter before the @ is the plain one.
    """
    if one == other:
        return True
    (local, _, domain), (other_local, _, other_domain) = (each.strip().rpartition("@") for each in (one, other))
    return _ascii_lower(local) == _ascii_lower(other_local) and canonical_domain(domain) == canonical_domain(
        other_domain
    )


def _ascii_lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(char.lower() if char.isascii() else char for char in text)


def check_address(text: str, *, any_local_length: bool = False) -> str:
    """Return the canonical form of an e-mail address that may be written (RFC 5321 dot-atom, RFC 6531 letters).

    ``any_local_length`` waives MAX_LOCAL_PART. Letters that are only another form of others, such as full-width ones,
    may stand in the domain, which has one canonical form everywhere, but not before the @ (RFC 8265 section 3.3).
    Raises AddressError with the reason.
    """
    if text.strip() != text or text.count("@") != 1:
        raise AddressError(f"'{_printable(text)}' is not an e-mail address such as name@example.com.")
    address = canonical(text) if len(text) <= MAX_ADDRESS else text
    if len(address) > MAX_ADDRESS:
        raise AddressError(f"The e-mail address is longer than {MAX_ADDRESS} characters.")
    local = text.partition("@")[0]
    if len(local) > MAX_LOCAL_PART and not any_local_length:
        raise AddressError(f"The e-mail address has more than {MAX_LOCAL_PART} characters before the @.")
    if not _DOT_ATOM.fullmatch(local) and not all(map(_is_atom, local.split("."))):
        raise AddressError(f"'{_printable(text)}' has {_wrong_with(local)}")
    check_domain(text.partition("@")[2])
    return address


def _is_atom(text: str) -> bool:
    plain = unicodedata.normalize("NFC", text)
    if not text or _INVISIBLE.search(text) or plain != unicodedata.normalize("NFKC", text):
        return False
    return all(
        _ATEXT.fullmatch(char) if char.isascii() else unicodedata.category(char)[0] in _LETTER_CATEGORIES
        for char in plain
    )


def _wrong_with(local: str) -> str:
    """The rest of the sentence that says what a local part may not have."""
    if _INVISIBLE.search(local):
        return "a blank or an invisible character before the @. Type it again instead of pasting it."
    plain = unicodedata.normalize("NFC", local)
    special = next((char for char in plain if char != unicodedata.normalize("NFKC", char)), "")
    if special:
        kind = "letter" if unicodedata.category(special)[0] == "L" else "character"
        return f"a special form of a {kind} (“{special}”) before the @. Type it as a plain {kind}."
    return "characters before the @ that email addresses can't have."


def _printable(text: str) -> str:
    shown = "".join(char if char.isprintable() else "�" for char in text[:80])
    return shown + ("…" if len(text) > 80 else "")


@dataclass(frozen=True, slots=True)
class Respelling:
    """An address as it was typed and in the form in which it counts.

    ``readable`` is that form's domain as people write it, empty where it is written no other way.
    """

    typed: str
    address: str
    readable: str

    @classmethod
    def of(cls, typed: str) -> Respelling:
        """How an address counts that was typed so."""
        address = respelled(typed)
        domain = address.rpartition("@")[2]
        written = readable_domain(domain)
        return cls(typed, address, written if written != domain else "")
