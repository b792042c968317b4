"""An evidence file as a download. A browser saves it and never shows it, whatever the file contains."""

from django.http import HttpResponse

from distribution.models import ReturnFile


def as_attachment(file: ReturnFile) -> HttpResponse:
    answer = HttpResponse(bytes(file.content), content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{file.name.encode("ascii", "replace").decode()}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["Cache-Control"] = "private, no-store"
    return answer
