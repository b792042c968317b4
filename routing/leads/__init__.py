"""What happens to a stored lead outside its decision: operator actions, claims, ended attempts, log lines.

Every status change of a lead is written here, as a conditional update.
"""
