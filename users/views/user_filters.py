"""Lists of users: filters, order and paging; every page costs the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django import forms
from django.db.models import CharField, Func, Q, QuerySet, TextChoices, Value
from django.db.models.functions import StrIndex, Substr
from django.http import QueryDict
from django.utils import timezone

from core.parsing import number_of
from core.search_keys import sought
from domains.models import Domain
from users.models import NAME_SORTED, Role, Source, User

# The section of the list.
PEOPLE_KEY = "users"

PER_PAGE = 25

# What the list is asked for; the rest of a query says where in it somebody is.
ASKED = ("q", "role", "status", "source", "domain", "sort")

# Beyond so many, how many fit is not counted: that would take longer than to show them.
COUNTED = 1000

LONGEST_PLACE = 2000

# Who was invited has no account, and is listed by users.views.invitations.
INVITED = "invited"
RESET_BLOCKED = "reset-blocked"
STATUSES = {"active": Q(is_active=True), "suspended": Q(is_active=False), INVITED: Q(pk=None)}

# The domain of a userName, which is an e-mail address.
DOMAIN = Substr("user_name_key", StrIndex("user_name_key", Value("@")) + 1)


class SortedName(Func):
    """The beginning of the names by which they are sorted, worded as in its index.

    The length stands in the statement itself: SQLite does not know the index by an expression with a parameter in it.
    """

    function = "LEFT"
    template = f"%(function)s(%(expressions)s, {NAME_SORTED})"
    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The spelling of a database without LEFT."""
        template = f"%(function)s(%(expressions)s, 1, {NAME_SORTED})"
        return self.as_sql(compiler, connection, function="SUBSTR", template=template, **context)


class Sort(TextChoices):
    """The orders of the list; each is that of an index."""

    ADDRESS = "address", "By user name"
    NAME = "name", "By name"
    NEWEST = "newest", "Newest first"
    OLDEST = "oldest", "Oldest first"


@dataclass(frozen=True, slots=True)
class UserOrder:
    """Columns in whose order a list stands; together they are different for everybody."""

    keys: tuple[str, ...]
    descending: bool = False

    def of(self, people: QuerySet[User], *, backwards: bool = False) -> QuerySet[User]:
        """The people in this order, or in the opposite one."""
        sign = "-" if self.descending != backwards else ""
        return people.alias(sorted_name=SortedName("name_key")).order_by(*(f"{sign}{key}" for key in self.keys))

    def beyond(self, place: Place, *, backwards: bool = False) -> Q:
        """The condition on who comes after a place, or before it."""
        way = "lt" if self.descending != backwards else "gt"
        first, *rest = zip(self.keys, place.values, strict=True)
        ahead = Q((f"{first[0]}__{way}", first[1]))
        if not rest:
            return ahead
        # The first column is said again by itself, so that the index is entered at the place.
        ((key, value),) = rest
        return Q((f"{first[0]}__{way}e", first[1])) & (ahead | Q(first, (f"{key}__{way}", value)))


