"""The way to every page of the product: walked over the demo for its pictures and quality tests.

A new page needs one line in WALKS. ``view`` is the name of its address; tests hold the table to the resolver.
"""

from collections.abc import Sequence

from scripts.walking import (
    ADA,
    DANA,
    GWEN,
    OPERATOR,
    Choose,
    Fill,
    FirstRow,
    FollowTheMail,
    Look,
    Press,
    Step,
    Tick,
    Unfold,
    Walk,
)

KEY_PAGE = (Look.LIGHT, Look.DARK, Look.NARROW)

ASKING: Sequence[Step] = (
    *(Fill("Your name", "Nora Lindgren"), Fill("E-mail address", "{new_user}@acme.example")),
    Press("button", "Ask for an account"),
)
MAKING: Sequence[Step] = (
    *(Fill("Name", "{new_user}.example"), Fill("Slug", "{new_user}"), Fill("First Admin", "it@{new_user}.example")),
    Press("button", "Create organization"),
)

# The lists of the operators' admin beside organizations: picture, title, view, address, looks, the way from there.
OPERATED: Sequence[tuple[str, str, str, str, Sequence[Look], Sequence[Step]]] = (
    ("domain", "domain", "domains_domain", "/admin/domains/domain/", (Look.LIGHT,), ()),
    ("connection", "connection", "provisioning_connection", "/admin/provisioning/connection/", (Look.LIGHT,), ()),
    ("token", "token", "provisioning_token", "/admin/provisioning/token/", KEY_PAGE, ()),
    ("mail", "outgoing mail", "organizations_mail", "/admin/organizations/mail/", KEY_PAGE, ()),
    (
        *("access", "support access", "organizations_supportaccess", "/admin/organizations/organization/"),
        (Look.LIGHT,),
        (
            *(Press("link", "Globex"), Press("button", "Enter Globex"), Press("button", "Leave Globex")),
            *(Press("link", "Home"), Press("link", "Support access")),
        ),
    ),
    (
        *("event", "event of operators", "audit_auditevent", "/admin/organizations/organization/add/"),
        KEY_PAGE,
        (*MAKING, Press("link", "Home"), Press("link", "Audit events")),
    ),
)

