"""The leads that a buyer missed, and what would have to change."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse

from distribution.explain.missed import NEWEST, find_missed, list_missed
from distribution.explain.missed_period import MissedFilter
from distribution.explain.missed_reasons import find_reasons
from distribution.explain.missed_rows import MISSED_REASONS
from distribution.portal.missed_words import list_groups
from distribution.portal.pages import PortalPage
from distribution.portal.paging import SIZE, read_paging
from distribution.portal.wording import FIXERS, list_links
from tracing.skip_reasons import Fixer


class MissedPage(PortalPage):
    section = "portal-missed"

    def get(self, request: HttpRequest) -> HttpResponse:
        reason = request.GET.get("reason", "")
        if reason and reason not in MISSED_REASONS:
            raise Http404
        paging = read_paging(request, name="missed", buyer=self.buyer)
        before = NEWEST if paging.before is None else paging.before
        missed, stop = list_missed(
            self.buyer, limit=SIZE + 1, before=before, only=MissedFilter(reason=reason or None)
        )
        page = paging.show(missed, position=lambda each: each.position, stop=stop)
        groups = list_groups(find_reasons(self.buyer) | {reason})
        context = {"page": page, "groups": groups, "reason": reason}
        return self.show_page("missed", context)


class MissedLeadPage(PortalPage):
    section = "portal-missed"

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - as above
        found = find_missed(public_id, buyer=self.buyer)
        if found is None:
            raise Http404
        missed, skips, check = found
        context = {
            "missed": missed,
            "skips": skips,
            "check": check,
            "fixer": FIXERS.get(Fixer(missed.skip.fixer), ""),
            "links": list_links(missed.skip.gates, campaign_id=missed.campaign_id, reason=missed.skip.reason),
        }
        return self.show_page("missed_lead", context)
