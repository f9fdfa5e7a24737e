"""Where a corpus comes from: files, their lines and JSON values, and which format they are of."""
