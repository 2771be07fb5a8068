"""Answers. HTTP handlers, pages, uploads."""
