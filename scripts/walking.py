"""A walk through the demo to one page: the steps that there are, and how a browser takes them."""

import re
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import BrowserContext, Page, ViewportSize

MAIL_ARRIVES_WITHIN = 15
MAILED_LINK = re.compile(r"https?://[^/\s]+(/[^\s<>\"]+)")


class Look(Enum):
    """How wide a page is shown, and in which colours; the value begins with what is added to a picture's name."""

    LIGHT = ("", 1280, 860, "light")
    DARK = ("-dark", 1280, 860, "dark")
    NARROW = ("-narrow", 320, 800, "dark")
    ZOOMED = ("-zoomed", 640, 430, "light")

    def __init__(self, suffix: str, width: int, height: int, scheme: Literal["light", "dark"]) -> None:
        self.suffix = suffix
        self.size: ViewportSize = {"width": width, "height": height}
        self.scheme = scheme


@dataclass(frozen=True, slots=True)
class Press:
    """Follow a link or press a button, by its whole name."""

    role: Literal["link", "button", "switch"]
    name: str


@dataclass(frozen=True, slots=True)
class Fill:
    """Type into the field of that label."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Choose:
    """Take an entry from the list of that label."""

    label: str
    entry: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Tick the box of that label."""

    label: str


@dataclass(frozen=True, slots=True)
class Unfold:
    """Show what lies under those words."""

    words: str


@dataclass(frozen=True, slots=True)
class FollowTheMail:
    """Open the link of the last mail to an address."""

    to: str


@dataclass(frozen=True, slots=True)
class FirstRow:
    """Follow the first link of the first row of a table, or of the table in the section of that id."""

    section: str = ""


Step = Press | Fill | Choose | Tick | Unfold | FollowTheMail | FirstRow

# Steps say {new_user} for somebody who has not been here before; whoever walks a way again is somebody else.
_NAMES = ("nora", "otis", "petra", "rafael", "selma", "tomas", "uma", "viktor", "wilma", "yusuf", "zelda")
_new_users = (f"{name}{again or ''}" for again in count() for name in _NAMES)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo who signs in with a password; an operator, who is of no organization, has no ``slug``."""

    slug: str
    address: str
    password: str

    @property
    def listener(self) -> str:
        """Where they sign in."""
        return f"/sign-in/{self.slug}/" if self.slug else "/admin/login/"


ADA = Person("acme", "ada@acme.example", "ada-runs-the-demo")
DANA = Person("acme", "dana@acme.example", "dana-ticks-domains")
GWEN = Person("globex", "gwen@globex.example", "gwen-runs-globex")
OPERATOR = Person("", "root@saas.example.com", "root-runs-the-machine")


@dataclass(frozen=True, slots=True)
class Walk:
    """One page with something on it, as ``person`` (None: nobody) comes to it from ``address`` by ``steps``.

    Its pictures are called ``name`` and show ``section`` only, where there is one, down to ``height`` pixels at most.
    """

    name: str
    title: str
    view: str
    address: str
    person: Person | None = ADA
    steps: Sequence[Step] = ()
    looks: Sequence[Look] = (Look.LIGHT,)
    section: str = ""
    height: int = 1600
    status: int = 200


def sign_in(context: BrowserContext, person: Person, base_url: str) -> None:
    """Let the browser come in as that person."""
    page = context.new_page()
    page.goto(base_url + person.listener)
    page.get_by_label("E-mail").fill(person.address)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: person.listener not in address)
    page.close()


def arrive(page: Page, walk: Walk, base_url: str, mails: Path) -> None:
    """Go the whole way; ``mails`` is the folder into which the server writes its mails."""
    page.goto(base_url + walk.address)
    new_user = next(_new_users) if any("{new_user}" in text for step in walk.steps for text in astuple(step)) else ""
    for step in walk.steps:
        _go(page, type(step)(*(text.format(new_user=new_user) for text in astuple(step))), base_url, mails)
        page.wait_for_load_state()


def _go(page: Page, step: Step, base_url: str, mails: Path) -> None:
    match step:
        case Press():
            page.get_by_role(step.role, name=step.name, exact=True).first.click()
        case Fill():
            page.get_by_label(step.label).fill(step.text)
        case Choose():
            page.get_by_label(step.label).select_option(step.entry)
        case Tick():
            page.get_by_label(step.label).check()
        case Unfold():
            page.locator("summary", has_text=step.words).first.click()
        case FirstRow():
            page.locator(f"{step.section and f'#{step.section} '}tbody tr a").first.click()
        case FollowTheMail():
            page.goto(base_url + _link(mails, step.to))


def _link(mails: Path, to: str) -> str:
    deadline = time.monotonic() + MAIL_ARRIVES_WITHIN
    while time.monotonic() < deadline:
        found = [mail for mail in _mails(mails) if mail["To"] == to]
        if found:
            body: Any = found[-1].get_body(("plain",))
            link = MAILED_LINK.search(body.get_content())
            if link:
                return link[1]
        time.sleep(0.1)
    raise LookupError(f"No mail with a link came to {to}.")


def _mails(folder: Path) -> list[EmailMessage]:
    """All mails, the oldest first; a process writes its own behind one another, with a line of dashes between."""
    written: list[EmailMessage] = []
    for path in sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime):
        for part in re.split(rb"^-{70,}\n", path.read_bytes(), flags=re.MULTILINE):
            if part.strip():
                written.append(message_from_bytes(part, EmailMessage, policy=policy.default))
    return written
