"""What a test of verify plants."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """A statement that does damage, and the findings of verify by invariant. Other invariants must hold."""

    name: str
    sql: str
    breaches: dict[int, str]
    constraint: tuple[str, str] | None = None  # one that prevents the damage: name, table
