"""Right, wrong and missed entities by scheme, and the rates derived from them."""
