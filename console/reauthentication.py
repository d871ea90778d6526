"""Re-authentication: the password once more before something that matters, with its form."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.utils.crypto import get_random_string
from django.utils.http import urlencode

from console.requests import is_htmx, is_reauthenticated
from core.refusals import ReauthenticationRequired


def require(request: HttpRequest, act: str, *, back: str = "") -> None:
    """Go on for who has just shown who they are; where no app can tell, everybody is asked.

    ``act`` is what it is for, as in "To ..., enter your password", and ``back`` where the person comes to who gives no
    password, empty for the action's section. Raises ReauthenticationRequired.
    """
    if not is_reauthenticated(request):
        raise ReauthenticationRequired(act, back)


# Where a session keeps the forms that wait for the proof, by the words that stand for them in addresses; the newest
# few, for somebody may ask for something else in another tab meanwhile.
_WAITING = "forms-waiting-for-reauthentication"
_MOST_WAITING = 3
WAITING_FIELD = "form"
# What the proof is asked for, and where it leads back.
_ACT = "act-waiting-for-reauthentication"


def redirect_to_reauthentication(request: HttpRequest, back: str, act: str) -> HttpResponse:
    """The way to the question; the form that was sent waits until it is answered, see ``carry_on``.

    ``back`` is where the person comes to if there is no such form.
    """
    request.session[_ACT] = {"back": back, "act": act}
    query = {"next": back}
    if request.method == "POST":
        query[WAITING_FIELD] = word = get_random_string(12)
        form = {"path": request.path_info, "fields": request.POST.urlencode()}
        others = list(request.session.get(_WAITING, {}).items())
        request.session[_WAITING] = dict([*others[-_MOST_WAITING + 1 :], (word, form)])
    address = f"{reverse('account_reauthenticate')}?{urlencode(query)}"
    return HttpResponse(headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)


def act_to_confirm(request: HttpRequest, back: str) -> str:
    """What the password is asked for, such as "give the role Admin"; empty where nothing asked with that ``back``."""
    asked = request.session.get(_ACT, {})
    act: str = asked.get("act", "") if asked.get("back") == back else ""
    return act


def carry_on(request: HttpRequest, word: str, back: str) -> HttpResponseBase:
    """Answer the form that has waited for the proof under a word, now that it is given, as if it had just been sent.

    Where it waits no longer, a page says so and leads on to ``back``.
    """
    waiting = request.session.get(_WAITING, {})
    form = waiting.pop(word, None)
    if form is None:
        context = {"title": "Nothing was done", "back": back or reverse("settings:index")}
        return render(request, "signin/nothing_waits.html", context, status=409)
    request.session[_WAITING] = waiting
    # Its forgery token has been checked when it was sent, that of the question just now.
    request.path = request.path_info = form["path"]
    request.POST = QueryDict(form["fields"])
    request.resolver_match = match = resolve(form["path"])
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response
