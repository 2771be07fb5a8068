"""Listeners by the thousand: servers to listen to, a load generator, and what is measured."""
