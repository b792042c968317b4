"""Stores a lead without any further processing."""

from datetime import timedelta

from django.utils import timezone
from rest_framework.generics import CreateAPIView
from rest_framework.serializers import BaseSerializer, ModelSerializer

from routing.models import Lead
from tests.bench.bare.settings import BARE_OWNER


class LeadSerializer(ModelSerializer[Lead]):
    class Meta:
        model = Lead
        fields = [
            "public_id",
            "status",
            "first_name",
            "last_name",
            "email",
            "phone",
            "address",
            "zip",
            "vertical",
            "attributes",
            "consent",
            "received_at",
        ]
        read_only_fields = ["status", "received_at"]


class CreateLead(CreateAPIView[Lead]):
    serializer_class = LeadSerializer

    def perform_create(self, serializer: BaseSerializer[Lead]) -> None:
        now = timezone.now()
        serializer.save(
            workspace_id=BARE_OWNER["workspace_id"],
            source_workspace_id=BARE_OWNER["workspace_id"],
            source_id=BARE_OWNER["source_id"],
            received_at=now,
            next_attempt_at=now,
            expires_at=now + timedelta(days=90),
        )
