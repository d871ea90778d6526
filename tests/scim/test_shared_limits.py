"""Limits across machines that share a cache: one learns what another has charged, and requests wait for no cache."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured

from scim.services import limits, shared_limits
from scim.services.limits import Buckets, Limit
from scim.services.shared_limits import Exchange
from tests.test_settings import Read, read

__all__ = ["read"]


class Machine:
    """A machine with buckets of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.limit = Limit("token", "SCIM_TOKEN_RATE", "SCIM_TOKEN_BURST", Buckets(64))
        self.exchange = Exchange()
        self.exchange._thread = object()  # type: ignore[assignment]  # the test says when
        self._monkeypatch = monkeypatch

    def serve(self, requests: int, name: str = "acme") -> None:
        self._monkeypatch.setattr(limits, "tell_others", self.exchange.note)
        for _ in range(requests):
            self.limit.charge(name)

    def talk(self) -> None:
        self._monkeypatch.setattr(shared_limits, "_LIMITS", {"token": self.limit})
        self.exchange.exchange()

    def lets_in(self, name: str = "acme") -> bool:
        return self.limit.wait(name) <= 0


@pytest.fixture
def cache(settings: Any, tmp_path: Path) -> Any:
    settings.SCIM_TOKEN_RATE, settings.SCIM_TOKEN_BURST = 0.1, 10
    settings.CACHES = {
        **settings.CACHES,
        "limits": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)},
    }
    return caches["limits"]


def test_one_machine_learns_what_another_has_served(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Machine(monkeypatch), Machine(monkeypatch)
    one.serve(9)
    one.talk()
    other.serve(1)
    assert other.lets_in()
    other.talk()
    assert not other.lets_in()
    one.serve(1)
    one.talk()
    assert one.limit.wait("acme") == pytest.approx(20, abs=2)  # eleven of ten: until there is room for one more


def test_machines_together_let_in_as_many_as_one_would(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machines = [Machine(monkeypatch) for _ in range(3)]
    let_in = 0
    for _ in range(30):
        for machine in machines:
            if machine.lets_in():
                let_in += 1
                machine.serve(1)
                machine.talk()
    assert 10 <= let_in <= 12


def test_what_nobody_has_charged_is_not_asked_for(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_limits, "caches", {})
    Machine(monkeypatch).talk()


def test_each_machine_counts_for_itself_while_the_cache_is_away(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    monkeypatch.setattr(cache, "get_many", lambda _names: 1 / 0)
    machine.serve(10)
    with pytest.raises(ZeroDivisionError):
        machine.talk()
    assert not machine.lets_in()


def test_without_a_shared_cache_nobody_is_told(settings: Any) -> None:
    shared_limits.begin()
    assert limits.tell_others is None


def test_strangers_with_many_addresses_take_no_memory(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_limits, "MOST_WAITING", 5)
    machine = Machine(monkeypatch)
    for number in range(20):
        machine.serve(1, f"192.0.2.{number}")
    assert len(machine.exchange._charged) == 5


def test_the_settings_name_what_a_shared_cache_may_be(read: Read) -> None:
    assert "limits" not in read(SECRET_KEY="x")["CACHES"]
    found = read(SECRET_KEY="x", CACHE_URL="filecache:///var/lib/limits")["CACHES"]
    assert found["limits"]["LOCATION"] == "/var/lib/limits"
    assert found["default"]["BACKEND"].endswith("DatabaseCache")
    with pytest.raises(ImproperlyConfigured, match="CACHE_URL must be like redis://"):
        read(SECRET_KEY="x", CACHE_URL="locmemcache://")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SCIM_TOKEN_RATE", "-1", "a number of requests a second, or 0"),
        ("SCIM_TOKEN_RATE", "nan", "a number of requests a second, or 0"),
        ("SCIM_UNAUTHORIZED_RATE", "inf", "a number of requests a second, or 0"),
        ("SCIM_ORGANIZATION_BURST", "0", "a whole number from 1 on"),
        ("SCIM_ORGANIZATION_BURST", "many", "a whole number from 1 on"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_at_the_start(name: str, value: str, said: str, read: Read) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name} must be {said}, not"):
        read(SECRET_KEY="x", **{name: value})
