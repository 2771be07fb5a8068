"""Fingerprints of the exports of others, by the kind of house they come from."""
