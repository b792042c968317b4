"""Compiles the parts of a campaign and shares equal ones, so that a decision computes each only once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from distribution.engine.answers import is_answered
from distribution.engine.area import PLACE_FIELDS, Area, Coverage, Radius, county_key, describe_area
from distribution.engine.campaign import Calendar, Filter, Limit, Onboarding, Question, WindowSlot
from distribution.engine.reading import (
    DefinitionError,
    join,
    read_flag,
    read_number,
    read_object,
    read_objects,
    read_optional_integer,
    read_text,
    read_texts,
)
from routing.calendar.hours import HoursError, compile_hours
from routing.calendar.windows import WINDOW_KINDS, WindowKind
from routing.calendar.zones import UnknownTimezone, load_zone
from routing.conditions import Condition, ConditionError, compile_condition
from routing.conditions.operators import OPERATORS

Part = TypeVar("Part")

_EARTH_MILES = 12_500  # half way around
NOWHERE = Coverage(frozenset(), ())
NEVER = compile_condition({"all": [{"field": "zip", "op": op} for op in ("exists", "missing")]})


@dataclass(slots=True)
class PartCompiler:
    """`fields` collects the names of all lead fields that the parts read.

    `is_strict`: an unreadable part raises. Otherwise no lead passes it.
    """

    is_strict: bool = False
    fields: set[str] = field(default_factory=set)
    filters: dict[str, Filter] = field(default_factory=dict)
    onboardings: dict[str, Onboarding] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    areas: dict[str, Area] = field(default_factory=dict)
    slots: dict[tuple[str, str], WindowSlot] = field(default_factory=dict)

    def condition(self, definition: Any, *, path: str) -> Condition:
        try:
            condition = compile_condition(definition)
        except ConditionError as error:
            where, message = error.problems[0]
            raise DefinitionError(join(path, where), message) from None
        self.fields |= condition.fields
        return condition

    def filter(self, parent: Mapping[str, Any], key: str, *, path: str) -> Filter | None:
        definition = parent.get(key)
        if not definition:
            return None
        try:
            return _share(self.filters, definition, lambda: self._filter(definition, path=join(path, key)))
        except DefinitionError as error:
            return Filter(NEVER, "", self._problem(error, path=path))

    def _problem(self, error: DefinitionError, *, path: str) -> str:
        """Return the message without the owner's position in a list, which means nothing to a reader."""
        if self.is_strict:
            raise error
        return str(error).removeprefix(f"{path}.")

    def _filter(self, definition: Any, *, path: str) -> Filter:
        condition = self.condition(definition, path=path)
        return Filter(condition, condition.describe())

    def onboarding(
        self, buyer: Mapping[str, Any], *, questions: list[tuple[str, Mapping[str, Any]]], path: str
    ) -> Onboarding | None:
        """None if no question restricts the buyer."""
        if not questions:
            return None
        try:
            answers = read_object(buyer, "answers", path=path, optional=True)
        except DefinitionError as error:
            return Onboarding((), (), self._problem(error, path=path))
        path = join(path, "answers")
        onboarding = _share(
            self.onboardings, answers, lambda: self._onboarding(answers, questions=questions, path=path)
        )
        return onboarding if onboarding.questions or onboarding.unanswered else None

    def _onboarding(
        self, answers: Mapping[str, Any], *, questions: list[tuple[str, Mapping[str, Any]]], path: str
    ) -> Onboarding:
        asked: list[Question] = []
        unanswered: list[str] = []
        for here, question in questions:
            key = read_text(question, "key", path=here)
            if is_answered(answers.get(key)):
                try:
                    asked.append(self._question(question, answers[key], path=join(path, key)))
                except DefinitionError:
                    # Questions and answers are saved separately, so they may not fit. One buyer's bad answer must not
                    # stop the campaign for all, so it counts as unanswered.
                    unanswered.append(key)
            elif read_flag(question, "required", path=here, default=False):
                unanswered.append(key)
        return Onboarding(tuple(asked), tuple(unanswered))

    def _question(self, question: Mapping[str, Any], answer: Any, *, path: str) -> Question:
        name, op = question["field"], question["op"]
        condition = self.condition({"field": name, "op": op, "value": answer}, path=path)
        return Question(question["key"], name, op, answer, condition, not question.get("required"))

    def calendar(self, parent: Mapping[str, Any], key: str, *, timezone: str, path: str) -> Calendar | None:
        """None if it is always open."""
        definition = parent.get(key)
        if definition is None or definition == {}:
            return None
        return _share(
            self.calendars,
            [definition, timezone],
            lambda: _compile_calendar(definition, timezone=timezone, path=join(path, key)),
        )

    def opening(self, buyer: Mapping[str, Any], *, path: str) -> tuple[str, Calendar | None]:
        """Return a buyer's time zone and hours. An unreadable time zone closes it: its caps could not be counted."""
        timezone = "UTC"
        try:
            timezone = read_timezone(buyer, path=path)
            return timezone, self.calendar(buyer, "hours", timezone=timezone, path=path)
        except DefinitionError as error:
            problem = self._problem(error, path=path)
            return timezone, Calendar({}, timezone, compile_hours({}, timezone), problem)

    def area(self, buyer: Mapping[str, Any], *, path: str) -> Area:
        self.fields |= PLACE_FIELDS
        try:
            definition = read_object(buyer, "service_area", path=path, optional=True)
            here = join(path, "service_area")
            return _share(self.areas, definition, lambda: _compile_area(definition, path=here))
        except DefinitionError as error:
            return Area(
                everywhere=False,
                include=NOWHERE,
                exclude=None,
                required="",
                problem=self._problem(error, path=path),
            )

    def limits(self, enrollment: Mapping[str, Any], *, timezone: str, path: str) -> tuple[Limit, ...]:
        caps = read_object(enrollment, "caps", path=path, optional=True)
        budgets = read_object(enrollment, "budgets", path=path, optional=True)
        limits = []
        for window in WINDOW_KINDS:
            leads = read_optional_integer(caps, window, path=join(path, "caps"), minimum=0)
            cents = read_optional_integer(budgets, window, path=join(path, "budgets"), minimum=0)
            if leads is not None or cents is not None:
                limits.append(Limit(self._slot(window, timezone), leads, cents))
        _refuse_unknown_windows(caps, path=join(path, "caps"))
        _refuse_unknown_windows(budgets, path=join(path, "budgets"))
        return tuple(limits)

    def _slot(self, window: WindowKind, timezone: str) -> WindowSlot:
        return self.slots.setdefault((window, timezone), WindowSlot(len(self.slots), window, timezone))


