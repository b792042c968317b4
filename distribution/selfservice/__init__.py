"""A buyer's own changes: reads what a program or a page sent, checks the version, validates, stores, audits.

Faces call `change_account`, `change_enrollment` and the functions of `endpoints`. Each locks the row, refuses a
version that is not the present one, validates as the admin does, and writes the change with its audit entry in one
transaction. A change that the agency must approve is stored as a proposal instead.

It never changes what only the agency decides: tiers, weights, priorities, prices, credit limits, `active`.
"""
