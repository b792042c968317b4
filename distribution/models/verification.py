"""How far an incremental verify has come."""

from django.db import models


class VerifyWatermark(models.Model):
    """One check found no breach in anything written before `transaction_id`.

    `cluster` is the system identifier of the PostgreSQL cluster: transaction ids of another cluster mean nothing
    here.
    """

    check_name = models.CharField(max_length=20, primary_key=True)
    transaction_id = models.BigIntegerField()
    cluster = models.BigIntegerField()
    read_at = models.DateTimeField()

    class Meta:
        db_table = "distribution_verifywatermark"

    def __str__(self) -> str:
        return f"{self.check_name} up to {self.read_at}"
