"""Works. Takes jobs from the log, one step at a time, in worker processes."""
