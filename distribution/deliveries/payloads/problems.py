"""A problem of an endpoint's settings, for the form that edits them."""

from typing import NamedTuple


class Problem(NamedTuple):
    """`field`: the column of the endpoint. `message`: what is wrong and what to do."""

    field: str
    message: str