ORDERS: Mapping[Sort, UserOrder] = {
    Sort.ADDRESS: UserOrder(("user_name_key",)),
    Sort.NAME: UserOrder(("sorted_name", "id")),
    Sort.NEWEST: UserOrder(("id",), descending=True),
    Sort.OLDEST: UserOrder(("id",)),
}
READERS: Mapping[str, Callable[[User], Any]] = {
    "user_name_key": lambda user: user.user_name_key,
    "sorted_name": lambda user: user.name_key[:NAME_SORTED],
    "id": lambda user: user.pk,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an order somebody stands; it is still there when that person has gone."""

    values: tuple[Any, ...]

    @classmethod
    def at(cls, user: User, order: UserOrder) -> Self:
        """Where that person stands."""
        return cls(tuple(READERS[key](user) for key in order.keys))

    @classmethod
    def read(cls, text: str, order: UserOrder) -> Self | None:
        """The place that an address names; None where it makes no sense in this order."""
        try:
            values = json.loads(base64.urlsafe_b64decode(text[:LONGEST_PLACE].encode() + b"=="))
            if not isinstance(values, list) or len(values) != len(order.keys):
                return None
            return cls(tuple(_value(key, value) for key, value in zip(order.keys, values, strict=True)))
        except (ValueError, RecursionError):
            return None

    def __str__(self) -> str:
        text = json.dumps([str(value) for value in self.values])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _value(key: str, value: object) -> UUID | str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(value)
    value.encode()
    return UUID(value) if key == "id" else value


class PeopleForm(forms.Form):
    """What the list of people is narrowed to; a value that makes no sense narrows nothing."""

    q = forms.CharField(label="Search", required=False, max_length=254)
    role = forms.ModelChoiceField(Role.objects.none(), required=False, empty_label="All roles")
    status = forms.ChoiceField(
        choices=[
            ("", "All statuses"),
            ("active", "Active"),
            ("suspended", "Suspended"),
            (INVITED, "Invited"),
            (RESET_BLOCKED, "Password reset blocked"),
        ],
        required=False,
        label="Status",
    )
    source = forms.ChoiceField(choices=[("", "All sources"), *Source.choices], required=False, label="Source")
    domain = forms.ChoiceField(required=False, label="Domain")
    sort = forms.ChoiceField(choices=Sort.choices, required=False, label="Sort")

    def __init__(self, data: Any, *, organization_id: UUID) -> None:
        super().__init__(data, auto_id="people-%s")
        names = Domain.objects.of(organization_id).order_by("name").values_list("name", flat=True)
        self.fields["role"].queryset = Role.objects.of(organization_id)  # type: ignore[attr-defined]
        self.fields["domain"].choices = [("", "All domains"), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.is_valid()

    @property
    def given(self) -> dict[str, Any]:
        """The values that make sense."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether only some of the people are asked for."""
        return bool(self.given.keys() - {"sort"})

    @property
    def asks_for_invited(self) -> bool:
        """Whether those are asked for who were invited and have not come yet."""
        return self.given.get("status") == INVITED

    @property
    def order(self) -> UserOrder:
        """The order asked for."""
        return ORDERS[Sort(self.given.get("sort", Sort.ADDRESS))]

    def narrow(self, people: QuerySet[User]) -> QuerySet[User]:
        """The people who fit every value given."""
        given = self.given
        if text := given.get("q"):
            people = people.filter(named(text))
        if status := given.get("status"):
            people = people.filter(_has_status(status))
        if domain := given.get("domain"):
            people = people.alias(domain=DOMAIN).filter(domain=domain)
        return people.filter(**{name: given[name] for name in ("role", "source") if name in given})


def _has_status(status: str) -> Q:
    if status == RESET_BLOCKED:
        return Q(password_reset_blocked_until__gt=timezone.now())
    return STATUSES[status]


def named(text: str) -> Q:
    """The condition on those whose name, userName or address has the text in it, as people spell it."""
    return sought(text, "search_key")


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list. ``first`` counts from 1; ``before`` and ``after`` are queries, empty where nobody is."""

    people: list[User]
    first: int
    before: str
    after: str

    @property
    def last(self) -> int:
        """The position of the last person shown."""
        return self.first + len(self.people) - 1


def list_page(found: QuerySet[User], order: UserOrder, query: QueryDict) -> ListPage:
    """The page of the people found that a query asks for; the first one where its place makes no sense."""
    asked = asked_of(query)
    backwards = "before" in query
    place = Place.read(query.get("before" if backwards else "after", ""), order)
    number = _number(query.get("page", "")) if place else 1
    if place and not (backwards and number == 1):
        ordered = order.of(found, backwards=backwards).filter(order.beyond(place, backwards=backwards))
        rows = list(ordered[: PER_PAGE + 1])
        if rows and not (backwards and len(rows) < PER_PAGE):
            people = rows[:PER_PAGE][:: -1 if backwards else 1]
            more = backwards or len(rows) > PER_PAGE
            return _list_page(people, number, order, asked, more=more)
    rows = list(order.of(found)[: PER_PAGE + 1])
    return _list_page(rows[:PER_PAGE], 1, order, asked, more=len(rows) > PER_PAGE)


def asked_of(query: QueryDict) -> QueryDict:
    """What a query asks the list for, without where in it somebody is."""
    asked = QueryDict(mutable=True)
    for name in ASKED:
        if value := query.get(name):
            asked[name] = value
    return asked


def how_many(found: QuerySet[User], shown: ListPage) -> str:
    """How many people were found, in words; they are counted only if the page shown is not all of them."""
    if shown.first == 1 and not shown.after:
        return f"{len(shown.people)}"
    counted = found.order_by()[: COUNTED + 1].count()
    return f"more than {COUNTED:,}" if counted > COUNTED else f"{counted:,}"


def _list_page(people: list[User], number: int, order: UserOrder, asked: QueryDict, *, more: bool) -> ListPage:
    def beside(name: str, user: User, page: int) -> str:
        query = asked.copy()
        query.update({name: str(Place.at(user, order)), "page": str(page)})
        return query.urlencode()

    return ListPage(
        people,
        (number - 1) * PER_PAGE + 1,
        beside("before", people[0], number - 1) if people and number > 1 else "",
        beside("after", people[-1], number + 1) if people and more else "",
    )


def _number(text: str) -> int:
    # It only says what is written below the list, so that it can be wrong by who came and went meanwhile.
    return max(number_of(text, 6) or 1, 1)
