"""The tokens of a connection: their cards, their forms, what can be done to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from console import one_time_forms, reauthentication
from console.actions import Outcome, Saved, Shown, action
from console.requests import actor_of
from console.sections import Context
from core import dates
from provisioning.models import Token
from provisioning.services.connections import connections
from provisioning.services.connections import tokens as services
from provisioning.services.connections.token_names import TokenNameRefused
from provisioning.services.connections.tokens import RetirementRefused
from provisioning.views import which_connection
from provisioning.views.which_connection import SCIM

# Of a token's life, by what the form sends: the days, and the words.
LIFE_TIMES: Mapping[str, tuple[int | None, str]] = {
    "never": (None, "Never"),
    "30": (30, "In 30 days"),
    "90": (90, "In 90 days"),
    "180": (180, "In 180 days"),
    "365": (365, "In 1 year"),
}
FORM_SALT = "scim.generate-token"

IN_A_WEEK = timedelta(days=7)
FURTHEST = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class TokenCard:
    """A live token; ``successor`` is a live one that is to take its place. ``is_in_use``: it was used last of all."""

    token: Token
    is_in_use: bool
    successor: Token | None

    @property
    def retires_by_itself(self) -> bool:
        """Whether it goes when its successor first gets something done."""
        return self.token.retires_by_itself and self.successor is not None

    @property
    def may_be_kept(self) -> bool:
        """Whether anything is planned that would end it."""
        return self.token.retires_at is not None or self.retires_by_itself

    @property
    def expected_retires_at(self) -> str:
        """When it is to retire, as its forms send it back."""
        return self.token.retires_at.isoformat() if self.token.retires_at else ""


def shown(tokens: Sequence[Token]) -> list[TokenCard]:
    """The live tokens of a connection, in their order."""
    live = {token.pk: token for token in tokens}
    used = in_use(tokens)
    return [
        TokenCard(token, token == used, live.get(token.successor_id) if token.successor_id else None)
        for token in tokens
    ]


def in_use(tokens: Sequence[Token]) -> Token | None:
    """The one that was used last; None if none ever was."""
    never = datetime.min.replace(tzinfo=UTC)
    last = max(tokens, key=lambda token: token.last_used_at or never, default=None)
    return last if last is not None and last.last_used_at else None


def context() -> Context:
    """What the forms offer."""
    return {
        "life_times": [(value, label) for value, (_, label) in LIFE_TIMES.items()],
        "longest_name": Token.LONGEST_NAME,
        "tomorrow": (timezone.localdate() + timedelta(days=1)).isoformat(),
    }


def days(form: QueryDict) -> int | None:
    """The life time that was chosen, in days; None for ever."""
    return LIFE_TIMES.get(form.get("expires", ""), LIFE_TIMES["never"])[0]


def retires_at(form: QueryDict) -> datetime:
    """When a token is to retire: in seven days, or when a day begins in the organization's zone.

    Raises RetirementRefused.
    """
    if form.get("when") == "in-a-week":
        return timezone.now() + IN_A_WEEK
    day = _day(form.get("day", ""))
    if day is None or day > timezone.localdate() + FURTHEST:
        raise RetirementRefused("Choose the day on which the token retires, within the next five years.")
    return datetime.combine(day, time.min, timezone.get_current_timezone())


def expected_retires_at(form: QueryDict) -> datetime | None:
    """When the token was to retire, as the page has shown it."""
    try:
        return parse_datetime(form.get("expected_retires_at", ""))
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        day: date | None = forms.DateField(input_formats=["%Y-%m-%d"], required=False).clean(text)
    except ValidationError:
        return None
    return day


# What can be done to them


@action(SCIM, "users/scim/<uuid:connection_id>/generate-token/", "generate-token", permission="sign-in.edit")
def generate_token(request: HttpRequest, connection_id: UUID) -> Outcome:
    """Make a token and show it, this once."""
    connection = which_connection.chosen(request)
    reauthentication.require(request, "generate a token")
    one_time_forms.use_up(request, FORM_SALT)
    actor, name = actor_of(request), request.POST.get("name", "")
    try:
        made = connections.generate_token(connection, by=actor, name=name, days=days(request.POST))
    except TokenNameRefused as refusal:
        typed = {"name": name, "expires": request.POST.get("expires", "")}
        return Shown({"wrong": {"place": "generate", "why": refusal.message}, "typed": typed})
    return _shown_once(request, made)


@action(
    SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/rotate/", "rotate-token", permission="sign-in.edit"
)
def rotate_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Shown:
    """Make a token that is to take another one's place, and show it, this once."""
    actor = actor_of(request)
    connections.find_live_token(token_id, organization_id=actor.organization_id)
    reauthentication.require(request, "rotate the token")
    one_time_forms.use_up(request, FORM_SALT)
    by_itself = request.POST.get("by_itself") == "on"
    return _shown_once(request, services.rotate_token(token_id, by=actor, retires_by_itself=by_itself))


def _shown_once(request: HttpRequest, made: tuple[Token, str]) -> Shown:
    # No redirect here: the text is nowhere but in this answer.
    token, text = made
    return Shown({"bearer_token": text, "made": token})


@action(
    SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/rename/", "rename-token", permission="sign-in.edit"
)
def rename_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Saved | Shown:
    """Call a token something else."""
    name = request.POST.get("name", "")
    try:
        token = services.rename_token(token_id, name, by=actor_of(request))
    except TokenNameRefused as refusal:
        wrong = {"place": "rename", "token_id": token_id, "why": refusal.message}
        return Shown({"wrong": wrong, "typed": {"name": name}})
    return Saved(f"The token is called {token.name}.")


@action(
    SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/retire/", "retire-token", permission="sign-in.edit"
)
def retire_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Saved | Shown:
    """Set the day on which a token retires."""
    actor = actor_of(request)
    connections.find_live_token(token_id, organization_id=actor.organization_id)
    try:
        moment = retires_at(request.POST)
        token = services.retire_token(token_id, moment, expected_retires_at=expected_retires_at(request.POST), by=actor)
    except RetirementRefused as refusal:
        wrong = {"place": "retire", "token_id": token_id, "why": refusal.message}
        return Shown({"wrong": wrong, "typed": {"day": request.POST.get("day", "")}})
    return Saved(f"{token.name} retires on {dates.day(timezone.localtime(token.retires_at))}.")


@action(SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/keep/", "keep-token", permission="sign-in.edit")
def keep_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Saved:
    """Let a token retire neither by date nor by itself."""
    token = services.keep_token(token_id, expected_retires_at=expected_retires_at(request.POST), by=actor_of(request))
    return Saved(f"{token.name} stays valid.")


@action(
    SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/revoke/", "revoke-token", permission="sign-in.edit"
)
def revoke_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Saved:
    """End a token at once."""
    token = connections.revoke_token(token_id, by=actor_of(request))
    return Saved(f"Revoked {token}")


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where tokens are shown: with their connections."""
    present = {each.pk: each for each in connections.of_organization(organization_id)}
    found = Token.objects.of(organization_id).filter(pk__in=ids, connection_id__in=present)
    return {str(token.pk): which_connection.address(present[token.connection_id]) for token in found}
