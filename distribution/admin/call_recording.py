"""The recording of a call, fetched from the carrier for each listener who may hear it. Nothing of it is kept here."""

from typing import Any, Final

from django.contrib import admin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from distribution.calls.carrier import CarrierUnavailable
from distribution.calls.carriers import get_carrier
from distribution.calls.recordings import read_recording
from distribution.models import Call
from tracing import audit
from tracing.admin.columns import NOTHING
from tracing.admin.confirming import ConfirmingAdmin
from tracing.admin.readonly import ReadOnlyAdmin

LISTEN: Final = "distribution.listen_to_recordings"
UNAVAILABLE: Final = "The carrier does not answer. Try again in a moment."
GONE: Final = "The carrier has no such recording any more."


class CallRecordingAdmin(ConfirmingAdmin, ReadOnlyAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.play)
        return [
            path("<path:object_id>/recording/", view, name="distribution_call_recording"),
            *super().get_urls(),
        ]

    def get_fields(self, request: HttpRequest, obj: Call | None = None) -> Any:
        """A person who may not listen does not see the player."""
        found = super().get_fields(request, obj)
        may_listen = request.user.has_perm(LISTEN)
        return found if may_listen else [each for each in found if each != "recording"]

    @admin.display(description="recording")
    def recording(self, call: Call) -> SafeString | str:
        if not call.recording_sid:
            return "recorded, and not ready yet" if call.records else NOTHING
        url = reverse("admin:distribution_call_recording", args=[call.pk])
        return format_html(
            '<audio controls preload="none" src="{}" data-testid="call-recording">'
            '<a href="{}">Listen</a></audio>',
            url,
            url,
        )

    def play(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Who listened is in the audit log. The carrier is asked outside the transaction."""
        self.require(LISTEN, request=request)
        call = self.get_object(request, object_id)
        if call is None or not call.recording_sid:
            raise Http404
        try:
            found = read_recording(call, get_carrier(call.account))
        except CarrierUnavailable:
            return HttpResponse(UNAVAILABLE, status=503, content_type="text/plain; charset=utf-8")
        if found is None:
            return HttpResponse(GONE, status=404, content_type="text/plain; charset=utf-8")
        with transaction.atomic():
            audit.record(
                actor=request.user.get_username(),
                action="listened",
                target=call,
                workspace_id=call.workspace_id,
            )
        answer = HttpResponse(found.content, content_type=found.content_type)
        answer.headers["Cache-Control"] = "no-store"
        return answer
