"""Plugins: found and asked what they add by the server, run in processes of their own."""
