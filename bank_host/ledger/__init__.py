"""Double entry: which accounts exist, and the balanced postings that every money movement becomes."""
