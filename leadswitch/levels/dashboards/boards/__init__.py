"""The boards, one module each, and short forms of their expressions."""
