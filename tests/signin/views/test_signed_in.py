"""The browsers of other tests are signed in as the form would sign them in."""

import pytest
from django.test import Client

from tests.signed_in import SignedIn, person, sign_in
from tests.tenants import Tenant
from users.permissions import BuiltIn

# What no two sessions share.
OWN = {"_auth_user_hash"}


@pytest.mark.django_db
def test_the_short_way_to_a_session_leaves_what_the_form_leaves(acme: Tenant, signed_in: SignedIn) -> None:
    by_form = Client()
    sign_in(by_form, person(acme, BuiltIn.ADMIN))
    short = signed_in(acme)
    one, other = ({key: value for key, value in each.session.items() if key not in OWN} for each in (by_form, short))
    for session in (one, other):
        for method in session["account_authentication_methods"]:
            assert method.pop("at")
    assert one == other
