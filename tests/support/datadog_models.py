"""Checks of Datadog's JSON by the models of its API client."""

from typing import Any

from datadog_api_client import Configuration
from datadog_api_client.model_utils import OpenApiModel, validate_and_convert_types


def list_problems(raw: dict[str, Any], model: type[OpenApiModel]) -> list[str]:
    """Raises what the client raises, and returns what it accepts and Datadog would refuse."""
    read = validate_and_convert_types(
        raw,
        (model,),
        ["body"],
        spec_property_naming=True,
        check_type=True,
        configuration=Configuration(),
    )
    return find_problems(read, raw)


def find_problems(model: object, raw: object, path: str = "") -> list[str]:
    """What the client accepts without an error and Datadog would refuse: unknown values, and keys with a typo."""
    if isinstance(model, list) and isinstance(raw, list):
        return [
            problem
            for place, (each, its_raw) in enumerate(zip(model, raw, strict=True))
            for problem in find_problems(each, its_raw, f"{path}[{place}]")
        ]
    if not isinstance(model, OpenApiModel) or not isinstance(raw, dict):
        return []
    # The client's attribute access recurses forever for a name that it does not have.
    own = vars(model)
    if own.get("_unparsed"):
        return [f"{path}: not valid"]
    if own.get("_composed_instances"):
        return find_problems(own["_composed_instances"][0], raw, path)
    keys = type(model).attribute_map
    problems = [f"{path}: unknown key {key}" for key in raw if key not in keys.values()]
    for name, key in keys.items():
        problems += find_problems(own["_data_store"].get(name), raw.get(key), f"{path}.{key}")
    return problems
