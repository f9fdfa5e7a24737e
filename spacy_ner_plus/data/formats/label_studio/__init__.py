"""`label-studio`: tasks with regions, as Label Studio exports and imports them."""
