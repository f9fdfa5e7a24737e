"""Intervals by resampling, and tests of differences."""
