"""The steps of the plans: which reader does the work, and what is said about it."""
