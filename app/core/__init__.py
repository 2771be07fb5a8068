"""Decides. Pure: no IO, no clock; imports only the standard library and pydantic."""
