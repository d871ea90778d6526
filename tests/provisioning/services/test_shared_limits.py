"""Limits across machines that share a cache: one learns what another has charged, and requests wait for no cache."""

import secrets
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured

from provisioning.services import limits, shared_limits
from provisioning.services.limits import Buckets, Limit
from provisioning.services.shared_limits import Exchange
from tests.saasmanager.test_settings import Read, read

__all__ = ["read"]


class Machine:
    """A machine with buckets of its own, and one process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str | None = None) -> None:
        self.limit = Limit("token", "SCIM_TOKEN_RATE", "SCIM_TOKEN_BURST", Buckets(64))
        self.name, self.taken = name or secrets.token_hex(8), Buckets(64)
        self.exchange = self.process()
        self._monkeypatch = monkeypatch

    def process(self) -> Exchange:
        return Exchange(self.name, self.taken, {"token": self.limit})

    def serve(self, requests: int, name: str = "acme") -> None:
        self._monkeypatch.setattr(limits, "tell_others", self.exchange.note)
        for _ in range(requests):
            self.limit.charge(name)

    def talk(self) -> None:
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
    one.talk()
    assert not one.lets_in()
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


@pytest.fixture
def local_cache(cache: Any, settings: Any) -> Any:
    location = secrets.token_hex(8)
    settings.CACHES = {
        **settings.CACHES,
        "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": location},
    }
    return caches["limits"]


def _at_once(count: int, run: Callable[[int], None]) -> None:
    """Run so many at the same moment, each in a thread of its own."""
    start, failed = threading.Barrier(count), []

    def begin(number: int) -> None:
        start.wait(10)
        try:
            run(number)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed


def test_what_is_told_at_the_same_moment_is_not_lost(local_cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machines = [Machine(monkeypatch) for _ in range(6)]
    # All see the same, then all write: the worst moment.
    get_many, read = LocMemCache.get_many, threading.Barrier(len(machines))

    def get_many_at_once(cache: Any, *args: Any) -> Any:
        found = get_many(cache, *args)
        read.wait(10)
        return found

    for _ in range(len(machines)):  # each time, one more is known at least
        for machine in machines:
            machine.talk()
    for machine in machines:
        machine.serve(3)
    with monkeypatch.context() as at_once:
        at_once.setattr(LocMemCache, "get_many", get_many_at_once)
        _at_once(len(machines), lambda number: machines[number].talk())
    for machine in machines:
        machine.talk()
        assert machine.limit.wait("acme") == pytest.approx((18 - 9) * 10, abs=1)


def test_processes_that_begin_at_the_same_moment_all_become_known(
    local_cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = [Machine(monkeypatch) for _ in range(4)]
    for machine in machines:
        machine.serve(3)
    for _ in range(5):
        _at_once(len(machines), lambda number: machines[number].talk())
    for machine in machines:
        machine.talk()
        assert machine.limit.wait("acme") == pytest.approx((12 - 9) * 10, abs=1)


def test_processes_of_one_machine_take_over_a_charge_once(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Machine(monkeypatch), Machine(monkeypatch)
    second = one.process()
    other.serve(6)
    other.talk()
    one.serve(1)
    for process in (one.exchange, second, one.exchange, second):
        process.exchange()
    assert one.lets_in()
    one.serve(4)
    assert one.limit.wait("acme") == pytest.approx(20, abs=1), "eleven of ten, not seventeen"


def test_a_machine_that_begins_learns_of_debts(local_cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_limits, "REPORTED_FOR", 0.0)  # its charges were told long ago
    one = Machine(monkeypatch)
    one.serve(30)
    one.talk()
    one.talk()
    new_user = Machine(monkeypatch)
    new_user.talk()
    assert new_user.limit.wait("acme") == pytest.approx(210, abs=2)
    for _ in range(5):
        one.talk()
        new_user.talk()
    assert one.limit.wait("acme") == pytest.approx(210, abs=2), "a debt that two tell each other does not grow"


def test_what_the_cache_forgets_is_told_again(local_cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Machine(monkeypatch), Machine(monkeypatch)
    one.serve(20)
    one.talk()
    other.talk()
    local_cache.clear()
    new_user = Machine(monkeypatch)
    for _ in range(2):
        for machine in (one, other, new_user):
            machine.talk()
    assert [machine.limit.wait("acme") for machine in (one, other, new_user)] == pytest.approx([110] * 3, abs=2)


@pytest.mark.parametrize(("ahead", "owed"), [(0.9, 10), (-0.9, 10), (3600, 0), (-3600, 0)])
def test_a_clock_that_goes_wrong_leaves_no_debt_that_lasts(
    ahead: float, owed: int, local_cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_limits, "REPORTED_FOR", 0.0)
    one, other = Machine(monkeypatch), Machine(monkeypatch)
    one.serve(10)
    now, since = time.time(), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: since)
    monkeypatch.setattr(time, "time", lambda: now)
    with monkeypatch.context() as wrong:
        wrong.setattr(time, "time", lambda: now + ahead)
        for _ in range(2):
            one.talk()
    other.talk()
    assert max(other.limit.wait("acme"), 0) == pytest.approx(owed, abs=2.1)


def test_charges_are_told_however_far_clocks_are_apart(local_cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with monkeypatch.context() as wrong:
        wrong.setattr(shared_limits.time, "time", lambda: now - 3600)
        one = Machine(monkeypatch)
        one.serve(12)
        one.talk()
        told = local_cache.get(one.exchange._key)
    local_cache.set(one.exchange._key, told)
    local_cache.set(shared_limits.PROCESSES, {one.exchange._key})
    other = Machine(monkeypatch)
    other.talk()
    assert other.limit.wait("acme") == pytest.approx(30, abs=1)


def test_names_may_be_what_no_cache_takes_as_a_key(local_cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Machine(monkeypatch), Machine(monkeypatch)
    name = "a name\n" + "ü" * 300
    one.serve(12, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one.talk()
        other.talk()
    assert not other.lets_in(name)


def test_what_nobody_has_charged_is_not_asked_for(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    for _ in range(2):  # once to be known
        machine.talk()
    monkeypatch.setattr(shared_limits, "caches", {})
    machine.talk()


def test_each_machine_counts_for_itself_while_the_cache_is_away(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    with monkeypatch.context() as away:
        away.setattr(cache, "set", lambda *_, **__: 1 / 0)
        machine.serve(10)
        with pytest.raises(ZeroDivisionError):
            machine.talk()
    assert not machine.lets_in()
    other = Machine(monkeypatch)
    machine.talk()
    other.serve(1)
    other.talk()
    assert not other.lets_in(), "what could not be told is told when the cache is back"


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
