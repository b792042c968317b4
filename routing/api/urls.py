"""URLs of sources, under /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from routing.api.explanation import ExplanationView
from routing.api.leads import DispatchNowView, LeadBatchView, LeadsView, LeadView

urlpatterns: list[URLPattern | URLResolver] = [
    path("leads/", LeadsView.as_view(), name="leads"),
    path("leads/batch/", LeadBatchView.as_view(), name="lead-batch"),
    path("leads/<uuid:public_id>/", LeadView.as_view(), name="lead"),
    path("leads/<uuid:public_id>/explanation/", ExplanationView.as_view(), name="lead-explanation"),
    path("leads/<uuid:public_id>/dispatch-now/", DispatchNowView.as_view(), name="lead-dispatch-now"),
]
