"""URLs that carriers call, under /calls/. They are in callback addresses and in no schema."""

from django.urls import URLPattern, path

from distribution.api.callcallbacks import KeysView, RecordingView, ScriptView, StatusView

urlpatterns: list[URLPattern] = [
    path("<uuid:public_id>/script/", ScriptView.as_view(), name="call-script"),
    path("<uuid:public_id>/keys/", KeysView.as_view(), name="call-keys"),
    path("<uuid:public_id>/status/", StatusView.as_view(), name="call-status"),
    path("<uuid:public_id>/recording/", RecordingView.as_view(), name="call-recording"),
]
