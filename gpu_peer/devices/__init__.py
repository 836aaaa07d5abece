"""What this machine can compute on, what is chosen of it, and why."""
