"""Facts and decisions out: the Parquet files of a run, and what other systems take."""
