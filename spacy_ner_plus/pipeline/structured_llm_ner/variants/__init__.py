"""Several variants of asking in one component: which is chosen for a Doc, and which step in where it fails."""
