"""Whoever stands between a device and its home, and does not wish them well."""
