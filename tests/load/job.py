"""What the parent process passes to the generator, as a file. Pure."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.load.plan import Phase


@dataclass(frozen=True, slots=True)
class Job:
    """`keys`: one for each source. `connections`: how many requests may run at once."""

    address: str
    keys: tuple[str, ...]
    phases: tuple[Phase, ...]
    arrivals: str
    seed: int
    connections: int

    @classmethod
    def read(cls, path: Path) -> "Job":
        values = json.loads(path.read_text())
        phases = tuple(Phase(**each) for each in values.pop("phases"))
        return cls(**{**values, "keys": tuple(values["keys"]), "phases": phases})

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))
