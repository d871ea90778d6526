"""The verb that sets a password by a mailed link, which is good for one."""

from uuid import UUID

from allauth.account.forms import default_token_generator
from django.contrib.auth.hashers import make_password
from django.db import transaction

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.refusals import Refusal
from users.services import accounts


class LinkUsed(Refusal):
    """The link to set a password has been used, or something that it depends on has changed."""

    code = "link-used"


def set_by_link(user_id: UUID, password: str, *, key: str, by: Actor) -> None:
    """Set the password of whoever has the ``key`` of a mailed link; the old one's sessions end with it.

    The key is good for one password: of those who use it at the same time, one sets a password. Raises LinkUsed,
    UserUnknown.
    """
    # Before the transaction, since it takes long and others would wait.
    encoded = make_password(password)
    with transaction.atomic():
        # The key is made of the password that it replaces, which nobody else changes from here on.
        user = accounts.find(user_id, organization_id=by.organization_id)
        if not default_token_generator.check_token(user, key):
            raise LinkUsed("This link has been used or is too old. Ask for a new one.")
        user.password = encoded
        user.save(update_fields=["password"])
        trail.record(Action.USER_PASSWORD_CHANGED, user, by=by)
