"""Where and in what precision a network runs, with how much memory."""
