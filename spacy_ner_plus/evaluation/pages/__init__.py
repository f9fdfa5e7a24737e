"""HTML pages, plots and cards that people look at."""
