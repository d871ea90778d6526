"""The endpoints of SCIM under /scim/SLUG/v2; spare slashes are tolerated (RFC 7644 section 3.2).

Without the version the latest one is meant, which is v2 (section 3.13).
"""

from django.urls import URLPattern, re_path

from scim.api import bulk, discovery, groups, users
from scim.api.base import ScimView

# No id begins with a dot, which is for ".search".
ID = r"(?P<user_id>(?!\.)[^/]+)"


def endpoint(route: str, view: type[ScimView]) -> URLPattern:
    """A path in which every slash may be doubled, and slashes may follow."""
    pattern = f"scim/(?P<slug>[^/]+)(?:/v2)?{route}".replace("/", "/+").replace("[^/+]", "[^/]")
    return re_path(rf"^/*{pattern}/*\Z", view.as_view())


# What is asked for most comes first.
urlpatterns = [
    endpoint(f"/Users/{ID}", users.UserView),
    endpoint("/Users", users.UsersView),
    endpoint(r"/Users/\.search", users.SearchUsersView),
    endpoint(r"/\.search", users.SearchView),
    endpoint("/Me", users.MeView),
    endpoint("/Groups", groups.GroupsView),
    endpoint(r"/Groups/\.search", groups.GroupSearchView),
    endpoint("/Groups/(?P<group_id>[^/]+)", groups.GroupView),
    endpoint("/Bulk", bulk.BulkView),
    endpoint("/ServiceProviderConfig", discovery.ServiceProviderConfigView),
    endpoint("/ResourceTypes", discovery.ResourceTypesView),
    endpoint("/ResourceTypes/(?P<name>[^/]+)", discovery.ResourceTypeView),
    endpoint("/Schemas", discovery.SchemasView),
    endpoint("/Schemas/(?P<urn>[^/]+)", discovery.SchemaView),
    re_path(r"^/*scim/+(?P<slug>[^/]+)[\s\S]*\Z", discovery.NowhereView.as_view()),
    re_path(r"^/*scim(?:/[\s\S]*)?\Z", discovery.NowhereView.as_view()),
]
