"""What takes the pictures starts the server that customers have, behind TLS."""

import http.client
import shutil
import ssl
from pathlib import Path

import pytest

from scripts import postgres, screenshots


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is missing")
def test_the_demo_for_pictures_is_served_over_https(tmp_path: Path) -> None:
    port = postgres.free_port()
    unchecked = ssl._create_unverified_context()  # noqa: S323
    with screenshots.demo_over_https(tmp_path, port) as running:
        assert running.port == port
        client = http.client.HTTPSConnection("127.0.0.1", port, context=unchecked, timeout=30)
        try:
            for path, expected in (("/livez", 200), ("/sign-in/", 200), ("/settings/users/", 302)):
                client.request("GET", path, headers={"Host": screenshots.HOST})
                answer = client.getresponse()
                html = answer.read().decode()
                assert answer.status == expected, (path, answer.status, answer.getheader("Location"))
                # Over plain HTTP the server would send it to https, for ever.
                assert not (answer.getheader("Location") or "").startswith(f"https://{screenshots.HOST}{path}")
            client.request("GET", "/sign-in/", headers={"Host": screenshots.HOST})
            cookies = client.getresponse().getheader("Set-Cookie") or ""
            assert "Secure" in cookies, html
        finally:
            client.close()
