"""Tells. Commit first, then show: the journal, the hub, the transports."""
