"""The boards, one module each, and short forms of what they ask for."""
