"""PersonalToken: by it a user's own programs act."""

from __future__ import annotations

from django.db import models

from core.bearer_tokens import BearerToken, TokenQuerySet
from users.models.users import User


class PersonalToken(BearerToken):
    """A bearer token by which a person's own program acts for that person, as far as its scopes go.

    ``scopes`` are words with blanks between them (RFC 6749 section 3.3), see ``users.services.personal_tokens``.
    """

    word = "smgp"

    user = models.ForeignKey(User, models.CASCADE, related_name="personal_tokens")
    name = models.CharField(max_length=60)
    scopes = models.CharField(max_length=200)

    objects = TokenQuerySet["PersonalToken"].as_manager()

    class Meta:
        ordering = ["-created_at"]
