"""What the views for an agency's own programs have in common. Data of another workspace is not found."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rest_framework.request import Request

from distribution.api.authentication import WorkspaceKeyAuthentication, get_workspace_key
from distribution.api.paging import Paging, read_paging
from distribution.models import WorkspaceKey
from routing.api.headers import read_request_of
from routing.api.keyview import KeyView
from routing.intake.idempotency import IdempotentRequest
from routing.models import Workspace

PAGED: Final = ("limit", "cursor")


@dataclass(frozen=True, slots=True)
class _Owner:
    """A workspace as the owner of Idempotency-Keys."""

    public_id: UUID
    workspace_id: int


class WorkspaceView(KeyView):
    """Every view shows and changes rows of the workspace in `request.auth`."""

    authentication_classes = [WorkspaceKeyAuthentication]
    key_model = WorkspaceKey
    rate_kind = "workspace"
    grantor = "An admin"
    http_method_names = ["get", "head", "post"]

    @property
    def workspace(self) -> Workspace:
        return get_workspace_key(self.request).workspace

    @property
    def actor(self) -> str:
        return f"workspace {super().actor}"

    def read_paging(self, name: str) -> Paging:
        return read_paging(self.request, purpose=f"workspace/{name}:{self.workspace.pk}")

    def read_idempotent(self, request: Request, *, route: str) -> IdempotentRequest | None:
        """Return the request with its Idempotency-Key, or None without one."""
        owner = _Owner(self.workspace.public_id, self.workspace.pk)
        return read_request_of(owner, request=request, route=f"workspace/{route}")
