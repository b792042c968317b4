"""When the law allows a call, by country and state. People with all rights edit these rows; the product ships them."""

from typing import ClassVar, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from distribution.models.waking_calls import calling_hours_triggers
from routing.places.states import CANADIAN_NAMES, US_NAMES

MOST_CALLS_PER_DAY: Final = 20
COUNTRY_CODE: Final = r"\A[A-Z]{2}\Z"
STATE_CODE: Final = r"\A([A-Z]{2})?\Z"
STATES: Final = {"US": US_NAMES, "CA": CANADIAN_NAMES}


class CallingHours(models.Model):
    """One row for a country and one for each of its states. Both count: the narrower one closes.

    A place is open from `opens`, before `closes`, on its own clock. Nobody is called where the country or the state has
    no row.
    """

    country = models.CharField(
        max_length=2,
        validators=[RegexValidator(COUNTRY_CODE, "Enter the two letters of the country, e.g. US.")],
        help_text="Two letters, e.g. US.",
    )
    state = models.CharField(
        max_length=2,
        blank=True,
        default="",
        db_default="",
        validators=[RegexValidator(STATE_CODE, "Enter the two letters of the state, e.g. GA.")],
        help_text="Two letters, e.g. GA. Empty: the rule of the whole country, which no state can widen.",
    )
    opens = models.TimeField(
        help_text="The first minute of a call, on the clock of the person who is called."
    )
    closes = models.TimeField(help_text="No phone rings at this minute or later, on the same clock.")
    calls_on_sunday = models.BooleanField(
        "calls on Sunday",
        default=True,
        db_default=True,
        help_text="If not, nobody there is called on Sunday.",
    )
    calls_on_holidays = models.BooleanField(
        default=True,
        db_default=True,
        help_text="If not, nobody there is called on federal holidays, on those of the state, and on the days on which"
        " they are observed.",
    )
    most_calls_per_day = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CALLS_PER_DAY)],
        help_text="How many calls a person may get in 24 hours. Empty: no limit by law.",
    )
    source = models.CharField(max_length=200, help_text="The law or page that says so.")
    checked_on = models.DateField(help_text="When a person last compared this row with its source.")

    class Meta:
        db_table = "distribution_callinghours"
        verbose_name = "calling hours"
        verbose_name_plural = "calling hours"
        constraints = [
            models.UniqueConstraint(
                fields=["country", "state"],
                name="callinghours_one_of_place",
                violation_error_message="This place has its hours already. Change that row.",
            ),
            models.CheckConstraint(
                condition=Q(opens__lt=F("closes")),
                name="callinghours_open_before_close",
                violation_error_message="It must open before it closes.",
            ),
            models.CheckConstraint(
                condition=Q(country__regex=r"^[A-Z]{2}$", state__regex=r"^([A-Z]{2})?$"),
                name="callinghours_codes",
            ),
            models.CheckConstraint(
                condition=Q(most_calls_per_day__isnull=True)
                | Q(most_calls_per_day__gte=1, most_calls_per_day__lte=MOST_CALLS_PER_DAY),
                name="callinghours_most_calls_in_range",
            ),
        ]
        triggers: ClassVar = calling_hours_triggers()

    def __str__(self) -> str:
        return f"{self.country}-{self.state}" if self.state else self.country

    def clean(self) -> None:
        names = STATES.get(self.country)
        if self.state and names is not None and self.state not in names:
            raise ValidationError({"state": f"{self.state} is not a state of {self.country}."})
