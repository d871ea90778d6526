"""Secrets under the names and in the shapes that clients use are masked in every place; what is innocent stays."""

import json
from urllib.parse import quote, urlencode

import pytest

from provisioning.services.request_log.masking import Masking

SECRET = "hunter2~Zq9"
NAMES = ["ssn", "apiKey", "nationalId", "pin", "otp"]

ANYWHERE = [
    "password", "Password", "newPassword", "userPwd", "userpwd", "pwd", "passwd", "passcode", "passwort", "Kennwort",
    "passphrase", "motDePasse", "wachtwoord", "pass", "smtp_pass", "userPass", "secret", "client_secret",
    "clientSecret", "sharedSecret", "token", "access_token", "refresh_token", "id_token", "authToken", "csrfToken",
    "auth", "authorization", "authorizationCode", "credential", "credentials", "apikey", "apiKey", "api-key", "API_KEY",
    "accessKey", "AccountKey", "private_key", "privateKey", "signing-key", "encryptionKey", "subscriptionKey",
    "masterKey", "jwt", "assertion", "client_assertion", "SAMLResponse", "signature", "otp", "totp", "userOtp", "pin",
    "cardPin", "PIN", "cookie", "session_id", "JSESSIONID", "cvv", "ssn", "nationalId", "national_id", "paſſword",
    "ｐａｓｓｗｏｒｄ", "пароль", "mdp", "clave", "userpass", "authcode",
]  # fmt: skip
PARAMETERS = [*ANYWHERE, "key", "sig", "sas", "code", "subscription-key", "functions.key",
    "bearer", "oauth", "hmac", "session", "sid", "refresh",
]  # fmt: skip
HEADERS = [
    *(name for name in PARAMETERS if name.isascii()), "X-Auth", "X-Key", "X-Api-Key", "X-Vault-Token", "X-Auth-Token",
    "Authentication", "X-Authentication", "X-Bearer", "X-Session", "DPoP", "X-Forwarded-Client-Cert",
    "Ocp-Apim-Subscription-Key", "Proxy-Authorization", "Set-Cookie", "X-Amz-Security-Token", "X-Hub-Signature-256",
]  # fmt: skip
SHAPES = [
    f"smgr_{SECRET[:7]}abcdef", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", f"Bearer {SECRET}", "Basic YWRhOmh1bnRlcjI=",
    f"ghp_{SECRET[:7]}abcdefghijk", f"sk_live_{SECRET[:7]}abcdefghijk", f"xoxb-1234-{SECRET[:7]}",
    f"https://ada:{SECRET}@idp.example/x", f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
]  # fmt: skip
LEAKS = (SECRET, "hunter2", "eyJzdWIi", "YWRhOmh1")


def no_leak(shown: object) -> None:
    text = json.dumps(shown, ensure_ascii=False)
    assert not [leak for leak in LEAKS if leak in text], text


@pytest.mark.parametrize("name", ANYWHERE)
@pytest.mark.parametrize(
    "body",
    [
        lambda name: {name: SECRET},
        lambda name: {"x": [{name: {"y": [SECRET]}}]},
        lambda name: {"Operations": [{"op": "add", "path": name, "value": SECRET}]},
        lambda name: {"Operations": [{"op": "remove", "path": f'emails[{name} eq "{SECRET}"].value'}]},
        lambda name: {"Operations": [{"method": "POST", "path": "/Users", "data": {name: SECRET}}]},
        lambda name: {"Operations": [{"method": "GET", "path": f"/Users?{urlencode({name: SECRET})}"}]},
        lambda name: {"key": name, "content": SECRET},
        lambda name: {"name": name, "value": SECRET},
        lambda name: {"title": name, "value": SECRET},
        lambda name: {"type": name, "content": SECRET},
        lambda name: {"content": SECRET, "attributeName": name},
        lambda name: {"x": json.dumps({name: SECRET})},
        lambda name: {"x": f"see {json.dumps({'content': SECRET, 'key': name})}"},
        lambda name: {"filter": f'userName eq "a" and {name} eq "{SECRET}"'},
        lambda name: {"title": f"{name}={SECRET}"},
        lambda name: {"title": f"{name}: {SECRET}"},
        lambda name: {name: SECRET, "detail": f"What is {SECRET}?"},
    ],
    ids=range(17),
)
def test_a_secret_in_a_body_is_masked_by_its_name(name: str, body: object) -> None:
    no_leak(Masking(NAMES).request([], "", json.dumps(body(name)).encode())[2])  # type: ignore[operator]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_secret_in_a_query_or_a_form_is_masked_by_its_name(name: str) -> None:
    for query in (urlencode({"count": 1, name: SECRET}), quote(urlencode({name: SECRET})), f"{name}={SECRET}"):
        no_leak(Masking(NAMES).query(query))
        no_leak(Masking(NAMES).body(query.encode()))
        no_leak(Masking(NAMES).headers([("Referer", f"https://x.example/?{query}")]))
    no_leak(Masking(NAMES).query(f"{'x=1&' * 10_000}{name}={SECRET}"))
    no_leak(Masking(NAMES).query(f"x={SECRET}&{'x=1&' * 10_000}{name}={SECRET}"))


