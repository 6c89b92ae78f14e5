"""What to write into services.yml."""
