"""What the templates of out/ allow: read, compared, decided and said."""
