"""From teachers to what a student learns: how probable each tag is, by one teacher or by several."""
