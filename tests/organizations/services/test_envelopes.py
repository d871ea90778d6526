"""Where mail goes: to the domain that the rules judged, for every character that Unicode has."""

import sys
from collections.abc import Iterator
from functools import cache

import idna
import pytest
from django.core.mail.backends.smtp import sanitize_address
from idna import uts46data

from core.addresses import AddressError, canonical_domain, check_address, domain_of, mailbox
from organizations.models import Mail
from organizations.services import outbox
from tests.mailserver import MailServer, mailserver, over_smtp
from tests.tenants import Tenant

__all__ = ["mailserver", "over_smtp"]


def has_a_form(letter: str) -> bool:
    """Whether UTS 46 knows the character. No domain has any other: a look at each of those would take minutes."""
    try:
        idna.uts46_remap(letter, std3_rules=False, transitional=False)
    except idna.IDNAError:
        return False
    return letter != "@"


@cache
def letters_with_a_form() -> list[str]:
    """All such characters, by the ranges of the table that UTS 46 is: most of Unicode is in ranges without a form."""
    ends = [*uts46data.uts46_starts[1:], sys.maxunicode + 1]
    rows = zip(uts46data.uts46_starts, ends, uts46data.uts46_statuses, strict=True)
    ranges = [range(start, end) for start, end, status in rows if chr(status) != "X"]
    return [letter for each in ranges for letter in map(chr, each) if has_a_form(letter)]


# So many characters are tried in one label first: where all of them may stand in it, each may.
TOGETHER = 12


def address(letters: str) -> str:
    return f"ann@a{letters}b.example"


def is_accepted(text: str) -> bool:
    try:
        check_address(text)
    except AddressError:
        return False
    return True


def accepted(letters: list[str]) -> Iterator[str]:
    """The letters with which a domain may be written."""
    for start in range(0, len(letters), TOGETHER):
        some = letters[start : start + TOGETHER]
        yield from some if is_accepted(address("".join(some))) else filter(lambda one: is_accepted(address(one)), some)


def envelope_of(text: str) -> str:
    """What Django's SMTP backend puts into RCPT TO for a stored address."""
    return sanitize_address(mailbox(text), "utf-8")


@pytest.mark.once
def test_every_domain_that_may_be_written_is_mailed_where_it_was_judged() -> None:
    found = list(accepted(letters_with_a_form()))
    assert len(found) > 130_000
    for start in range(0, len(found), TOGETHER):
        text = address("".join(found[start : start + TOGETHER]))
        for one in [text] if is_accepted(text) else map(address, found[start : start + TOGETHER]):
            assert envelope_of(one) == f"ann@{domain_of(one)}", ascii(one)


@pytest.mark.once
def test_no_character_that_has_no_form_may_stand_in_a_domain() -> None:
    others = [chr(point) for point in range(0, sys.maxunicode, 37) if not has_a_form(chr(point))]
    assert not [ascii(letter) for letter in others if is_accepted(address(letter))]


@pytest.mark.once
def test_no_character_that_is_left_out_may_stand_in_a_domain() -> None:
    left_out = [letter for letter in letters_with_a_form() if domain_of(address(letter)) == "ab.example"]
    assert {"\u00ad", "\u034f", "\u200b", "\u2060", "\ufe0f", "\U000e0100"} <= set(left_out)
    assert not [ascii(letter) for letter in left_out if is_accepted(address(letter))]


@pytest.mark.once  # what is sent where is the same on every database
def test_what_django_would_send_elsewhere_arrives_where_it_was_judged(acme: Tenant, over_smtp: MailServer) -> None:
    others = [address(letter) for letter in elsewhere()]
    # Those of a domain in plain letters, which anybody may own, and some of the rest: a mail each takes its time.
    stored = [each for each in others if "xn--" not in domain_of(each)]
    assert len(stored) > 100
    stored += [each for each in others if "xn--" in domain_of(each) and each != "ann@aßb.example"][::5]
    stored.append("ann@aßb.example")
    assert "ann@aᴬb.example" in stored
    Mail.objects.bulk_create(Mail(organization=acme.organization, name="test", to=each, text="Hi") for each in stored)
    assert outbox.deliver() == len(stored)
    wanted = sorted(f"ann@{canonical_domain(each.partition('@')[2])}" for each in stored)
    assert sorted(over_smtp.envelopes) == wanted
    assert sorted(message["To"] for message in over_smtp.received) == wanted


def elsewhere() -> Iterator[str]:
    """The letters in a domain that Django encodes otherwise than we do."""
    for letter in letters_with_a_form():
        text = address(letter)
        try:
            encoded = text.partition("@")[2].encode("idna").decode().lower()
        except UnicodeError:
            continue
        if encoded != domain_of(text) and is_accepted(text):
            yield letter


@pytest.mark.parametrize(
    ("stored", "envelope"),
    [
        ("Ada.L@ACME.example", "Ada.L@acme.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("ada@acme\u200b.example", "ada@acme.example"),
        ("ada@ac\u00adme.example", "ada@acme.example"),
        ("ada@ａｃｍｅ。example", "ada@acme.example"),
    ],
)
def test_a_stored_address_is_mailed_by_its_canonical_domain(
    stored: str, envelope: str, acme: Tenant, over_smtp: MailServer
) -> None:
    Mail.objects.create(organization=acme.organization, name="test", to=stored, text="Hi")
    assert outbox.deliver() == 1
    assert over_smtp.envelopes == [over_smtp.received[0]["To"]] == [envelope]


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("jürgen@acme.example", "letters beyond ASCII before the @"),
        ("ªda@acme.example", "letters beyond ASCII before the @"),
        ("Ada <mallory@evil.example", "mail can be sent to"),
        ("ada", "mail can be sent to"),
        ("ada@localhost", "full domain name"),
        ("ada@acme..example", "domain name"),
    ],
)
def test_an_address_that_can_t_be_mailed_fails_with_a_sentence_and_nothing_leaves(
    stored: str, said: str, acme: Tenant, over_smtp: MailServer
) -> None:
    mail = Mail.objects.create(organization=acme.organization, name="test", to=stored, text="Hi")
    assert outbox.deliver() == 0
    mail.refresh_from_db()
    assert (mail.state, over_smtp.envelopes) == (Mail.State.FAILED, [])
    assert said in mail.failure
