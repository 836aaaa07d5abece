"""What the two servers of the VDS share: how their processes run, and the secret between them."""
