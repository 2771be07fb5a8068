"""Remembers. The only SQL, and the content-addressed file store."""
