"""Who lives with this home: people, their devices, who is connected, and who may come in."""
