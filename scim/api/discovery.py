"""/ServiceProviderConfig, /ResourceTypes, /Schemas, 404 for every other path (RFC 7644 section 4)."""

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from core.json_values import Json
from provisioning.services.request_log import results
from scim.api.base import ScimView
from scim.api.media import answer
from scim.operations import discovery
from scim.protocol.errors import Forbidden, NotFound, shown_name
from scim.protocol.responses import list_response


class DiscoveryView(ScimView):
    """A document about the server; none can be filtered (RFC 7644 section 4)."""

    def answer_document(self, request: Request, document: Json) -> HttpResponse:
        """The document, for whoever has a valid token."""
        if "filter" in request._request.GET:
            raise Forbidden("Filters don't apply to what describes the server.")
        self.entry.result = results.DISCOVERED
        return answer(orjson.dumps(document))


class ServiceProviderConfigView(DiscoveryView):
    """What the server offers."""

    def get(self, request: Request, slug: str) -> HttpResponse:
        self.principal()
        return self.answer_document(request, discovery.service_provider_config(self.base_url))


class ResourceTypesView(DiscoveryView):
    """The kinds of resources."""

    def get(self, request: Request, slug: str) -> HttpResponse:
        return self.answer_document(request, _list(discovery.resource_types(self.principal(), self.base_url)))


class ResourceTypeView(DiscoveryView):
    """One kind of resource."""

    def get(self, request: Request, slug: str, name: str) -> HttpResponse:
        for kind in discovery.offered_types(self.principal()):
            if kind.name == name:
                return self.answer_document(request, discovery.resource_type(kind, self.base_url))
        raise NotFound(f"There is no resource type '{shown_name(name)}'.")


class SchemasView(DiscoveryView):
    """The schemas."""

    def get(self, request: Request, slug: str) -> HttpResponse:
        return self.answer_document(request, _list(discovery.schemas(self.principal(), self.base_url)))


class SchemaView(DiscoveryView):
    """One schema."""

    def get(self, request: Request, slug: str, urn: str) -> HttpResponse:
        principal = self.principal()
        for schema in discovery.offered_schemas(principal):
            if schema.id.lower() == urn.lower():
                return self.answer_document(request, discovery.schema(schema, principal, self.base_url))
        raise NotFound(f"There is no schema '{shown_name(urn)}'.")


class NowhereView(ScimView):
    """Any other path: an answer in SCIM's words, for whoever has a valid token."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        self.principal()
        raise NotFound("There is no such SCIM endpoint here.", cause="endpoint-unknown")


def _list(documents: list[Json]) -> Json:
    return list_response(documents, total=len(documents))
