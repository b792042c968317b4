"""The one URL."""

from django.urls import path

from tests.bench.bare.views import CreateLead

urlpatterns = [path("leads/", CreateLead.as_view())]
