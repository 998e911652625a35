"""What became of hook tables from one version to another."""
