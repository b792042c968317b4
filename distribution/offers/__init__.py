"""What a source would be paid for a lead before it sends one. Decides like an attempt, but writes and locks no lead."""
