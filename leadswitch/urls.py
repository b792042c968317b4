"""Every URL of the product, except /metrics, /healthz and /readyz, which middleware in `leadswitch/web/` answers."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from distribution.api.unsubscribe import UnsubscribeView
from leadswitch.failures import api_not_found

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("portal/", include("distribution.portal.urls")),
    path("unsubscribe/<str:token>/", UnsubscribeView.as_view(), name="unsubscribe"),
    path("calls/", include("distribution.api.callurls")),
    path("api/v1/", include("distribution.api.urls")),
    path("api/v1/", include("routing.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    # After every other path of the API, so that a missing slash is a JSON 404 and not a redirect that loses the body.
    re_path(r"^api/", api_not_found),
]

handler400 = "leadswitch.failures.bad_request"
handler404 = "leadswitch.failures.not_found"
handler500 = "leadswitch.failures.server_error"
