"""Who is signed in, for which buyers, and where the buyer gets its leads."""

from django.http import HttpRequest, HttpResponse

from distribution.buyers.portal_sessions import list_users
from distribution.portal.pages import PortalPage
from distribution.portal.wording import describe_endpoint
from distribution.queries import list_endpoints


class AccountPage(PortalPage):
    section = "portal-account"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        context = {"session": self.session, "users": list_users(self.session.email)}
        return self.show_page("account", context)


class EndpointsPage(PortalPage):
    section = "portal-settings"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        endpoints = [describe_endpoint(each) for each in list_endpoints(self.buyer)]
        return self.show_page("endpoints", {"endpoints": endpoints})
