"""Take the pictures in docs/pictures, with their list.

Needs Chromium and openssl. What is shown is the product itself, with the demo's data; only the address is made up.
"""

import http.client
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, sync_playwright

from scripts import postgres, serve
from scripts.tls import ending_tls
from scripts.walking import GWEN, OPERATOR, Look, Person, Walk, arrive, sign_in
from scripts.walks import WALKS

PICTURES = serve.ROOT / "docs" / "pictures"
HOST = "saas.example.com"
BASE_URL = f"https://{HOST}"
MANAGE = (sys.executable, str(serve.ROOT / "manage.py"))

# A company that has just begun, for the steps of the set-up article.
INGRID = Person("initech", "ingrid@initech.example", "ingrid-begins-here")
INITECHS_DOMAINS = ("initech.example", "initech-events.example")
ARTICLE = {
    "domains-allowed": "Set-up: User requests are on for a domain",
    "scim-token": "Set-up: the token is shown, this once",
    "scim-waiting": "Set-up: waiting for the first request",
    "scim-tested": "Set-up: the first requests got through",
}

LOOKS = {Look.LIGHT: "", Look.DARK: ", dark", Look.NARROW: ", 320 px"}


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: where it is, the folder of its mails, and a way to run commands on its data."""

    port: int
    base_url: str
    mails: Path
    manage: Callable[..., str]


def main(wanted: Sequence[str]) -> None:
    """Take all pictures, or those of the walks that are named."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium or not shutil.which("openssl"):
        sys.exit("The pictures need Chromium and openssl. On Debian: apt-get install chromium openssl")
    PICTURES.mkdir(parents=True, exist_ok=True)
    port = postgres.free_port()
    with (
        tempfile.TemporaryDirectory(prefix="saasmanager-pictures-") as name,
        demo_over_https(Path(name), port) as running,
        sync_playwright() as playwright,
    ):
        flags = [f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{port}", "--disable-gpu", "--hide-scrollbars"]
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        take_pages(browser, running, [walk for walk in WALKS if not wanted or walk.name in wanted])
        if not wanted:
            take_initech(browser, running)
        browser.close()
    for path in PICTURES.glob("*.png"):
        if path.name not in pictures():
            path.unlink()
    write_the_list()


@contextmanager
def demo_over_https(folder: Path, port: int) -> Iterator[Demo]:
    """The demo at BASE_URL: TLS ends in a proxy on that port, in front of the production server."""
    behind = postgres.free_port()
    with (
        demo(folder, behind, BASE_URL) as running,
        ending_tls(host=HOST, folder=folder, port=port, server_port=behind),
    ):
        yield replace(running, port=port)


@contextmanager
def demo(folder: Path, port: int, base_url: str) -> Iterator[Demo]:
    """The demo's data in a folder, behind the production server."""
    mails = folder / "mails"
    mails.mkdir()
    environment = {
        **os.environ,
        "DEBUG": "off",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}",
        "BASE_URL": base_url,
        "EMAIL_URL": f"filemail:///{mails}",
        "MAIL_IN_BACKGROUND": "on",
        "ALLOWED_HOSTS": "",
        # Over https one proxy stands in front, else nothing.
        "TRUSTED_PROXY_COUNT": "1" if base_url.startswith("https:") else "0",
        "SCIM_LOG_INTERVAL": "0.05",
        "LOG_LEVEL": "ERROR",
    }

    def manage(*arguments: str, **more: str) -> str:
        command = [*MANAGE, *arguments]
        done = subprocess.run(command, env={**environment, **more}, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    manage("migrate", "--verbosity", "0")
    manage("collectstatic", "--no-input", "--verbosity", "0")
    # Only the seed asks for a developer's machine; what goes wrong is to look as it does for customers.
    manage("seed_demo", DEBUG="on")
    manage("create_organization", "Umbrella", "--slug", "umbrella")
    # Its Admin is mailed about that.
    manage("scim", GWEN.slug, "generate-token", "--name", "Spare")
    manage("createsuperuser", "--no-input", "--email", OPERATOR.address, DJANGO_SUPERUSER_PASSWORD=OPERATOR.password)
    command = serve.server(host="127.0.0.1", port=port, workers=1)
    server = subprocess.Popen(command, cwd=serve.ROOT, env=environment)
    try:
        wait_for(port)
        yield Demo(port, base_url, mails, manage)
    finally:
        server.terminate()
        server.wait(20)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The server did not start.")


def take_pages(browser: Browser, running: Demo, walks: Sequence[Walk]) -> None:
    """Every walk's pictures, all of one person's in one browser."""
    for person in dict.fromkeys(walk.person for walk in walks):
        context = new_context(browser)
        if person:
            sign_in(context, person, running.base_url)
        for walk in walks:
            if walk.person == person:
                page = context.new_page()
                arrive(page, walk, running.base_url, running.mails)
                for look in walk.looks:
                    take(page, f"{walk.name}{look.suffix}", walk.section, look, walk.height)
                page.close()
        context.close()


def take_initech(browser: Browser, running: Demo) -> None:
    """A company that sets SCIM up, step by step."""
    first, second = INITECHS_DOMAINS
    running.manage(
        *("create_organization", "Initech", "--slug", INGRID.slug),
        *("--domain-without-requests", first, "--domain-without-requests", second),
        *("--admin", INGRID.address, "--admin-password", INGRID.password),
    )
    context = new_context(browser)
    sign_in(context, INGRID, BASE_URL)
    page = context.new_page()
    page.goto(f"{BASE_URL}/settings/organization/")
    page.get_by_role("switch", name=f"User requests for {first}").click()
    page.get_by_text(f"User requests are on for {first}.").wait_for()
    take(page, "domains-allowed", "#domains")

    page.goto(f"{BASE_URL}/settings/users/")
    page.get_by_role("button", name="Generate Token").click()
    token = page.get_by_label("Bearer token", exact=True)
    token.wait_for()
    take(page, "scim-token", "#scim")
    bearer_token = token.input_value()
    page.get_by_role("switch", name="Enable SCIM").click()
    page.get_by_text("Waiting for the first request").first.wait_for()

    page.reload()
    take(page, "scim-waiting", "#scim", height=220)
    ask_as_jumpcloud(running.port, bearer_token, f"test.user@{first}", f"test.user@{second}")
    page.reload()
    page.get_by_text("A request got through").wait_for()
    take(page, "scim-tested", "#scim-activity")


def ask_as_jumpcloud(port: int, bearer_token: str, welcome: str, unwelcome: str) -> None:
    """What pressing Test Connection and Activate sends, once with a test user whose domain has no checkmark."""
    headers = {
        "Host": HOST,
        "Authorization": f"Bearer {bearer_token}",
        "Content-Type": "application/scim+json",
        "User-Agent": "JumpCloud SCIM",
    }
    unchecked = ssl._create_unverified_context()  # noqa: S323  (the certificate is ours, and a minute old)
    base = f"/scim/{INGRID.slug}/v2/Users"

    def ask(method: str, address: str, body: Mapping[str, Any] | None = None) -> Any:
        client = http.client.HTTPSConnection("127.0.0.1", port, context=unchecked)
        client.request(method, address, json.dumps(body) if body else None, headers)
        answer = client.getresponse().read()
        client.close()
        return json.loads(answer or "{}")

    ask("GET", base)
    for address in (unwelcome, welcome):
        ask("GET", f"{base}?filter=userName+eq+%22{address.replace('@', '%40')}%22")
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": address,
            "name": {"givenName": "Test", "familyName": "User"},
            "emails": [{"value": address, "type": "work", "primary": True}],
            "active": True,
        }
        made = ask("POST", base, body)
    if "id" not in made:
        sys.exit(f"The test user was refused: {made.get('detail')}")
    itself = f"{base}/{made['id']}"
    ask("PUT", itself, {**body, "name": {"givenName": "Test", "familyName": "Renamed"}})
    ask("DELETE", itself)
    time.sleep(0.5)


