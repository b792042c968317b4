"""What a form says about an entered endpoint."""

from typing import Any

from distribution.deliveries.payloads.answers import AnswerRules
from distribution.deliveries.payloads.entered import (
    EnteredRequest,
    find_request_problems,
    find_template_problems,
)


def find(**changes: Any) -> list[str]:
    entered: dict[str, Any] = {"http_method": "POST", "body_format": "json", "template": {}, "headers": {}}
    entered |= {"rules": AnswerRules(accept_path="status"), **changes}
    return [problem.field for problem in find_request_problems(EnteredRequest(**entered))]


def test_right_request_has_no_problem() -> None:
    assert find() == []
    assert find(http_method="GET", body_format="form") == []


def test_problems_of_every_column_are_listed_at_once() -> None:
    assert find(
        http_method="GET",
        body_format="xml",
        template={"a.b": "frist_name", "c.d": {}},
        headers={"Host": "x", "X": ""},
        rules=AnswerRules(accept_path="a..b", reason_path="ok", price_path="]"),
    ) == ["body_format", "template", "template", "headers", "headers", "accept_path", "price_path"]


def test_columns_of_a_csv_are_checked_as_a_form() -> None:
    assert find_template_problems({"Full Name": "full_name"}, body_format="form") == []
    [problem] = find_template_problems({"Full Name": "fullname"}, body_format="form")
    assert problem.message.startswith("Full Name: unknown field 'fullname': did you mean 'full_name'?")
