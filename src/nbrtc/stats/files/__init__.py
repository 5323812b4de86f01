"""Statistics as files: CSV, JSON, Parquet, and a folder that everything goes to while it comes."""
