"""What happens to a stored lead outside its decision: operator actions, claims, the end of an attempt, its log line.

Every status change of a lead is written here, as a conditional update.
"""
