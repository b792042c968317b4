"""A number that came in JSON and fits no column. It travels as its digits, so that each field can judge it."""


class WideNumber(str):
    """The text of a whole number beyond 64 bits."""

    __slots__ = ()
