"""Rules that the kinds of several API groups share: pods and their templates, selectors, scale, conditions."""
