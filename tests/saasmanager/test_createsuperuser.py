"""``manage.py createsuperuser``: an operator by e-mail address and password."""

import sys
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from tests.signed_in import PASSWORD
from users.models import User

pytestmark = pytest.mark.django_db


def signs_in(email: str, password: str) -> bool:
    cache.clear()
    client = Client()
    client.post("/admin/login/", {"login": email, "password": password})
    return client.get("/admin/").status_code == 200


def test_without_input_the_environment_has_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--email", "ops@example.com")
    assert signs_in("ops@example.com", PASSWORD)
    assert User.objects.get().organization is None


def test_it_asks_for_address_and_password_only(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    asked, passwords = [], iter(["short", "short", PASSWORD, "other", PASSWORD, PASSWORD])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "ops@example.com")
    command = "saasmanager.management.commands.createsuperuser.getpass"
    monkeypatch.setattr(command, lambda prompt: asked.append(prompt) or next(passwords))
    call_command("createsuperuser")
    assert set(asked) == {"E-mail address: ", "Password: ", "Password (again): "}
    assert signs_in("ops@example.com", PASSWORD)
    asked.clear()
    passwords = iter([PASSWORD, PASSWORD])
    call_command("createsuperuser", "--email", "two@example.com")
    assert "E-mail address: " not in asked


@pytest.mark.parametrize("email", ["ops", "a/b@example.com", "ops@example.com", "", "OPS@EXAMPLE.com"])
def test_what_is_no_new_address_is_refused_in_one_line(email: str) -> None:
    User.objects.create_superuser("ops@example.com", "ops@example.com", PASSWORD)
    with pytest.raises(CommandError, match=r"^[^\n]+$"):
        call_command("createsuperuser", "--noinput", "--email", email)
    assert User.objects.count() == 1
