"""What a look in DNS finds, asked of a real name server on the loopback interface."""

import time

import dns.rcode
import pytest

from domains import dns_verification
from domains.dns_verification import Finding
from tests.nameserver import NameServer

NAME = "_saasmanager-challenge.acme.example"
VALUE = "saas-manager-verification=abc"


def test_the_record_stands_below_the_domain_and_says_what_it_is_for() -> None:
    assert dns_verification.record_name("acme.example") == NAME
    assert dns_verification.record_value("abc") == VALUE


def test_no_two_tokens_are_alike_and_none_can_be_guessed() -> None:
    tokens = {dns_verification.draw() for _ in range(1000)}
    assert len(tokens) == 1000
    assert min(map(len, tokens)) >= 32


@pytest.mark.parametrize(
    "texts",
    [
        [VALUE],
        ["v=spf1 -all", "saas-manager-verification=of-somebody-else", VALUE],
        [f'"{VALUE}"'],
        [f" {VALUE} "],
    ],
    ids=["alone", "among others", "with quotes pasted along", "with blanks"],
)
def test_the_right_value_proves_the_domain(nameserver: NameServer, texts: list[str]) -> None:
    nameserver.know(NAME, *texts)
    assert dns_verification.look("acme.example", "abc").finding is Finding.FOUND


@pytest.mark.parametrize(
    "value",
    ["saas-manager-verification=ABC", "saas-manager-verification=abcd", "abc", "", "saas-manager-verification="],
)
def test_nothing_but_the_whole_value_proves_it(nameserver: NameServer, value: str) -> None:
    nameserver.know(NAME, value)
    found = dns_verification.look("acme.example", "abc")
    assert (found.finding, found.values) == (Finding.WRONG, (value,))


def test_the_value_at_the_domain_itself_or_elsewhere_proves_nothing(nameserver: NameServer) -> None:
    nameserver.know("acme.example", VALUE)
    nameserver.know("_saasmanager-challenge.globex.example", VALUE)
    assert dns_verification.look("acme.example", "abc").finding is Finding.MISSING


@pytest.mark.parametrize("there", [False, True], ids=["no name", "a name without texts"])
def test_a_record_that_is_not_there_yet_is_told_from_a_domain_that_is_not(nameserver: NameServer, there: bool) -> None:
    nameserver.know("acme.example")
    if there:
        nameserver.know(NAME)
    assert dns_verification.look("acme.example", "abc") == dns_verification.LookupResult(Finding.MISSING)


def test_a_domain_that_nobody_has_is_told_so(nameserver: NameServer) -> None:
    assert dns_verification.look("acme.example", "abc") == dns_verification.LookupResult(Finding.NO_SUCH_DOMAIN)
    assert nameserver.asked == [(NAME, "TXT"), ("acme.example", "SOA")]


@pytest.mark.parametrize("trouble", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_name_server_in_trouble_is_no_answer(nameserver: NameServer, trouble: dns.rcode.Rcode) -> None:
    nameserver.trouble = trouble
    assert dns_verification.look("acme.example", "abc") == dns_verification.LookupResult(Finding.UNREACHABLE)


def test_silence_is_waited_for_no_longer_than_promised(nameserver: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dns_verification.PATIENCE_SECONDS <= 5
    monkeypatch.setattr(dns_verification, "PATIENCE_SECONDS", 0.4)
    nameserver.silent = True
    started = time.monotonic()
    assert dns_verification.look("acme.example", "abc") == dns_verification.LookupResult(Finding.UNREACHABLE)
    # Whatever else the machine does, the library's own five seconds were not waited for.
    assert time.monotonic() - started < 4
    assert nameserver.asked


def test_a_resolver_that_does_not_exist_is_no_answer(nameserver: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_verification, "PATIENCE_SECONDS", 0.4)
    nameserver.silent = True
    assert dns_verification.look("x" * 64 + ".example", "abc").finding is Finding.UNREACHABLE
    assert nameserver.asked == []  # what is no name is not even asked for


def test_what_strangers_wrote_is_kept_short_and_printable(nameserver: NameServer) -> None:
    nameserver.know(NAME, "a\x07b", "x" * 2000, "three", "four")
    found = dns_verification.look("acme.example", "abc")
    assert found.finding is Finding.WRONG
    assert len(found.values) == dns_verification.VALUES_KEPT
    assert all(value.isprintable() and len(value) <= dns_verification.LONGEST_VALUE for value in found.values)
