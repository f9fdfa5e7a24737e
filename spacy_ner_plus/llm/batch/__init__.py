"""Requests by the thousand at half price: files of them that a server answers within a day, through the store."""
