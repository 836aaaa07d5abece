"""The LAN dial: devices that are known reach this PC by its address, with no server between."""
