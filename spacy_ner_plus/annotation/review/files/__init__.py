"""Review tools that are reached by files: tasks are written for them to import, and their exports are read."""
