"""One script a question; each figure stands beside the machine's own limit, of the same run."""
