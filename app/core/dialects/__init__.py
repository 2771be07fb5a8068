"""What the clients of the reference systems expect to hear: events of the log, in their words."""
