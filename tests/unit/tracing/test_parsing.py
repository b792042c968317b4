"""Numbers on the command line."""

from argparse import ArgumentTypeError

import pytest

from tracing.parsing import MAX_POSTGRES_INTEGER, number_argument, positive_argument


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("007", 7), (str(MAX_POSTGRES_INTEGER), MAX_POSTGRES_INTEGER)]
)
def test_number_in_range_is_read(text: str, number: int) -> None:
    assert positive_argument(text) == number


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "", "x", "1.5", "²", "٣", "1_0", " 1", str(MAX_POSTGRES_INTEGER + 1), "9" * 19, "9" * 5000],
)
def test_other_text_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(
        ArgumentTypeError, match=f"is not a whole number from 1 to {MAX_POSTGRES_INTEGER}$"
    ) as caught:
        positive_argument(text)
    assert len(str(caught.value)) < 80


def test_range_of_a_number_includes_both_ends() -> None:
    parse = number_argument(lowest=0, highest=65_535)
    assert [parse("0"), parse("65535")] == [0, 65_535]
    for text in ("-1", "65536", "٩١٠٤"):
        with pytest.raises(ArgumentTypeError, match=f"^'{text}' is not a whole number from 0 to 65535$"):
            parse(text)
