"""Take the pictures in docs/pictures: a throw-away demo under a public-looking address, seen by Chromium.

Needs Chromium and openssl. What is shown is the product itself; only the address is made up.
"""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FloatRect, Page, ViewportSize, sync_playwright

from scripts import postgres, serve

PICTURES = serve.ROOT / "docs" / "pictures"
HOST = "saas.example.com"
BASE_URL = f"https://{HOST}"
MANAGE = (sys.executable, str(serve.ROOT / "manage.py"))
SIZE: ViewportSize = {"width": 1280, "height": 860}

# A company that has just begun, for the steps of the set-up article.
NEWCOMER = {
    "name": "Initech",
    "slug": "initech",
    "domains": ("initech.example", "initech-events.example"),
    "admin": "ingrid@initech.example",
    "password": "ingrid-begins-here",
}


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium or not shutil.which("openssl"):
        sys.exit("The pictures need Chromium and openssl. On Debian: apt-get install chromium openssl")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="saasmanager-pictures-") as folder, demo(Path(folder)) as (port, manage):
        flags = [f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{port}", "--disable-gpu", "--hide-scrollbars"]
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=flags)
            take_acme(browser)
            take_initech(browser, port, manage)
            browser.close()


@contextmanager
def demo(folder: Path) -> Iterator[tuple[int, Callable[..., str]]]:
    """A seeded server over TLS; yields its port and a way to run commands on its data."""
    environment = {
        **os.environ,
        "DEBUG": "on",
        "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}",
        "BASE_URL": BASE_URL,
        "ALLOWED_HOSTS": "",
        # Nothing stands between the browser and the server: TLS ends in it.
        "TRUSTED_PROXY_COUNT": "0",
        "SCIM_LOG_INTERVAL": "0.05",
        "LOG_LEVEL": "ERROR",
    }

    def manage(*arguments: str) -> str:
        done = subprocess.run([*MANAGE, *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    for preparation in (["migrate", "--verbosity", "0"], ["createcachetable"], ["seed_demo"]):
        manage(*preparation)
    port = postgres.free_port()
    *command, application = serve.server(host="127.0.0.1", port=port, workers=1)
    command += [*tls(folder), application]
    server = subprocess.Popen(command, cwd=serve.ROOT, env=environment)
    try:
        wait_for(port)
        yield port, manage
    finally:
        server.terminate()
        server.wait(20)


def tls(folder: Path) -> list[str]:
    """A certificate that nobody but this run's browser will ever see."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={HOST}"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return ["--ssl-keyfile", str(key), "--ssl-certificate", str(certificate)]


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


def take_acme(browser: Browser) -> None:
    """The demo's first company, whose identity provider has been at work for days."""
    page = signed_in(browser, "acme", "ada@acme.example", "ada-runs-the-demo")
    page.goto(f"{BASE_URL}/settings/users/")
    page.screenshot(path=PICTURES / "users.png")
    take(page, "#scim-activity", "latest-requests.png", height=640)


def take_initech(browser: Browser, port: int, manage: Callable[..., str]) -> None:
    """A company that sets SCIM up, step by step."""
    first, second = NEWCOMER["domains"]
    manage(
        *("create_organization", str(NEWCOMER["name"]), "--slug", str(NEWCOMER["slug"])),
        *("--domain-without-requests", first, "--domain-without-requests", second),
        *("--admin", str(NEWCOMER["admin"]), "--admin-password", str(NEWCOMER["password"])),
    )
    page = signed_in(browser, str(NEWCOMER["slug"]), str(NEWCOMER["admin"]), str(NEWCOMER["password"]))
    page.goto(f"{BASE_URL}/settings/organization/")
    page.get_by_role("switch", name=f"User requests for {first}").click()
    page.get_by_text(f"User requests are on for {first}.").wait_for()
    take(page, "#domains", "domains-allowed.png")

    page.goto(f"{BASE_URL}/settings/users/")
    page.get_by_role("button", name="Generate Token").click()
    token = page.get_by_label("Bearer token", exact=True)
    token.wait_for()
    take(page, "#scim", "scim-token.png")
    bearer_token = token.input_value()
    page.get_by_role("switch", name="Enable SCIM").click()
    page.get_by_text("Waiting for the first request").first.wait_for()

    page.reload()
    take(page, "#scim", "scim-waiting.png", height=220)
    ask_as_jumpcloud(port, bearer_token, f"test.user@{first}", f"test.user@{second}")
    page.reload()
    page.get_by_text("A request got through").wait_for()
    take(page, "#scim-activity", "scim-tested.png")


def ask_as_jumpcloud(port: int, bearer_token: str, welcome: str, unwelcome: str) -> None:
    """What pressing Test Connection and Activate sends, once with a test user whose domain has no checkmark."""
    headers = {
        "Host": HOST,
        "Authorization": f"Bearer {bearer_token}",
        "Content-Type": "application/scim+json",
        "User-Agent": "JumpCloud SCIM",
    }
    unchecked = ssl._create_unverified_context()  # noqa: S323  (the certificate is ours, and a minute old)
    base = f"/scim/{NEWCOMER['slug']}/v2/Users"

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


def signed_in(browser: Browser, slug: str, address: str, password: str) -> Page:
    context = browser.new_context(viewport=SIZE, ignore_https_errors=True, locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{BASE_URL}/sign-in/{slug}/")
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{BASE_URL}/settings/**")
    return page


def take(page: Page, section: str, name: str, *, height: float | None = None) -> None:
    """A section as it stands, or only its upper part."""
    # In a window as high as the page nothing can scroll away between measuring and taking.
    page.set_viewport_size({**SIZE, "height": page.evaluate("document.documentElement.scrollHeight")})
    box = page.locator(section).bounding_box()
    assert box is not None  # noqa: S101  (it was waited for)
    clip: FloatRect = {**box, "height": min(box["height"], height or box["height"])}
    page.screenshot(path=PICTURES / name, clip=clip, animations="disabled")
    page.set_viewport_size(SIZE)


if __name__ == "__main__":
    main()
