"""Stand-ins at the seams of the PC's part: a scripted engine, a virtual clock, a device."""
