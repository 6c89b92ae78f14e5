"""services.yml: its grammar and its names."""
