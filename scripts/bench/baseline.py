"""The bare baseline: find the stored text by an index, and send it.

A Django application without middleware, tokens, validation, log or audit, on the same database through the same kind of
connection. Its bodies are those that the real server sends, or as large.
"""

import re
import uuid
from typing import Any

import orjson
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from saasmanager.settings import DATABASES

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"], DATABASES=DATABASES, MIDDLEWARE=[], ROOT_URLCONF=__name__, USE_TZ=True
    )

MEDIA_TYPE = "application/scim+json"
LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

# One organization's rows in a table for many, as in any such server.
BY_ID = "SELECT document FROM bench_user WHERE id = %s AND organization = 1"
BY_NAME = "SELECT document FROM bench_user WHERE organization = 1 AND user_name = %s"
BY_EMAIL = (
    "SELECT u.document FROM bench_email e JOIN bench_user u ON u.id = e.user_id"
    " WHERE e.organization = 1 AND e.type = %s AND e.address = %s"
)
PAGE = "SELECT document FROM bench_user WHERE organization = 1 ORDER BY id LIMIT %s"
WALK = "SELECT document, id FROM bench_user WHERE organization = 1 AND id > %s ORDER BY id LIMIT %s"
COUNT = "SELECT COUNT(*) FROM bench_user WHERE organization = 1"
INSERT = "INSERT INTO bench_user (id, organization, user_name, document) VALUES (%s, 1, %s, %s)"
UPDATE = (
    "UPDATE bench_user SET document = replace(document, %s, %s) WHERE id = %s AND organization = 1 RETURNING document"
)

NAME_IS = re.compile(r'userName eq "([^"]*)"')
EMAIL_IS = re.compile(r'emails\[type eq "([^"]*)" and value eq "([^"]*)"\]')

_total: list[int] = []


def user(request: HttpRequest, user_id: uuid.UUID) -> HttpResponse:
    """GET and PATCH of `active`."""
    with connection.cursor() as cursor:
        if request.method == "PATCH":
            active = orjson.loads(request.body)["Operations"][0]["value"]
            before, after = ('"active":true', '"active":false')[:: -1 if active else 1]
            cursor.execute(UPDATE, [before, after, key(user_id)])
        else:
            cursor.execute(BY_ID, [key(user_id)])
        (document,) = cursor.fetchone()
    return answer(document.encode())


def users(request: HttpRequest) -> HttpResponse:
    """GET of a list, found or walked through; POST."""
    if request.method == "POST":
        row = stored(orjson.loads(request.body), request)
        with connection.cursor() as cursor:
            cursor.execute(INSERT, row)
        return answer(row[2].encode(), 201)
    condition, cursor_text = request.GET.get("filter"), request.GET.get("cursor")
    count = int(request.GET.get("count", 100))
    if condition is not None:
        return found(condition)
    if cursor_text is not None:
        return walked(cursor_text, count)
    with connection.cursor() as cursor:
        if not _total:
            cursor.execute(COUNT)
            _total.append(cursor.fetchone()[0])
        cursor.execute(PAGE, [count])
        documents = [document for (document,) in cursor.fetchall()]
    return listed(documents, f'"totalResults":{_total[0]},"startIndex":1,')


def found(condition: str) -> HttpResponse:
    """Who has that userName or e-mail address."""
    by_name = NAME_IS.fullmatch(condition)
    by_email = by_name or EMAIL_IS.fullmatch(condition)
    assert by_email is not None  # noqa: S101  (the bench asks nothing else)
    with connection.cursor() as cursor:
        cursor.execute(BY_NAME if by_name else BY_EMAIL, by_email.groups())
        documents = [document for (document,) in cursor.fetchall()]
    return listed(documents, f'"totalResults":{len(documents)},"startIndex":1,')


def walked(cursor_text: str, count: int) -> HttpResponse:
    """The page after an id."""
    with connection.cursor() as cursor:
        cursor.execute(WALK, [key(uuid.UUID(cursor_text or "0" * 32)), count])
        rows = cursor.fetchall()
    following = f'"nextCursor":"{rows[-1][1]}",' if len(rows) == count else ""
    return listed([document for document, _id in rows], following)


def bulk(request: HttpRequest) -> HttpResponse:
    """Creates only, in one statement and one transaction."""
    operations = orjson.loads(request.body)["Operations"]
    rows = [stored(operation["data"], request) for operation in operations]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)
    results = [
        {
            "method": "POST",
            "bulkId": operation["bulkId"],
            "location": request.build_absolute_uri(f"Users/{row[0]}"),
            "status": "201",
        }
        for operation, row in zip(operations, rows, strict=True)
    ]
    return answer(orjson.dumps({"schemas": [BULK_SCHEMA], "Operations": results}))


def stored(resource: dict[str, Any], request: HttpRequest) -> tuple[uuid.UUID | str, str, str]:
    """A new user's row: id, name, document."""
    user_id = uuid.uuid4()
    resource["id"] = str(user_id)
    resource["meta"] = {"resourceType": "User", "location": request.build_absolute_uri(f"Users/{user_id}")}
    return key(user_id), resource["userName"], orjson.dumps(resource).decode()


def listed(documents: list[str], place: str) -> HttpResponse:
    head = f'{{"schemas":["{LIST_SCHEMA}"],{place}"itemsPerPage":{len(documents)},"Resources":['
    return answer(f"{head}{','.join(documents)}]}}".encode())


def answer(body: bytes, status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE, headers={"Content-Length": str(len(body))})


def key(user_id: uuid.UUID) -> uuid.UUID | str:
    return user_id if connection.features.has_native_uuid_field else user_id.hex


urlpatterns = [
    path("scim/bench/v2/Users/<uuid:user_id>", user),
    path("scim/bench/v2/Users", users),
    path("scim/bench/v2/Bulk", bulk),
]
application = get_wsgi_application()
