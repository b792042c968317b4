"""Attempts counted by the hour, and what is not counted yet. `tracing.rollups` writes these tables."""

from typing import ClassVar, Final

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models

COUNT_LATER: Final = "INSERT INTO tracing_uncountedattempt (attempt_id) SELECT id FROM added; RETURN NULL;"


def count_later_trigger() -> pgtrigger.Trigger:
    """Every new attempt is queued in its own transaction, so that a late commit is counted like any other."""
    return pgtrigger.Trigger(
        name="count_later",
        when=pgtrigger.After,
        level=pgtrigger.Statement,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="added"),
        func=COUNT_LATER,
    )


def _bins() -> "ArrayField[list[int], list[int]]":
    """Attempts by time: one count for each of `EDGES_SECONDS` (up to and including it), then those above."""
    return ArrayField(models.BigIntegerField())


class Counted(models.Model):
    """Attempts that started within the hour. An attempt without a due or receipt time is in no such bin."""

    hour = models.DateTimeField(help_text="The start of the hour.")
    count = models.BigIntegerField()
    duration_bins = _bins()
    due_bins = _bins()
    receipt_bins = _bins()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.count} attempts at {self.hour:%Y-%m-%d %H}"


class Rollup(Counted):
    """By result."""

    result = models.CharField(max_length=10)
    skip_reason = models.CharField(max_length=50, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.count} attempts at {self.hour:%Y-%m-%d %H}: {self.result} {self.skip_reason}".rstrip()


class AttemptHour(Rollup):
    """By workspace. Workspace 0: the attempt names none."""

    source_workspace_id = models.BigIntegerField()
    destination_workspace_id = models.BigIntegerField()

    class Meta:
        db_table = "tracing_attempthour"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["destination_workspace_id", "hour", "source_workspace_id", "result", "skip_reason"],
                name="attempthour_cell_unique",
            ),
        ]
        indexes = [
            # The workspaces with the most of one result.
            models.Index(
                fields=["result", "hour"],
                include=["destination_workspace_id", "count"],
                name="attempthour_result",
            ),
            # Recounts one hour.
            models.Index(fields=["hour"], name="attempthour_hour"),
            # The results of some workspaces, without a visit to the wide rows.
            models.Index(
                fields=["destination_workspace_id", "hour"],
                include=["result", "count"],
                name="attempthour_workspace",
            ),
        ]


class AttemptDay(Rollup):
    """By workspace and day (UTC): what covers whole days reads a day and not its 24 hours. `hour`: the day's first."""

    destination_workspace_id = models.BigIntegerField()

    class Meta:
        db_table = "tracing_attemptday"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["destination_workspace_id", "hour", "result", "skip_reason"],
                name="attemptday_cell_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["result", "hour"],
                include=["destination_workspace_id", "count"],
                name="attemptday_result",
            ),
            models.Index(
                fields=["destination_workspace_id", "hour"],
                include=["result", "count"],
                name="attemptday_workspace",
            ),
        ]


class AttemptHourTotal(Rollup):
    """Of all workspaces: what users read who see every workspace."""

    class Meta:
        db_table = "tracing_attempthourtotal"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "result", "skip_reason"], name="attempthourtotal_cell_unique"
            ),
        ]


class WorkspaceHour(Counted):
    """All attempts of a workspace, of any result: its times are added up from a fraction of the rows."""

    destination_workspace_id = models.BigIntegerField()

    class Meta:
        db_table = "tracing_workspacehour"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["destination_workspace_id", "hour"], name="workspacehour_cell_unique"
            ),
        ]
        indexes = [
            # Recounts one hour.
            models.Index(fields=["hour"], name="workspacehour_hour"),
        ]


class WorkspaceDay(Counted):
    """All attempts of a workspace and day (UTC), of any result. `hour`: the day's first."""

    destination_workspace_id = models.BigIntegerField()

    class Meta:
        db_table = "tracing_workspaceday"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["destination_workspace_id", "hour"], name="workspaceday_cell_unique"
            ),
        ]


class UncountedAttempt(models.Model):
    """An attempt that is in no roll-up yet. The transaction that counts it deletes the row."""

    attempt_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "tracing_uncountedattempt"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.attempt_id)


class RollupState(models.Model):
    """One row. It is locked while attempts are counted, so two runs cannot count at once."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    counted_to = models.UUIDField(
        null=True, help_text="The last attempt that was counted of those from before the first count."
    )
    is_history_counted = models.BooleanField(default=False)
    recounted_to = models.DateTimeField(null=True, help_text="The hour that was recounted last.")

    class Meta:
        db_table = "tracing_rollupstate"
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="rollupstate_one_row"),
        ]

    def __str__(self) -> str:
        return "state of the roll-up"
