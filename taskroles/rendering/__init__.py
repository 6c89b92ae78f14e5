"""From services.yml, policies/ and templates/ to out/."""
