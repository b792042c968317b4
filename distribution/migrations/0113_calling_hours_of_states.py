"""The calling hours that the product ships. Rows that a person has changed stay.

A copy of them: what the product ships later comes with a migration of its own.
"""

from datetime import date, time

from django.db import migrations

CHECKED_ON = date(2026, 11, 30)
FEDERAL = "47 CFR 64.1200(c)(1)"
# State, opens, closes, calls on Sunday, on holidays, most calls a day, source. All others have the federal hours.
STRICTER = (
    (
        "AL",
        8,
        20,
        False,
        False,
        None,
        "Holidays: Ala. Code 1-3-8. Hours: state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)",
    ),
    ("CT", 9, 20, True, True, None, "Drop Cowboy (2025-11): 9 am to 8 pm. ClickPoint (2025-07): until 9 pm"),
    ("FL", 8, 20, True, True, 3, "Fla. Stat. 501.616(6)"),
    ("KY", 10, 21, True, True, None, "Hours: state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)"),
    (
        "LA",
        8,
        20,
        False,
        False,
        None,
        "Holidays: La. R.S. 1:55. Hours: state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)",
    ),
    ("MA", 8, 20, True, True, None, "Hours: state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)"),
    ("MD", 8, 20, True, True, 3, "Drop Cowboy (2025-11). Calls per day: G2 Leads to Sales (2024-11)"),
    ("MI", 9, 21, True, True, None, "Hours: state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)"),
    ("MN", 9, 21, True, True, None, "Hours: state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)"),
    ("MS", 8, 20, False, False, None, "Hours: Drop Cowboy (2025-11). Holidays: G2 Leads (2024-11)"),
    ("NM", 9, 21, True, True, None, "Hours: state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)"),
    ("NV", 9, 20, True, True, None, "Hours: state guides of Drop Cowboy (2025-11) and ClickPoint (2025-07)"),
    ("OK", 8, 20, True, True, 3, "Okla. Stat. tit. 15, 775C.4. Hours: Drop Cowboy (2025-11)"),
    ("PA", 8, 21, True, False, None, "Holidays: Drop Cowboy (2025-11), G2 Leads to Sales (2024-11)"),
    (
        "RI",
        10,
        17,
        False,
        False,
        None,
        "R.I. Gen. Laws 5-61-3.6: 9 am to 6 pm, Saturday 10 am to 5 pm. Holidays: G2 Leads (2024-11)",
    ),
    ("SD", 9, 21, False, True, None, "S.D. Codified Laws 37-30-28: weekdays 9 am to 9 pm"),
    ("TX", 9, 21, False, True, None, "Tex. Bus. & Com. Code 301, statute not read: on Sunday from noon"),
    (
        "UT",
        8,
        21,
        False,
        False,
        None,
        "Holidays: G2 Leads to Sales (2024-11). Sunday: Utah Code 13-25a-103, statute not read",
    ),
    ("WA", 8, 20, True, True, None, "RCW 19.158.040(2)"),
    ("WY", 8, 20, True, True, None, "Narrowed as a precaution: Wyo. Stat. 40-12-302, statute not read"),
)
FEDERAL_STATES = [
    "AK",
    "AR",
    "AS",
    "AZ",
    "CA",
    "CO",
    "DC",
    "DE",
    "GA",
    "GU",
    "HI",
    "IA",
    "ID",
    "IL",
    "IN",
    "KS",
    "ME",
    "MO",
    "MP",
    "MT",
    "NC",
    "ND",
    "NE",
    "NH",
    "NJ",
    "NY",
    "OH",
    "OR",
    "PR",
    "SC",
    "TN",
    "VA",
    "VI",
    "VT",
    "WI",
    "WV",
]


def fill(apps, schema_editor):
    rows = apps.get_model("distribution", "CallingHours").objects.using(schema_editor.connection.alias)
    federal = [(state, 8, 21, True, True, None, FEDERAL) for state in ("", *FEDERAL_STATES)]
    for state, opens, closes, on_sunday, on_holidays, most, source in (*federal, *STRICTER):
        rows.get_or_create(
            country="US",
            state=state,
            defaults={
                "opens": time(opens),
                "closes": time(closes),
                "calls_on_sunday": on_sunday,
                "calls_on_holidays": on_holidays,
                "most_calls_per_day": most,
                "source": source,
                "checked_on": CHECKED_ON,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("distribution", "0112_calling_hours")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
