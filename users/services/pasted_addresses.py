"""The e-mail addresses in a text that somebody has pasted. Pure: knows no database."""

import re

# A name in quotation marks may have commas in it; what stands between angle brackets is one address.
_ENTRY = re.compile(r'(?:"[^"\r\n]*"|<[^<>\r\n]*>|[^,;\r\n])+')
_IN_BRACKETS = re.compile(r"<([^<>]*)>[\s.]*\Z")


def addresses(text: str) -> list[str]:
    """What stands where addresses should, each spelling once and in the order of the text.

    Entries end with a line, a comma or a semicolon; ``Name <address>`` is an address, and so are several addresses with
    blanks between them. What is no address is returned as it stands.
    """
    found: dict[str, None] = {}
    for entry in _ENTRY.findall(text):
        for address in _of(entry.strip()):
            found[address] = None
    return list(found)


def _of(entry: str) -> list[str]:
    if not entry:
        return []
    if bracketed := _IN_BRACKETS.search(entry):
        return [bracketed[1].strip() or entry]
    words = entry.split()
    return words if all("@" in word for word in words) else [entry]
