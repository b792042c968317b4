"""When a lead may be called: hours by law where the lead lives, time zones of ZIP codes and area codes, holidays.

Pure: no Django, database or clock. The rules and the time are arguments. Whatever is unknown closes (decisions/0093).
"""
