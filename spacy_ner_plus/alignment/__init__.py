"""Strings to spans: where in a text the mentions stand that somebody named. One engine for all who ask.

`occurrences` finds where a mention may stand, `assignment` decides which mention takes which
occurrence, and `align` puts the two together: for mentions listed in any order, as most reply
formats list them, and for tagged words in the order of the text.
"""
