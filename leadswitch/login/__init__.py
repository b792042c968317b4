"""Who may log in to the admin: the guard against guessed passwords, and two-factor authentication."""
