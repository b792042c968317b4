"""What a buyer answers to the questions of its campaigns."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from distribution.portal.changes import ChangeForm, ChangePage
from distribution.portal.conditions import LISTS, label_field, read_value, write_value
from distribution.queries import list_enrollments
from distribution.selfservice.change import Author, Outcome, change_account, read_version
from distribution.selfservice.settings import ANSWERS
from routing.conditions.operators import OPERATORS


class AnswersForm(ChangeForm):
    """One field for each key, also if several campaigns ask it. Only what changed is sent."""

    def __init__(self, *args: Any, questions: Sequence[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = {f"answer_{number}": each for number, each in enumerate(questions)}
        for name, question in self.questions.items():
            self.fields[name] = forms.CharField(
                label=_label(question),
                required=False,
                max_length=10_000,
                help_text=_explain(question),
            )

    @property
    def asked(self) -> list[Any]:
        return [self[name] for name in self.questions]

    def make_patch(self) -> dict[str, Any]:
        changed = {name: self.cleaned_data[name] for name in self.questions if name in self.changed_data}
        return {
            "answers": {self.questions[name]["key"]: self._read(name, text) for name, text in changed.items()}
        }

    def _read(self, name: str, text: str) -> Any:
        question = self.questions[name]
        return read_value(question["field"], question["op"], text) if text.strip() else None


def _label(question: Mapping[str, Any]) -> str:
    words = str(question["key"]).replace("_", " ")
    return words[:1].upper() + words[1:]


def _explain(question: Mapping[str, Any]) -> str:
    several = " Put commas between several." if question["op"] in LISTS else ""
    must = " Without an answer you get no leads." if question.get("required") else ""
    test = f"You get a lead if its {label_field(question['field']).lower()}"
    return f"{question['campaign']}: {test} {OPERATORS[question['op']].phrase} your answer.{several}{must}"


class AnswersPage(ChangePage):
    template = "answers"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self.show_form(self.make_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.save(request.POST)

    def make_form(self, data: Any = None) -> AnswersForm:
        questions, answers = self._list_questions(), self.buyer.answers
        given = {
            f"answer_{number}": write_value(answers.get(each["key"])) for number, each in enumerate(questions)
        }
        version = read_version(self.buyer, part=ANSWERS)
        return AnswersForm(data, initial={"version": version, **given}, questions=questions)

    def _list_questions(self) -> list[Mapping[str, Any]]:
        """Each key once."""
        asked = {
            question["key"]: {**question, "campaign": place.campaign.name}
            for place in reversed(list_enrollments(self.buyer))
            for question in place.campaign.questions
        }
        return list(asked.values())

    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        return change_account(self.buyer, part=ANSWERS, patch=patch, by=by, if_match=version)
