"""Single values: one form for each kind, how to read other spellings, and what is wrong with the rest. No database."""
