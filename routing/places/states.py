"""US states and Canadian provinces by the names that people write."""

import re
from typing import Final

US_NAMES: Final = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas",
    "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts",
    "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana",
    "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico",
    "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma",
    "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington",
    "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming", "PR": "Puerto Rico", "GU": "Guam",
    "VI": "Virgin Islands", "AS": "American Samoa", "MP": "Northern Mariana Islands",
}  # fmt: skip
CANADIAN_NAMES: Final = {
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "NT": "Northwest Territories", "NU": "Nunavut",
    "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec", "SK": "Saskatchewan", "YT": "Yukon",
}  # fmt: skip
# Other common spellings. Abbreviations are those of the Associated Press.
OTHER_NAMES: Final = {
    "US": {
        "washington dc": "DC", "us virgin islands": "VI", "u s virgin islands": "VI", "ala": "AL", "ariz": "AZ",
        "ark": "AR", "calif": "CA", "cal": "CA", "colo": "CO", "conn": "CT", "del": "DE", "fla": "FL",
        "ill": "IL", "ind": "IN", "kan": "KS", "mass": "MA", "mich": "MI", "minn": "MN", "miss": "MS",
        "mont": "MT", "neb": "NE", "nev": "NV", "okla": "OK", "ore": "OR", "penn": "PA", "tenn": "TN",
        "tex": "TX", "wash": "WA", "wis": "WI", "wyo": "WY",
    },
    "CA": {"pq": "QC", "québec": "QC", "newfoundland": "NL", "nf": "NL", "pei": "PE", "ont": "ON", "que": "QC"},
}  # fmt: skip
_BY_NAME: Final = {
    "US": {name.casefold(): code for code, name in US_NAMES.items()} | OTHER_NAMES["US"],
    "CA": {name.casefold(): code for code, name in CANADIAN_NAMES.items()} | OTHER_NAMES["CA"],
}
_NOT_LETTERS: Final = re.compile(r"[\W_]+")


def find_state(text: str, *, country: str) -> str | None:
    """The two-letter code of a state name or abbreviation: "Georgia", but not "N. Carolina"."""
    names = _BY_NAME.get(country, {})
    folded = " ".join(_NOT_LETTERS.sub(" ", text).split()).casefold()
    found = names.get(folded) or names.get(folded.removeprefix("state of "))
    if found is not None:
        return found
    # "D.C.", "G.A.", "GA - Georgia"
    letters = folded.replace(" ", "")
    if len(letters) == 2 and letters.upper() in {*names.values()}:
        return letters.upper()
    first, _, rest = folded.partition(" ")
    return first.upper() if names.get(rest) == first.upper() else None