@pytest.mark.parametrize("name", HEADERS)
def test_a_secret_in_a_header_is_masked_by_its_name(name: str) -> None:
    no_leak(Masking(NAMES).headers([(name, SECRET)]))


@pytest.mark.parametrize("secret", SHAPES)
def test_what_looks_like_a_secret_is_masked_wherever_it_is(secret: str) -> None:
    no_leak(Masking(NAMES).query(urlencode({"x": secret})))
    no_leak(Masking(NAMES).query(urlencode({"filter": f'title eq "{secret}"'})))
    no_leak(Masking(NAMES).headers([("User-Agent", f"curl {secret}")]))
    no_leak(Masking(NAMES).body(json.dumps({"title": secret}).encode()))
    no_leak(Masking(NAMES).text(f"/scim/acme/v2/Users/{secret}"))


@pytest.mark.parametrize("length", range(20, 90))
def test_no_cut_shows_what_the_whole_would_mask(length: int) -> None:
    for text in (
        f'{{"content": "{SECRET}", "and so on": "and so on", "key": "password"}}',
        quote(f'{{"content": "{SECRET}", "key": "password"}}'),
        f"https://ada:{SECRET}@idp.example/and/so/on/and/so/on/and/so/on/and/so/on/and/so/on",
        f"the password is here, password: {SECRET} and so on and so on and so on and so on",
    ):
        shown = Masking(NAMES).text(text, length)
        assert SECRET[:4] not in shown


INNOCENT = {
    "externalId": "65a1f0c2b3d4e5f601234567",
    "keyword": "pinto",
    "passport": "yes",
    "countryCode": "DE",
    "postalCode": "80027",
    "x509Certificates": [{"value": "MIIDQzCC"}],
    "members": [{"value": "2819c223", "display": "Authors"}],
    "displayName": "Key Account Manager",
    "title": "Secretary: to the board",
    "department": "SAS: Analytics",
    "nickName": "Pin Up",
    "compass": "north",
    "authority": "none",
    "key": "department",
    "code": "A1",
    "costCenter": "shipping: 4711",
    "profileUrl": "https://acme.example:8080/ada?tab=work",
    "timezone": "Europe/Zurich",
    "userType": "Basic user",
    "session": "morning",
    "authenticationType": "saml",
    "titles": [{"title": "Engineer", "value": "7"}],
}


def test_what_is_innocent_stays_as_it_is() -> None:
    assert json.loads(Masking(NAMES).body(json.dumps(INNOCENT).encode()) or "") == INNOCENT
    pair = {"key": "department", "value": "IT"}
    assert json.loads(Masking(NAMES).body(json.dumps(pair).encode()) or "") == pair
    for query in (
        "filter=userName%20eq%20%22ada%40acme.example%22&startIndex=1&count=100",
        "filter=externalId+eq+%22key%22&attributes=displayName,x509Certificates",
        "countryCode=DE&postalCode=80027&keyword=x&passport=y",
    ):
        assert Masking(NAMES).query(query) == query
    headers = [("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Okta/1.0"), ("Accept", "*/*"), ("Author", "Ada")]
    assert list(Masking(NAMES).headers(headers)) == headers
