"""Your profile > Personal tokens: made for one's own programs, shown once, and revoked."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.http import HttpRequest

from console import one_time_forms, reauthentication
from console.actions import Saved, Shown, action
from console.requests import actor_of
from console.sections import EVERYBODY, Context, Page, Section, shows
from users.models import User
from users.services import personal_tokens
from users.services.personal_tokens import TokenInvalid, TokenScope, TooManyTokens
from users.views.current import user_of

FORM_SALT = "users.personal-token"

SCOPES: Mapping[TokenScope, str] = {
    TokenScope.READ_ME: "Read your own user through SCIM (/Me)",
    TokenScope.WRITE_ME: "Change what is yours in it",
    TokenScope.READ_AUDIT_LOG: "Read the audit log of your organization",
}
# What one's role must allow for a scope to be good for anything.
NEEDED: Mapping[TokenScope, str] = {TokenScope.READ_AUDIT_LOG: "audit-log.view"}

LIFE_TIMES: Mapping[str, tuple[int | None, str]] = {
    "30": (30, "In 30 days"),
    "90": (90, "In 90 days"),
    "365": (365, "In 1 year"),
    "never": (None, "Never"),
}
USUAL_LIFE_TIME = "90"


def _scopes_for(user: User) -> dict[TokenScope, str]:
    return {scope: words for scope, words in SCOPES.items() if scope not in NEEDED or user.has_perm(NEEDED[scope])}


OWN_TOKENS = Section(
    page=Page.PROFILE,
    key="personal-tokens",
    title="Personal tokens",
    lead="By one, a program of yours acts for you: as far as it is ticked here, and never further than your role goes.",
    position=20,
    permission=EVERYBODY,
    template="settings/personal_tokens/section.html",
)


@shows(OWN_TOKENS)
def _context(request: HttpRequest) -> Context:
    user = user_of(request)
    tokens = personal_tokens.live(user)
    return {
        "tokens": [(token, token.scopes.split()) for token in tokens],
        "tokens_left": personal_tokens.MAX_LIVE_TOKENS - len(tokens),
        "scopes": [(scope.value, words) for scope, words in _scopes_for(user).items()],
        "life_times": [(value, label) for value, (_, label) in LIFE_TIMES.items()],
        "longest_name": personal_tokens.MAX_NAME,
        "once": one_time_forms.value(request, FORM_SALT),
        "typed": {"expires": USUAL_LIFE_TIME},
    }


@action(OWN_TOKENS, "profile/tokens/make/", "make-personal-token", permission=EVERYBODY)
def make(request: HttpRequest) -> Shown:
    """Make a token and show it, this once."""
    reauthentication.require(request, "make a personal token")
    user = user_of(request)
    one_time_forms.use_up(request, FORM_SALT)
    name, asked, expires = (
        request.POST.get("name", ""), request.POST.getlist("scope"), request.POST.get("expires", USUAL_LIFE_TIME),
    )  # fmt: skip
    days, _ = LIFE_TIMES.get(expires, LIFE_TIMES[USUAL_LIFE_TIME])
    try:
        _, text = personal_tokens.make(user.pk, name, _allowed(user, asked), days=days, by=actor_of(request))
    except (TokenInvalid, TooManyTokens) as refusal:
        return Shown({"wrong": refusal.message, "typed": {"name": name, "scopes": asked, "expires": expires}})
    # No redirect here: the text is nowhere but in this answer.
    return Shown({"personal_token": text})


def _allowed(user: User, asked: list[str]) -> list[TokenScope]:
    chosen = [scope for scope in _scopes_for(user) if scope in asked]
    if not chosen:
        raise TokenInvalid("Tick what the token is to be good for.")
    if len(chosen) != len(set(asked)):
        raise TokenInvalid("Your role does not allow all of this. Nothing was made: choose again.")
    return chosen


@action(OWN_TOKENS, "profile/tokens/<uuid:token_id>/revoke/", "revoke-personal-token", permission=EVERYBODY)
def revoke(request: HttpRequest, token_id: UUID) -> Saved:
    """End one of one's own tokens at once."""
    user = user_of(request)
    token = personal_tokens.revoke(token_id, owner_id=user.pk, by=actor_of(request))
    return Saved(f"Revoked {token.name} ({token})")
