"""Tables: CSV, TSV and Excel, with a row a token, a span, a sentence or a text."""
