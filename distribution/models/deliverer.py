"""The deliverers that run."""

from django.db import models


class Deliverer(models.Model):
    """A row for each process. A stopped one removes its row; that of a killed one becomes old."""

    name = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "distribution_deliverer"

    def __str__(self) -> str:
        return self.name
