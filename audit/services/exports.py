"""Exports: who took which list away as a file, and what it was narrowed to."""

from collections.abc import Mapping
from typing import Any

from django.db import models, transaction

from audit.actions import Action
from audit.services import trail
from core.actors import Actor


@transaction.atomic
def record(action: Action, organization: models.Model, filters: Mapping[str, Any], *, by: Actor) -> None:
    """Keep in the trail that somebody takes a file of the organization away."""
    trail.record(action, organization, {name: (None, str(value)) for name, value in filters.items()}, by=by)
