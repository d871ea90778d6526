"""What a page reads of a form before it knows who sends it is bounded, whatever the form calls itself."""

from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

MOST = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
FORM = "multipart/form-data; boundary=x"


class Counted(BytesIO):
    """A body that knows how much of it was taken."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


def parts(size: int, header: str) -> bytes:
    return f"--x\r\nContent-Disposition: form-data; {header}\r\n\r\n{'a' * size}\r\n--x--\r\n".encode()


def post(body: Counted, content_type: str) -> Any:
    length = str(len(body.getbuffer()))
    http = Client(enforce_csrf_checks=True)
    # Without this cookie a form is refused unread.
    http.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    return http.generic(
        "POST", "/sign-in/", CONTENT_TYPE=content_type, **{"wsgi.input": body, "CONTENT_LENGTH": length}
    )


@pytest.mark.django_db
@pytest.mark.parametrize("content_type", [FORM, "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("header", ['name="f"; filename="f.bin"', 'name="f"'])
def test_no_byte_of_a_form_that_is_too_large_is_read(content_type: str, header: str) -> None:
    body = Counted(parts(MOST, header))
    answer = post(body, content_type)
    assert (answer.status_code, body.taken) == (413, 0)


def test_a_file_is_passed_over_and_the_fields_beside_it_are_read() -> None:
    body = parts(1000, 'name="f"; filename="f.bin"').removesuffix(b"--\r\n") + b"\r\n" + parts(3, 'name="login"')[5:]
    request = RequestFactory().generic("POST", "/", body, content_type=FORM)
    assert request.POST["login"] == "aaa"
    assert not request.FILES
