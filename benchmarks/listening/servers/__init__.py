"""Livetrail, and servers to stand beside it: each as its own documentation would have it."""
