"""Roads between a device and this PC, all behind one `Channel`."""
