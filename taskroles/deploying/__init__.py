"""What AWS holds, and what a deploy would do to it."""
