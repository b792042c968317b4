"""The digests that were mailed."""

from typing import ClassVar

from django.db import models


class DigestMail(models.Model):
    """One day's digest to one recipient. Without a row, no process has tried to send it.

    `claimed_at`: a process has been sending it since then. `cause`: the kind of
    error of the last try, without an address.
    """

    date = models.DateField()
    recipient = models.CharField(max_length=320)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    cause = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["date", "recipient"], name="digest_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.date}"