WALKS: Sequence[Walk] = (
    # The way in and out
    Walk("sign-in-address", "Sign in: the address leads to the organization", "account_login", "/sign-in/", None),
    Walk("sign-in", "Sign in to an organization", "sign-in", "/sign-in/acme/", None, looks=KEY_PAGE),
    Walk("forgotten-password", "Forgotten password", "forgotten-password", "/sign-in/acme/password/", None),
    Walk(
        *(
            "password-mailed",
            "The way to a new password is mailed",
            "forgotten-password",
            "/sign-in/acme/password/",
            None,
        ),
        (Fill("E-mail address", "dana@acme.example"), Press("button", "Mail me a link")),
    ),
    Walk(
        *(
            "address-respelled",
            "A domain that DNS writes otherwise",
            "forgotten-password",
            "/sign-in/acme/password/",
            None,
        ),
        (Fill("E-mail address", "dana@straße.example"), Press("button", "Mail me a link")),
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("new-password", "A new password", "account_reset_password_from_key", "/sign-in/acme/password/", None),
        (
            *(Fill("E-mail address", "dana@acme.example"), Press("button", "Mail me a link")),
            FollowTheMail("dana@acme.example"),
        ),
    ),
    Walk(
        *("new-password-set", "The new password is set", "account_reset_password_from_key_done", "/new-password/set/"),
        None,
    ),
    Walk("suspended", "Who is suspended does not get in", "account_inactive", "/suspended/", None),
    Walk("prove-again", "The password once more before what matters", "account_reauthenticate", "/confirm/"),
    Walk("sign-out", "Signing out", "account_logout", "/sign-out/"),
    # Asking for an account
    Walk("sign-up-address", "Sign up: the address leads to the organization", "sign-up", "/sign-up/", None),
    Walk("sign-up", "Sign up in an organization", "sign-up-in", "/sign-in/acme/sign-up/", None, looks=KEY_PAGE),
    Walk("sign-up-mailed", "What comes next is mailed", "sign-up-in", "/sign-in/acme/sign-up/", None, ASKING),
    Walk(
        *("sign-up-confirm", "The link of the mail proves the address", "confirm-request", "/sign-in/acme/sign-up/"),
        None,
        (*ASKING, FollowTheMail("{new_user}@acme.example")),
    ),
    Walk(
        *("sign-up-confirmed", "The request is with the Admins", "confirm-request", "/sign-in/acme/sign-up/", None),
        (*ASKING, FollowTheMail("{new_user}@acme.example"), Press("button", "Confirm my address")),
    ),
    # Settings > Users
    Walk("users", "Settings > Users", "settings:users", "/settings/users/", looks=KEY_PAGE, height=860),
    Walk(
        "users-nobody-fits", "A search that nobody fits", "settings:users", "/settings/users/?q=zzz", section="#users"
    ),
    Walk(
        *("user-requests", "Who asks for an account", "settings:users", "/settings/users/"),
        section="#user-requests",
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("approve-as-admin", "Before somebody becomes an Admin", "settings:approve-requests", "/settings/users/", ADA),
        (
            *(Tick("Tick rosalind@acme.example"), Choose("Role for those who are approved", "Admin")),
            Press("button", "Approve"),
        ),
    ),
    Walk(
        *("decline", "Before somebody is declined", "settings:decline-requests", "/settings/users/", ADA),
        (Tick("Tick samuel@acme.example"), Press("button", "Decline…")),
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("request-notices", "Who is mailed about requests", "settings:users", "/settings/users/"),
        section="#account-request-notifications",
    ),
    Walk("default-role", "The default role", "settings:users", "/settings/users/", section="#default-role"),
    Walk("roles", "What each role may do", "settings:users", "/settings/users/", section="#roles"),
    Walk(
        *("role", "What one role may do", "settings:role", "/settings/users/", ADA),
        (Press("link", "Domain manager"),),
    ),
    Walk(
        *("role-own", "A role of one's own, with people", "settings:role", "/settings/users/", ADA),
        (Press("link", "Service desk"),),
        looks=KEY_PAGE,
    ),
    Walk(
        *("role-deletion", "Before a role is deleted", "settings:delete-role", "/settings/users/", ADA),
        (Press("link", "Service desk"), Press("button", "Delete Service desk…")),
    ),
    Walk("new-role", "A role of one's own", "settings:new-role", "/settings/users/roles/new/", looks=KEY_PAGE),
    Walk(
        *("address-box", "Would this address be accepted?", "settings:users"),
        "/settings/users/?accepted=test.user@elsewhere.example",
        section="#scim-address",
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("test-this-set-up", "Test this set-up", "settings:users", "/settings/users/"),
        section="#scim-test",
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("test", "A test of the set-up, and what mends it", "settings:scim-test-run", "/settings/users/", ADA),
        (Press("link", "JumpCloud with scim.test@acme-partners.example"),),
        looks=KEY_PAGE,
    ),
    Walk(
        *("address-accepted", "An address that SCIM would create", "settings:users"),
        "/settings/users/?accepted=test.user%40acme.example",
        section="#scim-address",
    ),
    Walk(
        *("request-log", "The request log", "settings:request-log", "/settings/users/scim/log/"),
        looks=KEY_PAGE,
    ),
    Walk(
        *("limits", "Who was limited", "settings:scim-limits", "/settings/users/scim/limits/"),
        looks=KEY_PAGE,
    ),
    Walk(
        *("request", "One request, and what mends it", "settings:logged-request"),
        *("/settings/users/scim/log/?status=refused", ADA, (FirstRow(),)),
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("request-changes", "A request, and what it changed", "settings:logged-request"),
        *("/settings/users/scim/log/?q=/Bulk", ADA, (FirstRow(),)),
        looks=KEY_PAGE,
    ),
    Walk(
        *("undo", "Before a change is undone", "settings:undo", "/settings/users/scim/log/?q=/Bulk", ADA),
        (FirstRow(), FirstRow("history")),
        looks=KEY_PAGE,
    ),
    Walk(
        *("undo-all", "Before all of a request is undone", "settings:undo-request"),
        *("/settings/users/scim/log/?q=/Bulk", ADA, (FirstRow(), Press("link", "Undo all…"))),
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("undo-removal", "Before a removed person is brought back", "settings:undo"),
        *("/settings/audit-log/?action=user.deleted", ADA, (FirstRow(),)),
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("brake", "The mass-change brake", "settings:scim-brake", "/settings/users/", ADA),
        (Press("link", "Who has gone lately"),),
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("request-mending", "Before a request is mended", "settings:logged-request"),
        *("/settings/users/scim/log/?cause=domain-without-user-requests", ADA),
        (
            Press("link", "Allow acme-partners.example for User requests…"),
            Unfold("Allow acme-partners.example for User requests…"),
        ),
        section="#fix",
    ),
    Walk(
        *("single-sign-on", "Settings > Users > Single Sign-On (SSO)", "settings:users", "/settings/users/"),
        section="#single-sign-on",
        looks=KEY_PAGE,
    ),
    Walk(
        *("role-rules", "Role rules", "settings:role-rules", "/settings/users/scim/role-rules/"),
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk(
        *("role-rules-preview", "Who would change, before role rules are saved", "settings:change-role-rules"),
        *("/settings/users/scim/role-rules/", ADA),
        (
            *(Choose("Where", "department"), Fill("Value", "Platform"), Choose("Role", "IT")),
            Press("button", "Preview"),
        ),
        looks=KEY_PAGE,
    ),
    Walk(
        *("latest-requests", "What the identity provider asked for lately", "settings:users", "/settings/users/"),
        section="#scim-activity",
        height=640,
    ),
    Walk(
        *("person", "One person", "settings:person", "/settings/users/?q=hana", ADA),
        (Press("link", "Hana Sato"),),
        looks=KEY_PAGE,
    ),
    Walk(
        *("person-removal", "Before somebody is removed", "settings:change-users", "/settings/users/?q=hana", ADA),
        (Press("link", "Hana Sato"), Press("button", "Remove…")),
        looks=(Look.LIGHT, Look.NARROW),
    ),
    Walk("invite", "Inviting people", "settings:invite", "/settings/users/invite/", looks=(Look.LIGHT, Look.NARROW)),
    Walk(
        *(
            "invitation",
            "An invitation, as the link in its mail opens it",
            "invitation",
            "/settings/users/invite/",
            ADA,
        ),
        (
            *(Fill("E-mail addresses", "nina@acme.example"), Choose("Role", "App management")),
            *(Press("button", "Send invitations"), FollowTheMail("nina@acme.example")),
        ),
    ),
    Walk(
        *("invited", "Who is invited", "settings:users", "/settings/users/?status=invited"),
        looks=(Look.LIGHT, Look.NARROW),
        section="#users",
    ),
    # Settings > Organization
    Walk("organization", "Settings > Organization", "settings:organization", "/settings/organization/", looks=KEY_PAGE),
    Walk("slug", "Another slug", "settings:slug", "/settings/organization/slug/?slug=acme-group"),
    Walk(
        *("organization-as-domain-manager", "The same page for a domain manager", "settings:organization"),
        *("/settings/organization/", DANA),
    ),
    Walk(
        *("domain-doubtful", "A domain that is better not added", "settings:organization"),
        "/settings/organization/?add=gmail.com",
        section="#domains",
    ),
    Walk(
        *("domain", "A verified domain", "settings:domain", "/settings/organization/", ADA),
        (Press("link", "acme.example"),),
    ),
    Walk(
        *("domain-unverified", "A domain that waits for its DNS record", "settings:domain", "/settings/organization/"),
        *(ADA, (Press("link", "acme-events.example"),)),
        looks=KEY_PAGE,
    ),
    # Settings > Audit log
    Walk("audit-log", "Settings > Audit log", "settings:audit-log", "/settings/audit-log/", looks=KEY_PAGE),
    Walk("audit-log-nothing-fits", "A search that nothing fits", "settings:audit-log", "/settings/audit-log/?q=zzz"),
    # The operators' pages
    Walk("operator-sign-in", "Operators sign in", "admin:login", "/admin/login/", None),
    Walk("operator-index", "The admin of operators", "admin:index", "/admin/", OPERATOR, looks=KEY_PAGE),
    Walk("operator-app", "The models of an app", "admin:app_list", "/admin/organizations/", OPERATOR),
    Walk(
        "operator-organizations",
        "All organizations, their size and health",
        "admin:organizations_organization_changelist",
        "/admin/organizations/organization/",
        OPERATOR,
        looks=KEY_PAGE,
    ),
    Walk(
        "operator-organization",
        "What operators see of an organization",
        "admin:organizations_organization_change",
        "/admin/organizations/organization/",
        OPERATOR,
        (Press("link", "Acme"),),
        looks=KEY_PAGE,
    ),
    *(
        Walk(f"operator-{name}-list", f"List: {title}", f"admin:{model}_changelist", start, OPERATOR, way, looks=looks)
        for name, title, model, start, looks, way in OPERATED
    ),
    *(
        Walk(f"operator-{name}", f"One {title}", f"admin:{model}_change", start, OPERATOR, (*way, FirstRow()))
        for name, title, model, start, _looks, way in OPERATED
    ),
    *(
        Walk(
            *(f"operator-{verb}", title, f"admin:organizations_organization_{verb.replace('-', '_')}"),
            *("/admin/organizations/organization/add/", OPERATOR),
            (*MAKING, Press("link", "Go to {new_user}.example"), Press("link", button)),
        )
        for verb, title, button in (
            ("rename", "Another name or slug", "Rename…"),
            ("vouch", "An operator vouches for a domain", "Vouch for a domain…"),
        )
    ),
    Walk(
        "operator-first-admin",
        "An organization without an Admin gets one",
        "admin:organizations_organization_first_admin",
        "/admin/organizations/organization/",
        OPERATOR,
        (Press("link", "Umbrella"), Press("link", "Add the first Admin…")),
    ),
    Walk("operator-password", "An operator's password", "admin:password_change", "/admin/password_change/", OPERATOR),
    Walk(
        "operator-new",
        "A new organization",
        "admin:organizations_organization_add",
        "/admin/organizations/organization/add/",
        OPERATOR,
    ),
    Walk(
        *("operator-made", "A new organization is made", "admin:organizations_organization_add"),
        *("/admin/organizations/organization/add/", OPERATOR, MAKING),
    ),
    Walk(
        *("operator-suspend", "Before an organization is suspended", "admin:organizations_organization_suspend"),
        *("/admin/organizations/organization/", OPERATOR, (Press("link", "Acme"), Press("link", "Suspend…"))),
    ),
    Walk(
        *("operator-suspended", "An organization is suspended", "admin:organizations_organization_change"),
        *("/admin/organizations/organization/add/", OPERATOR),
        (
            *(*MAKING, Press("link", "Go to {new_user}.example"), Press("link", "Suspend…")),
            *(Fill("Reason", "Its invoice is not paid."), Press("button", "Suspend {new_user}.example")),
        ),
    ),
    Walk(
        *(
            "operator-reactivate",
            "Before an organization is reactivated",
            "admin:organizations_organization_reactivate",
        ),
        *("/admin/organizations/organization/add/", OPERATOR),
        (
            *(*MAKING, Press("link", "Go to {new_user}.example"), Press("link", "Suspend…")),
            *(Fill("Reason", "Its invoice is not paid."), Press("button", "Suspend {new_user}.example")),
            Press("link", "Reactivate…"),
        ),
    ),
    Walk(
        *("operator-visit", "An operator looks at an organization that asked for it", "settings:users"),
        *("/admin/organizations/organization/", OPERATOR, (Press("link", "Globex"), Press("button", "Enter Globex"))),
        height=860,
        looks=(Look.LIGHT, Look.NARROW),
    ),
    # The visit goes on.
    Walk(
        *("support", "The organization sees who looks at it", "settings:organization", "/settings/organization/", GWEN),
        looks=KEY_PAGE,
        height=1000,
    ),
    # What is one's own
    Walk("profile", "Your profile", "settings:profile", "/settings/profile/", looks=KEY_PAGE),
    # What goes wrong
    Walk("not-found", "An address that leads nowhere", "", "/nowhere/", status=404),
    Walk(
        "not-for-this-role", "A page that is not for one's role", "settings:users", "/settings/users/", DANA, status=403
    ),
)

# Addresses that answer a GET, and are no pages.
NOT_PAGES = {
    "": "redirects and what SCIM clients ask for",
    "settings:index": "leads on to the first page that is open to one",
    "settings:login": "leads on to signing in",
    "settings:logout": "leads on to signing out",
    "settings:scim-activity": "is a part of the page of users",
    "settings:new-requests": "is a part of the request log",
    "settings:request-details-file": "is a file",
    "settings:export-users": "is a file",
    "settings:audit-log-export": "is a file",
    "settings:request-log-export": "is a file",
    **{f"admin:{row[2]}_{name}": "is refused: services write" for row in OPERATED for name in ("add", "delete")},
    **{f"admin:{row[2]}_history": "leads on to the events of operators" for row in OPERATED},
    "admin:organizations_organization_delete": "is refused",
    "admin:organizations_organization_history": "leads on to the events of operators",
    "admin:password_change_done": "says that the password was changed",
    "admin:view_on_site": "leads on to pages of models that have one",
    "admin:autocomplete": "answers the forms of models that have one",
    "admin:jsi18n": "is a script",
    **dict.fromkeys(("admin:organizations_organization_enter", "admin:leave"), "takes forms only"),
    "admin:logout": "leads on to signing out",
    "audit-logs": "is for programs",
    "audit-openapi": "is for programs",
}
