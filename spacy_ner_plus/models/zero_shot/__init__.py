"""Models that are told at run time which entities to look for: GLiNER and GLiNER2."""
