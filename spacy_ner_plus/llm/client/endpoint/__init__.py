"""One server and its model: what is sent to it, in which form, and what a refusal of it means."""
