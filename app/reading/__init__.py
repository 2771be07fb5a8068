"""Reads what a file says. Plain CPU functions that run in worker processes."""
