"""Livetrail: drop files in, watch every step live, lose nothing."""

__version__ = "0.1.0"