def new_context(browser: Browser) -> BrowserContext:
    return browser.new_context(ignore_https_errors=True, locale="en-GB", reduced_motion="reduce")


def take(page: Page, name: str, section: str = "", look: Look = Look.LIGHT, height: int = 1600) -> None:
    """The page, or one section of it, from its top down to that height at most."""
    page.emulate_media(color_scheme=look.scheme)
    page.set_viewport_size(look.size)
    # In a window as high as the page nothing can scroll away between measuring and taking.
    whole = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": look.size["width"], "height": max(whole, look.size["height"])})
    box = page.locator(section or "body").bounding_box()
    assert box is not None  # noqa: S101  (it is on the page)
    clip: FloatRect = {**box, "height": min(box["height"], height)}
    page.screenshot(path=PICTURES / f"{name}.png", clip=clip, animations="disabled")
    page.set_viewport_size(look.size)


def pictures() -> dict[str, str]:
    """What every picture shows, by its file's name."""
    every = {f"{walk.name}{look.suffix}.png": f"{walk.title}{LOOKS[look]}" for walk in WALKS for look in walk.looks}
    return every | {f"{name}.png": title for name, title in ARTICLE.items()}


def write_the_list() -> None:
    """docs/pictures/README.md: every picture under its title."""
    lines = ["# Every page", "", "Made by `make screenshots` from the demo's data.", ""]
    for name, title in pictures().items():
        lines += [f"## {title}", "", f"![{title}]({name})", ""]
    (PICTURES / "README.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
