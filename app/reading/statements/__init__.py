"""Files that are lists of records: bank statements in the banks' own formats, and JSON."""
