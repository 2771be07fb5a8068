"""What is promised, proven at the lowest level that can prove it."""
