"""The users of the bench: core and enterprise attributes, about 1.1 KB each."""

from typing import Any

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK_DOMAIN, HOME_DOMAIN = "bench.example", "home.bench.example"

GIVEN = ("Ada", "Bruno", "Carla", "Dana", "Emeka", "Farah", "Gustav", "Hana", "Inês", "Jonas", "Kirra", "Liam", "Mei")
FAMILY = ("Moreau", "Castelli", "Nyström", "Okafor", "Adeyemi", "Haddad", "Lindqvist", "Sato", "Carvalho", "Weiß")
TITLES = ("Software engineer", "Account executive", "Product designer", "Support engineer", "Controller")
DEPARTMENTS = ("Platform", "Sales", "Design", "Support", "Finance", "People", "Legal")


def person(number: int, group: str = "p") -> dict[str, Any]:
    """The resource of one person; ``group`` keeps those that a run adds apart from those it begins with."""
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number % len(FAMILY)]
    login = f"{group}{number}"
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": f"00u{group}{number:017}",
        "userName": f"{login}@{WORK_DOMAIN}",
        "name": {"formatted": f"{given} {family}", "familyName": family, "givenName": given},
        "displayName": f"{given} {family}",
        "title": TITLES[number % len(TITLES)],
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Denver",
        "active": True,
        "emails": [
            {"value": f"{login}@{WORK_DOMAIN}", "type": "work", "primary": True},
            {"value": f"{login}@{HOME_DOMAIN}", "type": "home"},
        ],
        "phoneNumbers": [{"value": f"+1-555-{number % 10_000_000:07}", "type": "work"}],
        "addresses": [
            {
                "streetAddress": f"{number % 900 + 1} Main Street",
                "locality": "Boulder",
                "region": "CO",
                "postalCode": "80301",
                "country": "US",
                "type": "work",
            }
        ],
        ENTERPRISE: {
            "employeeNumber": f"{number:07}",
            "costCenter": f"CC-{number % 20:03}",
            "division": "Northern hemisphere",
            "department": DEPARTMENTS[number % len(DEPARTMENTS)],
        },
    }
