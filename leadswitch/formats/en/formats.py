"""How the admin writes times: to the minute, on a 24-hour clock, with the zone. What people may type stays Django's."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "Y-m-d H:i T"
