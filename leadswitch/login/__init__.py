"""Who may log in to the admin: the guard against guessed passwords, and the second factor."""