def read_questions(head: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the campaign's onboarding questions with their paths. Each has a key, a field and a known operator."""
    questions = read_objects(head, "questions", path="campaign")
    for here, question in questions:
        for key in ("key", "field", "op"):
            read_text(question, key, path=here)
        if question["op"] not in OPERATORS:
            raise DefinitionError(join(here, "op"), f"unknown operator: use one of {', '.join(OPERATORS)}")
    return questions


def read_timezone(parent: Mapping[str, Any], *, path: str) -> str:
    name = read_text(parent, "timezone", path=path)
    try:
        load_zone(name)
    except UnknownTimezone as error:
        raise DefinitionError(join(path, "timezone"), str(error)) from None
    return name


def _share(made: dict[str, Part], definition: Any, make: Callable[[], Part]) -> Part:
    key = json.dumps(definition, sort_keys=True)
    if key not in made:
        made[key] = make()
    return made[key]


def _refuse_unknown_windows(limits: Mapping[str, Any], *, path: str) -> None:
    """A cap on an unknown window would silently have no effect."""
    for window in limits:
        if window not in WINDOW_KINDS:
            raise DefinitionError(
                join(path, str(window)), f"unknown window: use one of {', '.join(WINDOW_KINDS)}"
            )


def _compile_calendar(definition: Any, *, timezone: str, path: str) -> Calendar:
    try:
        hours = compile_hours(definition, timezone)
    except HoursError as error:
        where, message = error.problems[0]
        raise DefinitionError(join(path, where), message) from None
    return Calendar(definition, timezone, hours)


def _compile_area(definition: Mapping[str, Any], *, path: str) -> Area:
    exclude = read_object(definition, "exclude", path=path, optional=True)
    excluded = _compile_coverage(exclude, path=join(path, "exclude"))
    return Area(
        everywhere=read_flag(definition, "everywhere", path=path, default=False),
        include=_compile_coverage(definition, path=path),
        exclude=excluded if excluded.keys or excluded.radius else None,
        required=describe_area(definition),
    )


def _compile_coverage(definition: Mapping[str, Any], *, path: str) -> Coverage:
    keys = {f"zips:{each}" for each in read_texts(definition, "zips", path=path)}
    keys.update(f"zip_prefixes:{each}" for each in read_texts(definition, "zip_prefixes", path=path))
    keys.update(f"states:{each.upper()}" for each in read_texts(definition, "states", path=path))
    keys.update(f"countries:{each.upper()}" for each in read_texts(definition, "countries", path=path))
    counties = join(path, "counties")
    for index, county in enumerate(read_texts(definition, "counties", path=path)):
        keys.add(f"counties:{_county(county, path=f'{counties}[{index}]')}")
    circles = read_objects(definition, "radius", path=path)
    return Coverage(frozenset(keys), tuple(_compile_radius(each, path=here) for here, each in circles))


def _county(text: str, *, path: str) -> str:
    state, colon, county = text.partition(":")
    if not state or not colon or not county:
        raise DefinitionError(path, 'must be a state and a county, like "GA:Fulton County"')
    return county_key(state, county)


def _compile_radius(circle: Mapping[str, Any], *, path: str) -> Radius:
    zip_code = read_text(circle, "zip", path=path)
    if circle.get("latitude") is None or circle.get("longitude") is None:
        message = f"{zip_code!r} is not a US ZIP code with a known location; use one nearby"
        raise DefinitionError(join(path, "zip"), message)
    return Radius(
        zip=zip_code,
        miles=read_number(circle, "miles", path=path, minimum=0, maximum=_EARTH_MILES),
        latitude=read_number(circle, "latitude", path=path, minimum=-90, maximum=90),
        longitude=read_number(circle, "longitude", path=path, minimum=-180, maximum=180),
    )
