"""URLs of distribution, under /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from distribution.api.trace import TraceView

urlpatterns: list[URLPattern | URLResolver] = [
    path("leads/<uuid:public_id>/trace/", TraceView.as_view(), name="lead-trace"),
]
