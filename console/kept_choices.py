"""What was chosen in a form that was refused, kept for when its section is shown next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.http import HttpRequest, QueryDict

from core.parsing import id_of

# Where a session keeps what a refused form had chosen, and how much of it.
_KEPT = "kept-choices"
_LONGEST_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class KeptChoice:
    """What was chosen in a form that was refused; false if nothing was. ``action`` is the name of what was asked."""

    action: str = ""
    fields: QueryDict = field(default_factory=QueryDict)

    def __bool__(self) -> bool:
        return bool(self.action)

    def text(self, name: str, otherwise: str = "") -> str:
        """What a field had."""
        return self.fields.get(name, otherwise)

    def ids(self, name: str) -> frozenset[UUID]:
        """The ids that were ticked in the fields of that name, which are ``id`` or ``id.version``."""
        texts = self.fields.getlist(name)
        return frozenset(found for text in texts if (found := id_of(text.partition(".")[0])))


def keep(request: HttpRequest, key: str, **fields: Iterable[object]) -> None:
    """Keep what a form chose, which a rule refuses, for when the section or piece of that key is shown next.

    ``fields`` have other values than those that were sent.
    """
    chosen = request.POST.copy()
    for name in ("csrfmiddlewaretoken", "once"):
        chosen.pop(name, None)
    for name, values in fields.items():
        chosen.setlist(name, [str(value) for value in values])
    text = chosen.urlencode()
    if request.resolver_match and len(text) <= _LONGEST_KEPT:
        request.session[_KEPT] = {"key": key, "action": request.resolver_match.url_name, "fields": text}


def kept(request: HttpRequest, key: str) -> KeptChoice:
    """What a refused form had chosen that stands in the section or piece of that key; it is shown once."""
    shown: dict[str, KeptChoice] = request.__dict__.setdefault("_kept", {})
    waiting = request.session.get(_KEPT)
    if key not in shown and waiting and waiting["key"] == key:
        del request.session[_KEPT]
        shown[key] = KeptChoice(waiting["action"], QueryDict(waiting["fields"]))
    return shown.get(key, KeptChoice())
